import fc from 'fast-check';
import { expect, it } from 'vitest';
import { klarnaExpiry } from '../../client/lapse-client.ts';
import { parseInstant } from '../../functions/domain/instant.ts';

const now = new Date('2026-03-01T12:00:00.250Z');
const after = (minutes: number) => new Date(now.getTime() + minutes * 60_000);
const expiryOf = (minutes: number, graceSeconds?: number) =>
  klarnaExpiry({ now, deadline: after(minutes), ...(graceSeconds !== undefined && { graceSeconds }) });

it('the expiry is the deadline with its grace, in the words of both APIs', () => {
  expect(expiryOf(30, 120)).toEqual({
    customer_interaction_config: { interaction_expiry: { timestamp: '2026-03-01T12:32:01Z' } },
    klarna_expires_at: '2026-03-01T12:32:01Z',
  });
});

it('a deadline that is too near or too far for Klarna gets the closest expiry that Klarna takes', () => {
  expect(expiryOf(2).klarna_expires_at).toBe('2026-03-01T12:16:01Z');
  expect(expiryOf(72 * 60).klarna_expires_at).toBe('2026-03-03T11:59:01Z');
});

it('Klarna and Lapse take every expiry, and none is before a deadline that both can keep', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -10, max: 4_000 }),
      fc.integer({ min: 0, max: 3_600 }),
      (minutes, grace) => {
        const { klarna_expires_at: expiry } = expiryOf(minutes, grace);
        expect(parseInstant(expiry)).toBeDefined();
        const away = (new Date(expiry).getTime() - now.getTime()) / 60_000;
        expect(away).toBeGreaterThan(15);
        expect(away).toBeLessThan(48 * 60);
        if (minutes < 47 * 60) expect(away).toBeGreaterThanOrEqual(minutes);
      },
    ),
  );
});

it.each([
  [{ deadline: new Date('soon') }, 'deadline is not a time; allowed: a valid Date.'],
  [{ deadline: '2026-03-01T12:00:00Z' as never }, 'deadline is not a time; allowed: a valid Date.'],
  [{ deadline: now, now: new Date(Number.NaN) }, 'now is not a time; allowed: a valid Date.'],
  [{ deadline: now, graceSeconds: -1 }, 'graceSeconds is -1; allowed: a number of seconds, 0 or more.'],
])('%j is refused', (input, sentence) => {
  expect(() => klarnaExpiry(input)).toThrow(sentence);
});
