import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeEach, expect, it, vi } from 'vitest';
import { selfSignedIdentity } from '../../../bench/stand-ins/certificate.ts';
import { offlineClient } from '../../../functions/cold-start/offline-client.ts';

const { key, certificate } = await selfSignedIdentity();
let connections = 0;
let requests = 0;
const server = https.createServer({ key, cert: certificate }, (_, response) => {
  requests += 1;
  response.end('{"Item":{"PK":{"S":"stored"}}}');
});
server.on('secureConnection', () => (connections += 1));
server.listen(0, 'localhost');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

beforeEach(() => {
  connections = 0;
  requests = 0;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const question = () => new GetItemCommand({ TableName: 'table', Key: { PK: { S: 'missing' } } });

function clientOf() {
  const agent = new https.Agent({ keepAlive: true, ca: certificate });
  let lookups = 0;
  const credentials = () => {
    lookups += 1;
    return Promise.resolve({ accessKeyId: 'planted', secretAccessKey: 'planted' });
  };
  const client = new DynamoDBClient({
    region: 'eu-north-1',
    endpoint: `https://localhost:${port}`,
    credentials,
    requestHandler: { httpsAgent: agent },
  });
  return { agent, client, lookups: () => lookups };
}

it('an offline client reads the given response and sends nothing', async () => {
  const { agent, client } = clientOf();
  const asked: string[] = [];
  const twin = offlineClient(client, agent, (request) => {
    asked.push(request);
    return { Item: { PK: { S: 'told' } } };
  });
  for (let time = 0; time < 2; time += 1) {
    expect((await twin.send(question())).Item).toEqual({ PK: { S: 'told' } });
  }
  expect(asked[0]).toMatch(/^POST \/ HTTP\/1\.1\r\n/);
  expect(asked[0]).toContain('DynamoDB_20120810.GetItem');
  await vi.waitFor(() => expect(connections).toBe(1));
  expect(requests).toBe(0);
});

it('an offline client leaves the real client ready and its connection open', async () => {
  const { agent, client, lookups } = clientOf();
  await offlineClient(client, agent).send(question());
  await vi.waitFor(() => expect(connections).toBe(1));
  expect(lookups()).toBe(1);
  expect((await client.send(question())).Item).toEqual({ PK: { S: 'stored' } });
  expect([lookups(), connections, requests]).toEqual([1, 1, 1]);
});
