import { parsePaymentRequestId, type PaymentRequestKey } from './identifiers.ts';
import { parseInstant } from './instant.ts';
import type { PaymentRequest } from './payment-request.ts';

declare const brand: unique symbol;

/**
 * The position of a record in the list of its account: `<created_at>#<payment_request_id>`, compared as text. It never
 * changes and is unique. So a caller who pages through a changing list sees no record twice.
 */
export type ListCursor = string & { readonly [brand]: 'ListPosition' };

/** A record in a list, with its position. */
export interface ListedPaymentRequest extends PaymentRequestKey {
  readonly position: ListCursor;
}

/** The position of a record. */
export const listCursorOf = ({
  createdAt,
  paymentRequestId,
}: Pick<PaymentRequest, 'createdAt' | 'paymentRequestId'>): ListCursor =>
  `${createdAt}#${paymentRequestId}` as ListCursor;

/** The cursor for a text that {@link listCursorOf} made; `undefined` for any other text. */
export function parseListCursor(text: string): ListCursor | undefined {
  const mark = text.indexOf('#');
  const createdAt = text.slice(0, mark);
  const isInstant = parseInstant(createdAt) === createdAt;
  return isInstant && parsePaymentRequestId(text.slice(mark + 1)) ? (text as ListCursor) : undefined;
}
