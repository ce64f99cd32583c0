import { describe, expect, it } from 'vitest';
import { klarnaExpiry } from '../../client/lapse-client.ts';
import { readInteractionExpiry } from '../../local/klarna-simulator/interaction-expiry.ts';
import { parseInstant } from '../../functions/domain/instant.ts';

const noon = Date.parse('2026-03-01T12:00:00Z');
const now = (): number => noon;

describe('klarnaExpiry', () => {
  it.each([
    [{ timeout: 'PT20M' }, '12:20:00.000Z', '12:20:00.000Z', 'at_deadline'],
    [{ timeout: 'PT20M', grace: 'PT5M' }, '12:25:00.000Z', '12:20:00.000Z', 'at_deadline'],
    [
      { deadline: '2026-03-01T13:00:00+01:00', now: () => noon - 3_600_000 },
      '12:00:00.000Z',
      '12:00:00.000Z',
      'at_deadline',
    ],
    [{ timeout: 'PT5M' }, '12:16:00.000Z', '12:05:00.000Z', 'after_deadline'],
    [{ timeout: 'PT12M', grace: 'PT3M' }, '12:16:00.000Z', '12:12:00.000Z', 'after_deadline'],
  ] as const)('klarnaExpiry of %o is %s with a deadline of %s, %s', (options, expiry, deadline, falls) => {
    const timestamp = `2026-03-01T${expiry}`;
    const customer_interaction_config = { interaction_expiry: { timestamp } };
    expect(klarnaExpiry({ now, ...options })).toMatchObject({
      customer_interaction_config,
      step_up_config: { customer_interaction_config },
      klarna_expires_at: timestamp,
      deadline_at: `2026-03-01T${deadline}`,
      falls,
    });
  });

  it.each([
    [{ timeout: 'P2D' }, '2026-03-03T11:59:00.000Z'],
    [{ timeout: 'PT47H55M', grace: 'PT10M' }, '2026-03-03T11:55:00.000Z'],
  ] as const)(
    "the deadline for %o is not after Klarna's latest expiry, because Lapse would refuse it",
    (options, deadline) => {
      expect(klarnaExpiry({ now, ...options })).toMatchObject({
        klarna_expires_at: '2026-03-03T11:59:00.000Z',
        deadline_at: deadline,
        falls: 'before_deadline',
      });
    },
  );

  it.each([
    ['PT20M', 'The timer of Lapse ends the session at 2026-03-01T12:20:00.000Z. Klarna ends the request at'],
    ['PT5M', 'at 2026-03-01T12:05:00.000Z, which is too near for Klarna. Klarna ends the request at'],
    ['P2D', 'Klarna takes no later expiry than 2026-03-03T11:59:00.000Z'],
  ])('klarnaExpiry explains a timeout of %s: %s', (timeout, text) => {
    expect(klarnaExpiry({ timeout, now }).explanation).toContain(text);
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
