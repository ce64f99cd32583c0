import { describe, expect, it } from 'vitest';
import { payableUntil, secondsUntil } from '../../functions/domain/session-clock.ts';
import { at, recordWith } from '../support/fixtures.ts';

const first = at('2026-03-01T12:20:00Z');
const second = at('2026-03-01T12:30:00Z');

describe('payableUntil', () => {
  it.each([
    ['the deadline of the only request', [{ deadlineAt: first }], first],
    ["Klarna's expiry where there is no deadline", [{ klarnaExpiresAt: first }], first],
    ["Klarna's expiry before the deadline", [{ deadlineAt: second, klarnaExpiresAt: first }], first],
    ["the deadline before Klarna's expiry", [{ deadlineAt: first, klarnaExpiresAt: second }], first],
    ['the latest end of several', [{ deadlineAt: second }, { deadlineAt: first }], second],
    ['unknown if an open request has no end', [{ deadlineAt: second }, {}], undefined],
    ['of the open ones alone', [{ deadlineAt: first }, { deadlineAt: second, state: 'CANCELED' }], first],
    ['unknown if none is open', [{ deadlineAt: second, state: 'COMPLETED' }], undefined],
  ] as const)('it is %s', (_, records, expected) => {
    expect(payableUntil(records.map((fields) => recordWith({ state: 'SUBMITTED', ...fields })))).toBe(
      expected,
    );
  });
});

describe('secondsUntil', () => {
  it('rounds down, and stays at 0 when it is over', () => {
    expect(secondsUntil(first, at('2026-03-01T12:19:58.001Z'))).toBe(1);
    expect(secondsUntil(first, first)).toBe(0);
    expect(secondsUntil(first, second)).toBe(0);
  });
});
