import { describe, expect, it } from 'vitest';
import {
  type Action,
  type State,
  states,
  statesThatAllow,
  transitionOf,
} from '../../../local/klarna-simulator/state-machine.ts';

const actions: readonly Action[] = ['start', 'step-back', 'approve', 'decline', 'cancel', 'expire'];

/** Every transition, where completed requests can be canceled. */
const arrows: readonly (readonly [State, Action, State, string?])[] = [
  ['SUBMITTED', 'start', 'IN_PROGRESS'],
  ['SUBMITTED', 'cancel', 'CANCELED', 'PARTNER_CANCELED'],
  ['SUBMITTED', 'expire', 'EXPIRED'],
  ['IN_PROGRESS', 'step-back', 'SUBMITTED', 'PURCHASE_FLOW_ABORTED'],
  ['IN_PROGRESS', 'approve', 'COMPLETED'],
  ['IN_PROGRESS', 'decline', 'DECLINED'],
  ['IN_PROGRESS', 'cancel', 'CANCELED', 'PARTNER_CANCELED'],
  ['IN_PROGRESS', 'expire', 'EXPIRED'],
  ['COMPLETED', 'decline', 'DECLINED'],
  ['COMPLETED', 'cancel', 'CANCELED', 'PARTNER_CANCELED'],
];

const arrow = (from: State, action: Action) =>
  arrows.find(([state, name]) => state === from && name === action);

describe.each(states)('the transitions from %s', (from) => {
  it.each(actions)('the action %s leads where Klarna says', (action) => {
    const expected = arrow(from, action);
    const transition = transitionOf(from, action, { completedCanBeCanceled: true });
    expect([transition?.to, transition?.reason]).toEqual([expected?.[2], expected?.[3]]);
  });
});

it('a completed request can be canceled only where the setting says so', () => {
  expect(transitionOf('COMPLETED', 'cancel', { completedCanBeCanceled: false })).toBeUndefined();
});

it('the states that allow an action are listed', () => {
  expect(statesThatAllow('decline')).toEqual(['IN_PROGRESS', 'COMPLETED']);
});
