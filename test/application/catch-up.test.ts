import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import { type Pace, paceCalls } from '../../functions/application/pace-calls.ts';
import { reconcilePaymentRequests } from '../../functions/application/reconcile-payment-requests.ts';
import type { Account, EventId } from '../../functions/domain/identifiers.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { settingsWith } from '../support/fixtures.ts';
import { InMemoryRateBudgets } from '../support/in-memory-rate-budgets.ts';
import { ScriptedKlarna } from '../support/scripted-klarna.ts';
import { afterNoon, registered, settledWith } from '../support/sessions.ts';
import { World } from '../support/world.ts';

const busy = 'shop-se' as Account;
const quiet = 'shop-no' as Account;

/** How many calls per account Klarna accepts. It rate-limits every further call. */
let allowed: number;

let world: World;
let klarna: ScriptedKlarna;
let pace: Pace;

beforeEach(() => {
  world = new World();
  allowed = Infinity;
  credentialOf = (account) => account;
  pace = paceCalls({ budgets: new InMemoryRateBudgets(), clock: world.clock, onFault: () => undefined });
  klarna = new ScriptedKlarna('SUBMITTED');
  // Waits until every call that can start has started, then responds to the first one.
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

/** Saves `count` sessions of an account whose timers were lost, in the order in which they are due. */
async function overdue(account: Account, count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    const dueAt = plusMillis(afterNoon(31), number);
    const paymentRequestId = requestId(world.store.records.size);
    await world.store.save(undefined, registered({ account, paymentRequestId, dueAt }));
  }
}

/** The credential of each account: the account itself, unless a test says that they share one. */
let credentialOf = (account: Account): string => account;

/** One run of the sweep. The API key of each account is the name of the account. */
const sweep = () =>
  reconcilePaymentRequests({
    ...world.dependencies,
    klarna: pace.paced(klarna),
    pace,
    accounts: {
      find: (account) => {
        const settings = settingsWith({ account });
        const credential = credentialOf(account);
        return Promise.resolve({ ...settings, klarna: { ...settings.klarna, apiKey: account, credential } });
      },
    },
  })(world.clock.now() + 35_000);

const openOf = (account: Account) =>
  [...world.store.records.values()].filter((each) => each.account === account && each.state !== 'CANCELED');

it('the sweep ends at most sixty-four sessions at the same time', async () => {
  await overdue(busy, 500);
  expect(await sweep()).toMatchObject({ end: 500, held: 0, failed: 0 });
  expect(openOf(busy)).toEqual([]);
  expect(klarna.mostInFlight).toBe(64);
});

it('the sweep does not raise its concurrency while its work fails', async () => {
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

describe('the sweep of a rate-limited account', () => {
  it('the sweep stops calling Klarna for a rate-limited account and writes nothing to the records it skips', async () => {
    await overdue(busy, 500);
    allowed = 200;
    const report = await sweep();
    expect(report.end + report.held).toBe(500);
    // Calls that were in flight at the first refusal may still finish; each of them may call twice.
    expect(callsOf(busy)).toBeLessThanOrEqual(200 + 2 * 64);
    expect(openOf(busy).filter(({ version }) => version === 1)).toHaveLength(report.held);
  });

  it.each<[string, Partial<PaymentRequest>]>([
    ['to continue a cancel', { cancellation: settledWith({ outcome: 'pending' }) }],
    ['to end a session that has no other timer', { timer: 'sweep' }],
    ['to end a session whose timer was lost', {}],
    [
      'to settle contradicting webhooks',
      {
        state: 'CANCELED',
        attention: 'contradiction',
        question: { about: 'contradiction', eventId: 'paid@noon' as EventId },
      },
    ],
    [
      'to look for a request that was not_found',
      { timer: 'fired', attention: 'not_found', cancellation: settledWith({ outcome: 'not_found' }) },
    ],
  ])('Klarna is not called for a rate-limited account %s', async (_, fields) => {
    await overdue(busy, 100);
    const dueAt = plusMillis(afterNoon(31), 100);
    const last = registered({ account: busy, paymentRequestId: requestId(999), dueAt, ...fields });
    await world.store.save(undefined, last);
    allowed = 0;
    expect((await sweep()).held).toBeGreaterThan(0);
    expect(await world.store.read(last)).toEqual(last);
  });

  it('the following sweeps end the skipped sessions of a rate-limited account, longest overdue first', async () => {
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

  it('after a 429 every account on the credential waits', async () => {
    credentialOf = () => 'acquirer';
    await overdue(busy, 300);
    await overdue(quiet, 300);
    allowed = 100;
    const report = await sweep();
    expect(report.held).toBeGreaterThan(300);
    for (const account of [busy, quiet]) expect(openOf(account)).not.toEqual([]);
    const before = klarna.received.length;
    expect(await sweep()).toMatchObject({ end: 0, failed: 0 });
    expect(klarna.received).toHaveLength(before);
  });

  it('a rate-limited account does not delay accounts on another credential', async () => {
    await overdue(busy, 300);
    await overdue(quiet, 20);
    allowed = 100;
    await sweep();
    expect(openOf(busy)).not.toEqual([]);
    expect(openOf(quiet)).toEqual([]);
  });

  it('the sweep skips at most ten thousand records of a rate-limited account and still serves other accounts', async () => {
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
    // The records that were started before the first refusal, and ten thousand after it.
    const begun = report.end - 20;
    expect(looked.size).toBeGreaterThanOrEqual(begun + 10_000);
    expect(looked.size).toBeLessThanOrEqual(begun + 10_064);
  });

  it('the sweep arms a pending timer even if the account is rate-limited', async () => {
    await overdue(busy, 300);
    const paymentRequestId = requestId(999);
    const deadlineAt = afterNoon(60);
    const dueAt = plusMillis(afterNoon(31), 299);
    await world.store.save(
      undefined,
      registered({ account: busy, paymentRequestId, deadlineAt, timer: 'pending', dueAt }),
    );
    allowed = 0;
    const report = await sweep();
    expect(report.held).toBeGreaterThan(0);
    expect(report.arm).toBe(1);
    expect(world.timer.deadline).toBe(deadlineAt);
  });
});
