import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import { reconcilePaymentRequests } from '../../functions/application/reconcile-payment-requests.ts';
import type { Account, EventId } from '../../functions/domain/identifiers.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { noon, settingsWith } from '../support/fixtures.ts';
import { ScriptedKlarna } from '../support/scripted-klarna.ts';
import { afterNoon, registered, settledWith } from '../support/sessions.ts';
import { World } from '../support/world.ts';

const busy = 'shop-se' as Account;
const quiet = 'shop-no' as Account;

/** How many calls Klarna accepts of each account. It refuses the calls beyond for their rate. */
let allowed: number;

let world: World;
let klarna: ScriptedKlarna;

beforeEach(() => {
  world = new World();
  allowed = Infinity;
  klarna = new ScriptedKlarna('SUBMITTED');
  // Every call that can start meanwhile has started when the first one gets its response.
  klarna.delay = () => new Promise((respond) => setImmediate(respond));
  klarna.instead = ({ credentials: { apiKey } }) =>
    callsOf(apiKey as Account) > allowed ? limited : undefined;
  world.clock.advance(32 * 60_000);
});

const limited: KlarnaResponse = {
  kind: 'rate_limited',
  retryAfterMillis: 60_000,
  proof: { status: '429' },
};

const callsOf = (account: Account): number =>
  klarna.received.filter(({ credentials }) => credentials.apiKey === account).length;

/** So many sessions of an account of which the timer was lost, the first due first. */
async function overdue(account: Account, count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    const reconcileAfter = plusMillis(afterNoon(31), number);
    const paymentRequestId = requestId(world.store.records.size);
    await world.store.save(undefined, registered({ account, paymentRequestId, reconcileAfter }));
  }
}

/** One run of the sweep, with an account's name for its key at Klarna. */
const sweep = () =>
  reconcilePaymentRequests({
    ...world.dependencies,
    klarna,
    accounts: {
      find: (account) => {
        const settings = settingsWith({ account });
        return Promise.resolve({ ...settings, klarna: { ...settings.klarna, apiKey: account } });
      },
    },
  })(world.clock.now() + 35_000);

const openOf = (account: Account) =>
  [...world.store.records.values()].filter((each) => each.account === account && each.state !== 'CANCELED');

it('many sessions are ended side by side, and no more of them than sixty-four', async () => {
  await overdue(busy, 500);
  expect(await sweep()).toMatchObject({ end: 500, held: 0, failed: 0 });
  expect(openOf(busy)).toEqual([]);
  expect(klarna.mostInFlight).toBe(64);
});

it('what fails is not pressed: no more of it at a time than at the start', async () => {
  await overdue(busy, 100);
  let inFlight = 0;
  let most = 0;
  const find = async (): Promise<never> => {
    inFlight += 1;
    most = Math.max(most, inFlight);
    await new Promise((failed) => setImmediate(failed));
    inFlight -= 1;
    throw new Error('throttled');
  };
  const report = await reconcilePaymentRequests({ ...world.dependencies, klarna, accounts: { find } })(
    Infinity,
  );
  expect(report).toMatchObject({ end: 0, failed: 100 });
  expect(most).toBe(8);
});

describe('an account whose calls Klarna refuses for their rate', () => {
  it('is asked for nothing more in this run, and nothing is written of what was not asked', async () => {
    await overdue(busy, 500);
    allowed = 200;
    const report = await sweep();
    expect(report.end + report.held).toBe(500);
    // Those that were under way when the first was refused, each of which may ask twice.
    expect(callsOf(busy)).toBeLessThanOrEqual(200 + 2 * 64);
    expect(openOf(busy).filter(({ version }) => version === 1)).toHaveLength(report.held);
  });

  it.each<[string, Partial<PaymentRequest>]>([
    ['a cancel to go on with', { cancellation: settledWith({ outcome: 'pending' }) }],
    ['the end of a session that has no other timer', { timer: 'sweep' }],
    ['a session of which the timer was lost', {}],
    [
      'a question of its webhooks',
      {
        state: 'CANCELED',
        history: [
          {
            eventId: 'paid@noon' as EventId,
            kind: 'webhook',
            recordedAt: noon,
            effect: 'contradicting',
            attention: 'contradiction',
            detail: {},
          },
        ],
      },
    ],
    [
      'a look at what Klarna has not known',
      { timer: 'fired', cancellation: settledWith({ outcome: 'not_found' }) },
    ],
  ])('is not asked for %s', async (_, fields) => {
    await overdue(busy, 100);
    const reconcileAfter = plusMillis(afterNoon(31), 100);
    const last = registered({ account: busy, paymentRequestId: requestId(999), reconcileAfter, ...fields });
    await world.store.save(undefined, last);
    allowed = 0;
    expect((await sweep()).held).toBeGreaterThan(0);
    expect(await world.store.read(last)).toEqual(last);
  });

  it('is caught up with by the runs that follow, the longest due first', async () => {
    await overdue(busy, 500);
    allowed = 200;
    await sweep();
    const [first] = openOf(busy).filter(({ version }) => version === 1);
    allowed = callsOf(busy) + 2;
    world.clock.advance(60_000);
    await sweep();
    expect(openOf(busy)).not.toContainEqual(expect.objectContaining({ ...first, version: 1 }));
    allowed = Infinity;
    world.clock.advance(60_000);
    expect(await sweep()).toMatchObject({ held: 0, failed: 0 });
    expect(openOf(busy)).toEqual([]);
  });

  it('holds up no other account', async () => {
    await overdue(busy, 300);
    await overdue(quiet, 20);
    allowed = 100;
    await sweep();
    expect(openOf(busy)).not.toEqual([]);
    expect(openOf(quiet)).toEqual([]);
  });

  it('is looked at no further than ten thousand records, and then holds up no other account either', async () => {
    await overdue(busy, 10_300);
    await overdue(quiet, 20);
    allowed = 100;
    const read = vi.spyOn(world.store, 'read');
    const report = await sweep();
    expect(openOf(quiet)).toEqual([]);
    expect(report.end + report.held).toBe(10_320);
    const looked = new Set(
      read.mock.calls.flatMap(([key]) => (key.account === busy ? [key.paymentRequestId] : [])),
    );
    // What was begun before the first was refused, and ten thousand after it.
    const begun = report.end - 20;
    expect(looked.size).toBe(begun + 10_000);
  });

  it('keeps what needs no word of Klarna: a timer that was never armed is armed', async () => {
    await overdue(busy, 300);
    const paymentRequestId = requestId(999);
    const deadlineAt = afterNoon(60);
    const reconcileAfter = plusMillis(afterNoon(31), 299);
    await world.store.save(
      undefined,
      registered({ account: busy, paymentRequestId, deadlineAt, timer: 'pending', reconcileAfter }),
    );
    allowed = 0;
    const report = await sweep();
    expect(report.held).toBeGreaterThan(0);
    expect(report.arm).toBe(1);
    expect(world.timer.deadline).toBe(deadlineAt);
  });
});
