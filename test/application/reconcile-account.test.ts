import { describe, expect, it } from 'vitest';
import { type Reconciled, reconcileAccount } from '../../functions/application/reconcile-account.ts';
import { refreshPaymentRequest } from '../../functions/application/refresh-payment-request.ts';
import type { Account } from '../../functions/domain/identifiers.ts';
import { type Instant, instantFromMillis } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { noon, recordWith } from '../support/fixtures.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { afterNoon, minute } from '../support/sessions.ts';
import { World } from '../support/world.ts';

const everything = instantFromMillis(0);

/** A world with these records, and its reconciliation. */
async function worldWith(klarna: ScriptedKlarna, records: readonly PaymentRequest[]) {
  const world = new World(klarna);
  for (const record of records) await world.store.save(undefined, record);
  let turns = 0;
  let isHeld = false;
  let isFailing = false;
  const run = async (changes: { since?: Instant; unlessReadSince?: Instant; isDryRun?: boolean } = {}) => {
    const found: (Reconciled | undefined)[] = [];
    const refresh = refreshPaymentRequest(world.dependencies);
    const all = reconcileAccount({
      records: {
        async *changedSince(since) {
          for (const record of [...world.store.records.values()]) {
            if (record.updatedAt >= since) yield await Promise.resolve(record);
          }
          if (isFailing) yield undefined;
        },
      },
      store: world.store,
      refresh: (...asked) => (isFailing ? Promise.reject(new Error('the table')) : refresh(...asked)),
      pace: {
        turn: () => {
          turns += 1;
          return Promise.resolve(!isHeld);
        },
      },
      clock: world.clock,
    })({
      settings: world.settings,
      since: everything,
      unlessReadSince: world.clock.instant(),
      isDryRun: false,
      ...changes,
    });
    for await (const each of all) found.push(each);
    return found;
  };
  return {
    world,
    run,
    hold: () => (isHeld = true),
    fail: () => (isFailing = true),
    turns: () => turns,
  };
}

const record = (place: number, fields: Partial<PaymentRequest> = {}) =>
  recordWith({ paymentRequestId: requestId(place), state: 'SUBMITTED', ...fields });

const outcomesOf = (found: readonly (Reconciled | undefined)[]) =>
  found.map((each) => each && [each.outcome, each.before, each.after]);

describe('reconcileAccount', () => {
  it('records that are not final are read, in turn, and what differed is corrected', async () => {
    const { world, run, turns } = await worldWith(new ScriptedKlarna('COMPLETED'), [
      record(1),
      record(2, { state: 'IN_PROGRESS' }),
      record(3, { state: undefined }),
      record(4, { state: 'COMPLETED' }),
      record(5, { state: 'CANCELED' }),
      record(6, { state: 'EXPIRED' }),
      record(7, { account: 'another' as Account }),
    ]);
    expect(outcomesOf(await run())).toEqual([
      ['refreshed', 'SUBMITTED', 'COMPLETED'],
      ['refreshed', 'IN_PROGRESS', 'COMPLETED'],
      ['refreshed', undefined, 'COMPLETED'],
      ['refreshed', 'COMPLETED', 'COMPLETED'],
    ]);
    expect(turns()).toBe(4);
    expect([...world.store.records.values()].map(({ state }) => state)).toEqual([
      'COMPLETED',
      'COMPLETED',
      'COMPLETED',
      'COMPLETED',
      'CANCELED',
      'EXPIRED',
      'SUBMITTED',
    ]);
  });

  it('more records than are read at once are all read', async () => {
    const places = Array.from({ length: 50 }, (_, place) => place);
    const { run } = await worldWith(
      new ScriptedKlarna('SUBMITTED'),
      places.map((place) => record(place)),
    );
    expect(await run()).toHaveLength(50);
  });

  it('a second run leaves out what the first has read since its start', async () => {
    const { world, run } = await worldWith(new ScriptedKlarna('SUBMITTED'), [record(1), record(2)]);
    const began = world.clock.instant();
    world.clock.advance(minute);
    await world.store.save(undefined, record(3));
    expect(await run({ unlessReadSince: began })).toHaveLength(3);
    world.clock.advance(minute);
    await world.store.save(undefined, record(4));
    expect(outcomesOf(await run({ unlessReadSince: began }))).toEqual([
      ['refreshed', 'SUBMITTED', 'SUBMITTED'],
    ]);
    // A new run reads all of them again.
    world.clock.advance(minute);
    expect(await run()).toHaveLength(4);
  });

  it('with since, records that have not changed since are left out', async () => {
    const { run } = await worldWith(new ScriptedKlarna('SUBMITTED'), [
      record(1),
      record(2, { updatedAt: afterNoon(10) }),
    ]);
    expect(await run({ since: afterNoon(5) })).toHaveLength(1);
  });

  it('a dry run reads nothing at Klarna and takes no turn', async () => {
    const klarna = new ScriptedKlarna('COMPLETED');
    const { world, run, turns } = await worldWith(klarna, [record(1)]);
    expect(outcomesOf(await run({ isDryRun: true }))).toEqual([['would_read', 'SUBMITTED', 'SUBMITTED']]);
    expect([turns(), klarna.received.length, world.store.writes]).toEqual([0, 0, 1]);
  });

  it('a record whose turn does not come is held, and nothing is read', async () => {
    const klarna = new ScriptedKlarna('COMPLETED');
    const { run, hold } = await worldWith(klarna, [record(1)]);
    hold();
    expect(outcomesOf(await run())).toEqual([['held', 'SUBMITTED', 'SUBMITTED']]);
    expect(klarna.received).toEqual([]);
  });

  it('a fault of one record does not end the run, and a record that cannot be read is reported', async () => {
    const { run, fail } = await worldWith(new ScriptedKlarna('COMPLETED'), [record(1), record(2)]);
    fail();
    expect(outcomesOf(await run())).toEqual([
      undefined,
      ['failed', 'SUBMITTED', 'SUBMITTED'],
      ['failed', 'SUBMITTED', 'SUBMITTED'],
    ]);
  });

  it('no clear response leaves the record as it was', async () => {
    const { run } = await worldWith(new ScriptedKlarna('SUBMITTED').responses('read', unclear), [
      record(1, { updatedAt: noon }),
    ]);
    expect(outcomesOf(await run())).toEqual([['unknown', 'SUBMITTED', 'SUBMITTED']]);
  });
});
