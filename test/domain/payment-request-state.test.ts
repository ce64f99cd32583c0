import { expect, it } from 'vitest';
import {
  isFinal,
  isOpen,
  parseState,
  paymentRequestStates,
  ranks,
} from '../../functions/domain/payment-request-state.ts';

it.each([
  ['SUBMITTED', 0, 'open'],
  ['IN_PROGRESS', 0, 'open'],
  ['COMPLETED', 1, 'neither'],
  ['CANCELED', 2, 'final'],
  ['EXPIRED', 2, 'final'],
  ['DECLINED', 2, 'final'],
] as const)('the state %s has rank %i and is %s', (state, rank, is) => {
  expect(ranks[state]).toBe(rank);
  expect({ open: isOpen(state), final: isFinal(state) }).toEqual({
    open: is === 'open',
    final: is === 'final',
  });
  expect(parseState(state)).toBe(state);
});

it('there are exactly six states', () => {
  expect(paymentRequestStates).toHaveLength(6);
});

it('a request without a state is open', () => {
  expect(isOpen(undefined)).toBe(true);
  expect(isFinal(undefined)).toBe(false);
});

it.each(['', 'submitted', 'CANCELLED', ' CANCELED', 'AUTHORIZED', 'toString', '__proto__', 'constructor'])(
  '%j is not a known state',
  (word) => {
    expect(parseState(word)).toBeUndefined();
  },
);
