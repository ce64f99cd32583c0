/** Identifiers. Each has one parser, which returns `undefined` for a text that does not match. */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** The deployment's short name for one Klarna partner account: `[a-z0-9-]{1,32}`. */
export type Account = Branded<'Account'>;

/** The deployment's name for one API key of Klarna, and all that goes with it: `[a-z0-9-]{1,32}`. */
export type CredentialName = Branded<'CredentialName'>;

/** Klarna's id of a Payment Request, such as `krn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-41d55fafbdb4`. */
export type PaymentRequestId = Branded<'PaymentRequestId'>;

/** The shop's id of a checkout session, as {@link pathIdPattern} allows it. */
export type SessionId = Branded<'SessionId'>;

/** The shop's own name for what is paid, such as an order number, as {@link pathIdPattern} allows it. Klarna calls it `payment_request_reference`. */
export type Reference = Branded<'Reference'>;

/** The caller's own name for one job that cancels many requests, as {@link cancelJobIdPattern} allows it. */
export type CancelJobId = Branded<'CancelJobId'>;

/** The id of a history entry: Klarna's event id, or an id of our own with a prefix such as `read:`. */
export type EventId = Branded<'EventId'>;

/** The key of a record. A Payment Request id alone is never a key. */
export interface PaymentRequestKey {
  readonly account: Account;
  readonly paymentRequestId: PaymentRequestId;
}

/** The key of what is awaited under a reference of the shop. */
export interface ReferenceKey {
  readonly account: Account;
  readonly reference: Reference;
}

/** Letters, digits and hyphens: an account is part of a path, and a credential of the name of a secret. */
const namePattern = /^[a-z0-9-]{1,32}$/;

/** Klarna may change the region and the form of the UUID, so only the shape is checked. */
export const paymentRequestIdPattern = /^krn:payment:[a-z0-9-]{1,32}:request:[A-Za-z0-9-]{1,64}$/;

/**
 * An id that a path can carry: 1 to 255 characters, no control character, and none of `/ \ ? # %`, which end or encode a segment.
 * Not `.` or `..`, which every URL parser removes. Joined emoji and non-joiners are fine.
 */
export const pathIdPattern = /^(?!\.{1,2}$)[^\p{Cc}\p{Cs}/\\?#%]{1,255}$/u;

/** A text of a caller: 1 to 255 characters, no control character and no half of a surrogate pair. */
export const textPattern = /^[^\p{Cc}\p{Cs}]{1,255}$/u;

/** Characters that a path carries as they are, but not `.` or `..` alone. */
const cancelJobIdPattern = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/;

const eventIdPattern = /^[!-~]{1,128}$/;

/** The account of this name. */
export const parseAccount = (text: string): Account | undefined =>
  namePattern.test(text) ? (text as Account) : undefined;

/** The credential of this name. */
export const parseCredentialName = (text: string): CredentialName | undefined =>
  namePattern.test(text) ? (text as CredentialName) : undefined;

/** The Payment Request of this id. */
export const parsePaymentRequestId = (text: string): PaymentRequestId | undefined =>
  paymentRequestIdPattern.test(text) ? (text as PaymentRequestId) : undefined;

/** The session of this id. */
export const parseSessionId = (text: string): SessionId | undefined =>
  pathIdPattern.test(text) ? (text as SessionId) : undefined;

/** The reference of this text. */
export const parseReference = (text: string): Reference | undefined =>
  pathIdPattern.test(text) ? (text as Reference) : undefined;

/** The job of this id. */
export const parseCancelJobId = (text: string): CancelJobId | undefined =>
  cancelJobIdPattern.test(text) ? (text as CancelJobId) : undefined;

/** The event id: at most 128 visible ASCII characters, because it becomes part of an attribute's name. */
export const parseEventId = (text: string): EventId | undefined =>
  eventIdPattern.test(text) ? (text as EventId) : undefined;

/** The id of a fact of our own. The same kind and distinction give the same id, so a repeated write adds nothing. */
export const ownEventId = (kind: string, distinction: string): EventId => `${kind}:${distinction}` as EventId;
