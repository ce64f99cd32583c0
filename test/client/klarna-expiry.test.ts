import { describe, expect, it } from 'vitest';
import { klarnaExpiry } from '../../client/lapse-client.ts';
import { readInteractionExpiry } from '../../local/klarna-simulator/interaction-expiry.ts';
import { parseInstant } from '../../functions/domain/instant.ts';

const noon = Date.parse('2026-03-01T12:00:00Z');
const now = (): number => noon;

describe('klarnaExpiry', () => {
  it.each([
    [{ timeout: 'PT20M' }, '2026-03-01T12:20:00.000Z', 'at_deadline'],
    [{ timeout: 'PT20M', grace: 'PT5M' }, '2026-03-01T12:25:00.000Z', 'at_deadline'],
    [
      { deadline: '2026-03-01T13:00:00+01:00', now: () => noon - 3_600_000 },
      '2026-03-01T12:00:00.000Z',
      'at_deadline',
    ],
    [{ timeout: 'PT5M' }, '2026-03-01T12:16:00.000Z', 'after_deadline'],
    [{ timeout: 'PT12M', grace: 'PT3M' }, '2026-03-01T12:16:00.000Z', 'after_deadline'],
    [{ timeout: 'P2D' }, '2026-03-03T11:59:00.000Z', 'before_deadline'],
  ] as const)('klarnaExpiry of %o is %s, which is %s', (options, timestamp, falls) => {
    expect(klarnaExpiry({ now, ...options })).toEqual({
      customer_interaction_config: { interaction_expiry: { timestamp } },
      klarna_expires_at: timestamp,
      falls,
    });
  });

  it.each(['PT1S', 'PT15M', 'PT16M', 'PT3H', 'PT48H', 'P30D'])(
    'Klarna takes the expiry for a timeout of %s, also a minute later',
    (timeout) => {
      for (const later of [0, 59_000]) {
        const at = parseInstant(new Date(noon + later).toISOString());
        if (at === undefined) throw new Error('not an instant');
        expect(readInteractionExpiry({ ...klarnaExpiry({ timeout, now }) }, at)).toBeTypeOf('string');
      }
    },
  );

  it.each([
    [{ timeout: '20 minutes' }, 'timeout is "20 minutes"; allowed: a positive ISO 8601 duration'],
    [{ timeout: 'PT0S' }, 'timeout is "PT0S"; allowed: a positive'],
    [{ timeout: 'P' }, 'timeout is "P"'],
    [{ timeout: 'PT20M', grace: 'PT' }, 'grace is "PT"'],
    [{ deadline: '2026-03-01 12:30' }, 'deadline is "2026-03-01 12:30"; allowed: a time in RFC 3339'],
    [{ deadline: '2026-03-01T11:59:59Z' }, 'which has passed'],
  ] as const)('klarnaExpiry refuses %o', (options, message) => {
    expect(() => klarnaExpiry({ now, ...options })).toThrow(message);
  });
});
