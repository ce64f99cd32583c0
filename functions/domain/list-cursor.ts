import type { PaymentRequestKey } from './identifiers.ts';
import { type Instant, parseInstant, plusMillis } from './instant.ts';
import type { PaymentRequest } from './payment-request.ts';

declare const brand: unique symbol;

/**
 * The position of a record in the list of its account: `<created_at>#<end of the id>`, compared as text. It never
 * changes and is unique. So a caller who pages through a changing list sees no record twice.
 */
export type ListCursor = string & { readonly [brand]: 'ListPosition' };

/** A record in a list, with its position. */
export interface ListedPaymentRequest extends PaymentRequestKey {
  readonly position: ListCursor;
}

/** The position of a record. The end of its id tells it from others of the same millisecond. */
export const listCursorOf = ({
  createdAt,
  paymentRequestId,
}: Pick<PaymentRequest, 'createdAt' | 'paymentRequestId'>): ListCursor =>
  `${createdAt.slice(0, 23)}Z#${endOf(paymentRequestId)}` as ListCursor;

/** The last characters of an id, or all that follow its last colon. */
const endOf = (id: string): string => id.slice(Math.max(id.length - 12, id.lastIndexOf(':') + 1));

/** The position before all records of this moment, and after all earlier ones. */
export const cursorBefore = (moment: Instant): ListCursor => {
  const isWhole = moment.endsWith('000000Z');
  return `${(isWhole ? moment : plusMillis(moment, 1)).slice(0, 23)}Z` as ListCursor;
};

/** The time of a cursor; `undefined` for any other text. */
export const timeOfCursor = (cursor: string): Instant | undefined =>
  parseListCursor(cursor) && (`${cursor.slice(0, 23)}000000Z` as Instant);

const cursorPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z#[A-Za-z0-9-]{1,12}$/;

/** The cursor for a text that {@link listCursorOf} made; `undefined` for any other text. */
export const parseListCursor = (text: string): ListCursor | undefined =>
  cursorPattern.test(text) && parseInstant(text.slice(0, 24)) ? (text as ListCursor) : undefined;
