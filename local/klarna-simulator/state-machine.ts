/**
 * The states of a Payment Request and what leads from one to the next, as Klarna's pages draw them
 * (https://docs.klarna.com/acquirer/klarna/web-payments/, "Monitor the payment request state"). Written from those pages and
 * not from the code it is there to test.
 */

export const states = ['SUBMITTED', 'IN_PROGRESS', 'COMPLETED', 'EXPIRED', 'CANCELED', 'DECLINED'] as const;

export type State = (typeof states)[number];

/** What a customer, the partner or time does to a Payment Request. */
export type Action = 'start' | 'step-back' | 'approve' | 'decline' | 'cancel' | 'expire';

/** Where a deed leads, and the `state_reason` that Klarna gives for it, if any. */
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
  // Declined at authorization. Whether it can still be cancelled is a switch: Klarna's pages disagree.
  COMPLETED: { decline: { to: 'DECLINED' }, cancel: canceled },
  EXPIRED: {},
  CANCELED: {},
  DECLINED: {},
};

/** Where the deed leads from a state; `undefined` where Klarna does not allow it. */
export function transitionOf(
  state: State,
  action: Action,
  { completedCanBeCanceled }: { readonly completedCanBeCanceled: boolean },
): Transition | undefined {
  if (state === 'COMPLETED' && action === 'cancel' && !completedCanBeCanceled) return undefined;
  return table[state][action];
}

/** The states in which a deed is possible, for the sentence that refuses it. */
export const statesThatAllow = (action: Action): readonly State[] =>
  states.filter((state) => table[state][action]);

/** The customer may still approve, and time still runs. */
export const isOpen = (state: State): boolean => state === 'SUBMITTED' || state === 'IN_PROGRESS';
