import { afterAll, expect, it } from 'vitest';
import { DynamoDbWebhookArrivals } from '../../../functions/adapters/dynamodb/dynamodb-webhook-arrivals.ts';
import { getItem } from '../../../functions/adapters/dynamodb/table-items.ts';
import { at } from '../../support/fixtures.ts';
import { openEmbeddedTable } from '../../support/embedded-table.ts';

const table = await openEmbeddedTable();
afterAll(() => table.close());

const arrivals = new DynamoDbWebhookArrivals({ ...table, retentionDays: 30 });
const [noon, later] = [at('2026-03-01T12:00:00Z'), at('2026-03-01T12:00:10Z')];

it('the last arrival of each key is known, and of a key that was never noted none', async () => {
  await arrivals.note('key-1', noon);
  await arrivals.note('key-1', later);
  await arrivals.note('key-2', noon);
  expect(await arrivals.last('key-1')).toBe(later);
  expect(await arrivals.last('key-2')).toBe(noon);
  expect(await arrivals.last('key-3')).toBeUndefined();
});

it('a note of an earlier arrival changes nothing', async () => {
  await arrivals.note('key-4', later);
  await arrivals.note('key-4', noon);
  expect(await arrivals.last('key-4')).toBe(later);
});

it('a note is deleted when records of its time are', async () => {
  await arrivals.note('key-5', noon);
  expect(await getItem(table, 'K#key-5')).toMatchObject({
    ttl: Date.parse('2026-03-31T12:00:00Z') / 1_000,
  });
});
