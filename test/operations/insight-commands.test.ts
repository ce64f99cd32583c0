import { describe, expect, it } from 'vitest';
import { insightTimeouts } from '../../functions/application/insight-timeouts.ts';
import type { Account } from '../../functions/domain/identifiers.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import { showTimeouts } from '../../operations/insight-commands.ts';
import { printerOn } from '../../operations/printer.ts';
import { noon, observed } from '../support/fixtures.ts';
import { recordedTerminal } from '../support/command-line.ts';
import { settingsOf } from '../support/account-settings.ts';
import { afterNoon, registered, session } from '../support/sessions.ts';

const paid = (time: string): PaymentRequest =>
  applyObservation(registered({ state: 'IN_PROGRESS', occurredAt: noon }), observed('COMPLETED', time))
    .record;

const table: readonly (PaymentRequest | undefined)[] = [
  paid('2026-03-01T12:04:00Z'),
  paid('2026-03-01T12:12:00Z'),
  { ...paid('2026-03-01T12:25:00Z'), account: 'another' as Account },
  registered({ state: 'SUBMITTED', session: { ...session, registeredAt: afterNoon(1) } }),
  undefined,
];

/** What the command prints for the records of the table. */
async function shown(
  given: { readonly since?: string; readonly timeouts?: string; readonly account?: string },
  json = false,
) {
  const { terminal, lines } = recordedTerminal();
  const records = {
    async *changedSince() {
      for (const record of table) yield await Promise.resolve(record);
    },
  };
  const { account = 'shop-se', since, timeouts = 'PT10M,PT30M' } = given;
  const operations = { insight: insightTimeouts({ records }), settings: settingsOf('shop-se', 'quiet') };
  await showTimeouts(operations, { account, since, timeouts }, printerOn(terminal, { json }));
  return lines;
}

describe('lapse insight timeouts', () => {
  it('the command says how long the customers of the account took, and what each timeout would have cut off', async () => {
    const lines = await shown({});
    expect(lines.join(' ')).toContain(
      '3 sessions. In 2 the customer approved, in 0 of these after the deadline.',
    );
    expect(lines.join(' ')).toContain('50 % within 4 min, 75 % within 12 min');
    expect(lines.join(' ')).toContain('1 records of the table cannot be read.');
    expect(lines.slice(-3).map((line) => line.split(/ {2,}/))).toEqual([
      ['TIMEOUT', 'WOULD CUT OFF', 'SHARE', 'ENDED EARLIER'],
      ['PT10M', '1', '50.0 %', '0'],
      ['PT30M', '0', '0.0 %', '0'],
    ]);
  });

  it('an account without sessions is refused if nothing serves it', async () => {
    expect((await shown({ account: 'quiet' })).join(' ')).toContain('0 sessions.');
    await expect(shown({ account: 'shop-es' })).rejects.toThrow(
      '--account is shop-es; allowed: an account with an entry or on a credential.',
    );
  });

  it('with --json the command prints one object', async () => {
    const [line = ''] = await shown({ timeouts: 'PT5M' }, true);
    expect(JSON.parse(line)).toMatchObject({
      sessions: 3,
      approved: 2,
      approved_within_seconds: { p50: 240 },
      timeouts: [{ timeout: 'PT5M', would_cut_off: 1, share: 0.5, ended_earlier: 0 }],
    });
  });

  it('--since leaves out sessions that were registered before', async () => {
    expect((await shown({ since: '2026-03-01T12:00:30Z' }))[0]).toMatch(/^1 sessions\. In 0/);
  });

  it.each([
    [{ timeouts: '20 minutes' }, '--timeouts has "20 minutes"; allowed: ISO 8601 durations'],
    [{ since: 'yesterday' }, '--since is yesterday; allowed: a time in RFC 3339'],
  ])('the command refuses %o', async (given, message) => {
    await expect(shown(given)).rejects.toThrow(message);
  });
});
