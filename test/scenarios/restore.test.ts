/** A restore of the table, step by step: an older copy of it, in an empty system, at the Klarna that went on. */
import {
  type AttributeValue,
  BatchWriteItemCommand,
  DynamoDBClient,
  paginateScan,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { SystemClient } from '../support/system-client.ts';

let lost: LocalProcess;
let restored: LocalProcess;
let before: SystemClient;
let after: SystemClient;

type Items = Record<string, AttributeValue>[];

/** The table of a system, and a client for it. */
async function tableOf(client: SystemClient) {
  const { body } = await client.control('GET', '/outputs');
  const {
    AwsEndpointUrl: endpoint = '',
    AwsRegion: region = '',
    TableName: tableName = '',
  } = body['Lapse'] as Record<string, string>;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return { tableName, dynamodb: new DynamoDBClient({ endpoint, region, credentials }) };
}

async function exported(client: SystemClient): Promise<Items> {
  const { dynamodb, tableName } = await tableOf(client);
  const items: Items = [];
  for await (const { Items: page = [] } of paginateScan({ client: dynamodb }, { TableName: tableName }))
    items.push(...page);
  return items;
}

async function imported(client: SystemClient, items: Items): Promise<void> {
  const { dynamodb, tableName } = await tableOf(client);
  for (let start = 0; start < items.length; start += 25) {
    const batch = items.slice(start, start + 25).map((Item) => ({ PutRequest: { Item } }));
    await dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: batch } }));
  }
}

beforeAll(async () => {
  lost = await startLocalProcess();
  before = new SystemClient(lost);
  restored = await startLocalProcess('--klarna-url', lost.klarna);
  after = new SystemClient({ ...restored, klarna: lost.klarna });
}, 120_000);

afterAll(async () => {
  expect(await restored.stop()).toBe(0);
  expect(await lost.stop()).toBe(0);
});

it('a restored table spares who has paid since, ends who has not, and equals Klarna', async () => {
  const open = async () => {
    const id = await before.createAtKlarna();
    await before.register(id, { session_timeout: 'PT10M' });
    await before.customer(id, 'start');
    await before.until(id, ({ state }) => state === 'IN_PROGRESS');
    return id;
  };
  const [paid, canceled, abandoned, extended] = [await open(), await open(), await open(), await open()];
  const copy = await exported(before);

  // What the copy does not know.
  await before.customer(paid, 'approve');
  await before.cancel(canceled);
  await before.api('PATCH', `/payment-requests/${extended}`, { session_timeout: 'PT30M' });
  const late = await before.createAtKlarna();
  await before.register(late, { session_timeout: 'PT10M' });

  await imported(after, copy);
  expect((await after.record(paid))['state']).toBe('IN_PROGRESS');
  expect((await after.api('GET', `/payment-requests/${late}`)).status).toBe(404);
  // The shop registers again what it knows to be open.
  expect((await after.register(late, { session_timeout: 'PT30M' })).status).toBe(201);

  const preview = await fetch(
    `${restored.api}/sweep-preview?limit=100&at=${new Date(Date.now() + 12 * 60_000).toISOString()}`,
  );
  const { counts } = (await preview.json()) as { readonly counts: Readonly<Record<string, number>> };
  expect(counts['cancel']).toBe(4);

  await after.control('POST', '/clock', { advanceMs: 12 * 60_000 });
  await after.control('POST', '/sweep');
  const ended = (id: string, state: string) => after.until(id, (record) => record['state'] === state);
  expect(await ended(paid, 'COMPLETED')).toMatchObject({ attention: null });
  await ended(canceled, 'CANCELED');
  await ended(abandoned, 'CANCELED');

  const klarna = await after.simulator('GET', '/payment-requests');
  const truth = klarna.body['payment_requests'] as readonly Record<string, unknown>[];
  for (const id of [paid, canceled, abandoned, extended, late]) {
    const { body } = await after.api('GET', `/payment-requests/${id}?refresh=true`);
    expect(body['state']).toBe(truth.find((each) => each['payment_request_id'] === id)?.['state']);
  }
});
