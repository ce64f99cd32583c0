/**
 * Klarna's states of a Payment Request, each with its rank: 0 while the customer may still pay or leave, 1 once the
 * customer has approved, 2 when nothing can follow. SUBMITTED and IN_PROGRESS have no order between them but time, since
 * a customer can step back (https://docs.klarna.com, Payment Request states).
 */
export const ranks = {
  SUBMITTED: 0,
  IN_PROGRESS: 0,
  COMPLETED: 1,
  CANCELED: 2,
  EXPIRED: 2,
  DECLINED: 2,
} as const;

export type PaymentRequestState = keyof typeof ranks;

export const paymentRequestStates = Object.keys(ranks) as readonly PaymentRequestState[];

/** Klarna's word as one of its states, or `undefined` for a word that is new to us. */
export const parseState = (text: string): PaymentRequestState | undefined =>
  Object.hasOwn(ranks, text) ? (text as PaymentRequestState) : undefined;

/** Nothing can follow: CANCELED, EXPIRED, DECLINED. */
export const isFinal = (state: PaymentRequestState | undefined): boolean =>
  // Stryker disable next-line ConditionalExpression: only the compiler needs the check
  state !== undefined && ranks[state] === 2;

/** The customer may still pay: nothing heard yet, SUBMITTED or IN_PROGRESS. */
export const isOpen = (
  state: PaymentRequestState | undefined,
): state is 'SUBMITTED' | 'IN_PROGRESS' | undefined => state === undefined || ranks[state] === 0;
