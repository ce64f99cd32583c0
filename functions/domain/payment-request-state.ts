/**
 * Klarna's states of a Payment Request, each with its rank. 0: the customer may still pay or leave. 1: the customer has
 * approved. 2: no other state can follow. SUBMITTED and IN_PROGRESS have no order but time, because a
 * customer can step back (https://docs.klarna.com, Payment Request states).
 */
export const ranks = {
  SUBMITTED: 0,
  IN_PROGRESS: 0,
  COMPLETED: 1,
  CANCELED: 2,
  EXPIRED: 2,
  DECLINED: 2,
} as const;

/** One of Klarna's states. */
export type PaymentRequestState = keyof typeof ranks;

/** Every state, lowest rank first. */
export const paymentRequestStates = Object.keys(ranks) as readonly PaymentRequestState[];

/** The state of this name; `undefined` for a name that this version does not know. */
export const parseState = (text: string): PaymentRequestState | undefined =>
  Object.hasOwn(ranks, text) ? (text as PaymentRequestState) : undefined;

/** Whether no other state can follow: CANCELED, EXPIRED, DECLINED. */
export const isFinal = (state: PaymentRequestState | undefined): boolean =>
  // Stryker disable next-line ConditionalExpression: only the compiler needs the check
  state !== undefined && ranks[state] === 2;

/** Whether the customer may still pay: SUBMITTED, IN_PROGRESS, or a state that Klarna has not told yet. */
export const isOpen = (
  state: PaymentRequestState | undefined,
): state is 'SUBMITTED' | 'IN_PROGRESS' | undefined => state === undefined || ranks[state] === 0;
