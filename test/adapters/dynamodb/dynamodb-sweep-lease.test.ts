import { afterAll, expect, it } from 'vitest';
import { DynamoDbSweepLease } from '../../../functions/adapters/dynamodb/dynamodb-sweep-lease.ts';
import { tableSchema } from '../../../functions/contract/table-schema.ts';
import { mostRemembered, noMemory, type SweepMemory } from '../../../functions/domain/sweep-memory.ts';
import { account, at, key } from '../../support/fixtures.ts';
import { openEmbeddedTable } from '../../support/embedded-table.ts';
import { CountingIds } from '../../support/virtual-clock.ts';
import { getItem, updateItem } from '../../../functions/adapters/dynamodb/table-items.ts';
import { UpdateBuilder } from '../../../functions/adapters/dynamodb/update-expression.ts';
import { parsePaymentRequestId } from '../../../functions/domain/identifiers.ts';

const table = await openEmbeddedTable();
afterAll(() => table.close());

const ids = new CountingIds();
const newRun = () => new DynamoDbSweepLease({ ...table, ids });

it('one run holds the lease at a time, until it gives it back or its time is over', async () => {
  const [first, second, third] = [newRun(), newRun(), newRun()];
  expect(await first.take(at('2026-03-01T12:00:00Z'), at('2026-03-01T12:00:55Z'))).toEqual(noMemory);
  expect(await second.take(at('2026-03-01T12:00:30Z'), at('2026-03-01T12:01:25Z'))).toBeUndefined();
  await first.release(noMemory);
  expect(await second.take(at('2026-03-01T12:00:31Z'), at('2026-03-01T12:01:26Z'))).toEqual(noMemory);
  expect(await third.take(at('2026-03-01T12:01:26Z'), at('2026-03-01T12:02:21Z'))).toEqual(noMemory);
});

it('a run gives back only its own lease', async () => {
  const [killed, next, other] = [newRun(), newRun(), newRun()];
  await killed.take(at('2026-03-02T12:00:00Z'), at('2026-03-02T12:00:55Z'));
  await next.take(at('2026-03-02T12:00:55Z'), at('2026-03-02T12:01:50Z'));
  await killed.release(noMemory);
  expect(await other.take(at('2026-03-02T12:01:00Z'), at('2026-03-02T12:01:55Z'))).toBeUndefined();
});

it('a run that repeats its write after a lost response still gets the lease', async () => {
  const sameRun = () => new DynamoDbSweepLease({ ...table, ids: { next: () => 'one-run' } });
  const [now, until] = [at('2026-03-03T12:00:00Z'), at('2026-03-03T12:00:55Z')];
  expect(await sameRun().take(now, until)).toEqual(noMemory);
  expect(await sameRun().take(now, until)).toEqual(noMemory);
});

const waits = { pendingCancel: at('2026-03-04T11:00:00Z'), overdueSession: undefined };
const remembered: SweepMemory = {
  unsettled: [
    { key, since: waits, isFailing: false },
    { key, since: { pendingCancel: undefined, overdueSession: undefined }, isFailing: true },
  ],
  beyond: { since: waits, until: at('2026-03-04T13:00:00Z') },
};

/** Takes the lease for a second of the day, and gives it back with this memory. */
async function runAt(second: number, memory: SweepMemory | undefined): Promise<SweepMemory | undefined> {
  const run = newRun();
  const seconds = String(second).padStart(2, '0');
  const known = await run.take(at(`2026-03-04T12:00:${seconds}Z`), at(`2026-03-04T12:01:${seconds}Z`));
  await run.release(memory);
  return known;
}

it('the lease hands on what a run remembers, and keeps it where a run leaves nothing', async () => {
  await runAt(1, remembered);
  expect(await runAt(2, undefined)).toEqual(remembered);
  expect(await runAt(3, noMemory)).toEqual(remembered);
  expect(await runAt(4, noMemory)).toEqual(noMemory);
});

it('a memory that this version cannot read counts as nothing, so that the sweep runs', async () => {
  const update = new UpdateBuilder().put('memory', { from: 'another version' });
  await updateItem(table, tableSchema.sweepLease, update.when());
  expect(await runAt(5, noMemory)).toEqual(noMemory);
});

it('the item of the lease stays below 16 KB with as many records as it remembers', async () => {
  const unsettled = Array.from({ length: mostRemembered }, (_, index) => {
    const paymentRequestId = parsePaymentRequestId(
      `krn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-${String(index).padStart(12, '0')}`,
    );
    if (!paymentRequestId) throw new Error('malformed');
    return { key: { account, paymentRequestId }, since: waits, isFailing: true };
  });
  await runAt(6, { unsettled, beyond: remembered.beyond });
  const item = await getItem(table, tableSchema.sweepLease);
  expect(item?.['memory']).toHaveProperty('u.length', mostRemembered);
  expect(JSON.stringify(item).length).toBeLessThan(16 * 1_024);
});
