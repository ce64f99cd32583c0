import { parsePaymentRequestId } from './identifiers.ts';
import { parseInstant } from './instant.ts';
import type { PaymentRequest } from './payment-request.ts';

declare const brand: unique symbol;

/**
 * Where a record stands in the list of its account: `<created_at>#<payment_request_id>`, compared as text. It never changes
 * and no two records share it, so whoever pages through a list that changes meanwhile sees nothing twice.
 */
export type ListCursor = string & { readonly [brand]: 'ListPosition' };

export const listCursorOf = ({
  createdAt,
  paymentRequestId,
}: Pick<PaymentRequest, 'createdAt' | 'paymentRequestId'>): ListCursor =>
  `${createdAt}#${paymentRequestId}` as ListCursor;

/** A text that {@link listPositionOf} made; `undefined` for any other. */
export function parseListCursor(text: string): ListCursor | undefined {
  const mark = text.indexOf('#');
  const createdAt = text.slice(0, mark);
  const isInstant = parseInstant(createdAt) === createdAt;
  return isInstant && parsePaymentRequestId(text.slice(mark + 1)) ? (text as ListCursor) : undefined;
}
