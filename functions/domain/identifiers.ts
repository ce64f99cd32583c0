/** Identifiers. Each has one parser, which returns `undefined` for a text that is not one; nothing else makes them. */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** The deployment's short name for one Klarna partner account: `[a-z0-9-]{1,32}`. */
export type Account = Branded<'Account'>;

/** Klarna's id of a Payment Request, such as `krn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-41d55fafbdb4`. */
export type PaymentRequestId = Branded<'PaymentRequestId'>;

/** The shop's id of a checkout session: 1 to 255 printable characters. */
export type SessionId = Branded<'SessionId'>;

/** The caller's own name for one job that cancels many requests: `[A-Za-z0-9._-]{1,64}`. */
export type CancelJobId = Branded<'CancelJobId'>;

/** What one history entry is about: Klarna's event id, or an id of our own with a prefix such as `read:`. */
export type EventId = Branded<'EventId'>;

/** The two parts of a record's key. Nothing is ever looked up by the Payment Request id alone. */
export interface PaymentRequestKey {
  readonly account: Account;
  readonly paymentRequestId: PaymentRequestId;
}

export const accountPattern = /^[a-z0-9-]{1,32}$/;

/** Klarna may change the region, the UUID's version and the UUID itself; only the shape is checked. */
export const paymentRequestIdPattern = /^krn:payment:[a-z0-9-]{1,32}:request:[A-Za-z0-9-]{1,64}$/;

/** 1 to 255 characters, none of them a control, format, private-use, unassigned or lone-surrogate character. */
export const printablePattern = /^[^\p{C}]{1,255}$/u;

export const cancelJobIdPattern = /^[A-Za-z0-9._-]{1,64}$/;

const eventIdPattern = /^[!-~]{1,128}$/;

export const parseAccount = (text: string): Account | undefined =>
  accountPattern.test(text) ? (text as Account) : undefined;

export const parsePaymentRequestId = (text: string): PaymentRequestId | undefined =>
  paymentRequestIdPattern.test(text) ? (text as PaymentRequestId) : undefined;

export const parseSessionId = (text: string): SessionId | undefined =>
  printablePattern.test(text) ? (text as SessionId) : undefined;

export const parseCancelJobId = (text: string): CancelJobId | undefined =>
  cancelJobIdPattern.test(text) ? (text as CancelJobId) : undefined;

/** At most 128 visible ASCII characters: it becomes part of an attribute's name. */
export const parseEventId = (text: string): EventId | undefined =>
  eventIdPattern.test(text) ? (text as EventId) : undefined;

/** The id of a fact of our own: what it is, and what makes it the same fact when it is recorded again. */
export const ownEventId = (kind: string, distinction: string): EventId => `${kind}:${distinction}` as EventId;
