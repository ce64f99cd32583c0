import { afterAll, expect, it } from 'vitest';
import { DynamoDbSweepLease } from '../../../functions/adapters/dynamodb/dynamodb-sweep-lease.ts';
import { at } from '../../support/fixtures.ts';
import { openEmbeddedTable } from '../../support/embedded-table.ts';
import { CountingIds } from '../../support/virtual-clock.ts';

const table = await openEmbeddedTable();
afterAll(() => table.close());

const ids = new CountingIds();
const newRun = () => new DynamoDbSweepLease({ ...table, ids });

it('one run holds the lease at a time, until it gives it back or its time is over', async () => {
  const [first, second, third] = [newRun(), newRun(), newRun()];
  expect(await first.take(at('2026-03-01T12:00:00Z'), at('2026-03-01T12:00:55Z'))).toBe(true);
  expect(await second.take(at('2026-03-01T12:00:30Z'), at('2026-03-01T12:01:25Z'))).toBe(false);
  await first.release();
  expect(await second.take(at('2026-03-01T12:00:31Z'), at('2026-03-01T12:01:26Z'))).toBe(true);
  expect(await third.take(at('2026-03-01T12:01:26Z'), at('2026-03-01T12:02:21Z'))).toBe(true);
});

it('a run gives back only its own lease', async () => {
  const [killed, next, other] = [newRun(), newRun(), newRun()];
  await killed.take(at('2026-03-02T12:00:00Z'), at('2026-03-02T12:00:55Z'));
  await next.take(at('2026-03-02T12:00:55Z'), at('2026-03-02T12:01:50Z'));
  await killed.release();
  expect(await other.take(at('2026-03-02T12:01:00Z'), at('2026-03-02T12:01:55Z'))).toBe(false);
});

it('a run that repeats its write after a lost response still gets the lease', async () => {
  const sameRun = () => new DynamoDbSweepLease({ ...table, ids: { next: () => 'one-run' } });
  const [now, until] = [at('2026-03-03T12:00:00Z'), at('2026-03-03T12:00:55Z')];
  expect(await sameRun().take(now, until)).toBe(true);
  expect(await sameRun().take(now, until)).toBe(true);
});
