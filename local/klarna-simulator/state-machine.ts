/**
 * The states of a Payment Request and the transitions between them, as Klarna's pages draw them
 * (https://docs.klarna.com/acquirer/klarna/web-payments/, "Monitor the payment request state"). It is written from
 * those pages, not from the code that it tests.
 */

export const states = ['SUBMITTED', 'IN_PROGRESS', 'COMPLETED', 'EXPIRED', 'CANCELED', 'DECLINED'] as const;

export type State = (typeof states)[number];

/** What a customer, the partner or time does to a Payment Request. */
export type Action = 'start' | 'step-back' | 'approve' | 'decline' | 'cancel' | 'expire';

/** The state that an action leads to, with Klarna's `state_reason`, if any. */
export interface Transition {
  readonly to: State;
  readonly reason?: string;
}

const canceled: Transition = { to: 'CANCELED', reason: 'PARTNER_CANCELED' };

const table: Readonly<Record<State, Readonly<Partial<Record<Action, Transition>>>>> = {
  SUBMITTED: {
    start: { to: 'IN_PROGRESS' },
    cancel: canceled,
    expire: { to: 'EXPIRED' },
  },
  IN_PROGRESS: {
    'step-back': { to: 'SUBMITTED', reason: 'PURCHASE_FLOW_ABORTED' },
    approve: { to: 'COMPLETED' },
    decline: { to: 'DECLINED' },
    cancel: canceled,
    expire: { to: 'EXPIRED' },
  },
  // Declined at authorization. Klarna's pages disagree about canceling it, so a setting decides.
  COMPLETED: { decline: { to: 'DECLINED' }, cancel: canceled },
  EXPIRED: {},
  CANCELED: {},
  DECLINED: {},
};

/** The transition of an action from a state; `undefined` where Klarna does not allow it. */
export function transitionOf(
  state: State,
  action: Action,
  { completedCanBeCanceled }: { readonly completedCanBeCanceled: boolean },
): Transition | undefined {
  if (state === 'COMPLETED' && action === 'cancel' && !completedCanBeCanceled) return undefined;
  return table[state][action];
}

/** The states in which an action is allowed, for the refusal's text. */
export const statesThatAllow = (action: Action): readonly State[] =>
  states.filter((state) => table[state][action]);

/** The customer can still approve, and the request can still expire. */
export const isOpen = (state: State): boolean => state === 'SUBMITTED' || state === 'IN_PROGRESS';
