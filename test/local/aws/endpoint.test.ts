import { once } from 'node:events';
import { connect } from 'node:net';
import {
  DynamoDBClient,
  ListTablesCommand,
  ProvisionedThroughputExceededException,
} from '@aws-sdk/client-dynamodb';
import { ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { ListScheduleGroupsCommand } from '@aws-sdk/client-scheduler';
import { DeleteSecretCommand } from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import { expect, onTestFinished, test } from 'vitest';
import { responding, startMisbehavingServer } from '../../support/misbehaving-server.ts';
import { notesTable, openNotes } from '../dynamodb/notes-table.ts';
import { createTables } from '../../../local/dynamodb/create-tables.ts';
import { thisMachine } from '../../../local/dynamodb/engine-choice.ts';
import { startDynamoDb } from '../../../local/dynamodb/engine.ts';
import { startAws } from './running-aws.ts';

async function startUpstream() {
  const upstream = await startMisbehavingServer();
  onTestFinished(() => upstream.close());
  return upstream;
}

test('the one endpoint serves DynamoDB, too', async () => {
  const engine = await startDynamoDb({
    dataDirectory: undefined,
    onLog: () => undefined,
    machine: thisMachine({}),
  });
  onTestFinished(() => engine.close());
  const aws = await startAws({ dynamodbUrl: engine.url });
  await createTables(aws.url, [notesTable]);
  const notes = openNotes(aws.url);
  onTestFinished(notes.close);
  await notes.put('a', 'å 💳');
  expect(await notes.get('a')).toBe('å 💳');
});

test('calls to DynamoDB are forwarded byte for byte, over connections that stay open', async () => {
  const upstream = await startUpstream();
  upstream.behaves(responding(200, '{ "TableNames" : [] }', { 'x-amz-crc32': '42' }));
  const aws = await startAws({ dynamodbUrl: upstream.url });
  for (const body of ['{ "Limit" : 1 }', '{"odd":"\\u00e5"}']) {
    const response = await fetch(aws.url, {
      method: 'POST',
      headers: { 'x-amz-target': 'DynamoDBStreams_20120810.ListStreams', authorization: 'AWS4 anything' },
      body,
    });
    expect(await response.text()).toBe('{ "TableNames" : [] }');
    expect(response.headers.get('x-amz-crc32')).toBe('42');
    expect(upstream.requests.at(-1)).toMatchObject({
      method: 'POST',
      body,
      headers: { 'x-amz-target': 'DynamoDBStreams_20120810.ListStreams', authorization: 'AWS4 anything' },
    });
  }
  expect(upstream.connections()).toBe(1);
});

test('a refusal of DynamoDB is returned, and a missing response is reported', async () => {
  const upstream = await startUpstream();
  upstream.behaves(
    responding(400, {
      __type: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException',
      message: 'slowly',
    }),
  );
  const aws = await startAws({ dynamodbUrl: upstream.url });
  const list = () => aws.dynamodb.send(new ListTablesCommand({}));
  await expect(list()).rejects.toBeInstanceOf(ProvisionedThroughputExceededException);
  await upstream.close();
  await expect(list()).rejects.toMatchObject({
    name: 'InternalServerError',
    message: expect.stringContaining(`DynamoDB at ${upstream.url} does not respond`) as string,
  });
});

test('a client needs only AWS_ENDPOINT_URL', async () => {
  const upstream = await startUpstream();
  upstream.behaves(responding(200, { TableNames: ['lapse'] }));
  const aws = await startAws({ dynamodbUrl: upstream.url });
  process.env['AWS_ENDPOINT_URL'] = aws.url;
  onTestFinished(() => {
    delete process.env['AWS_ENDPOINT_URL'];
  });
  const client = new DynamoDBClient({
    region: 'eu-north-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  expect((await client.send(new ListTablesCommand({}))).TableNames).toEqual(['lapse']);
});

test('an unknown action is refused with the existing ones', async () => {
  const aws = await startAws();
  await expect(aws.sqs.send(new CreateQueueCommand({ QueueName: 'new' }))).rejects.toMatchObject({
    name: 'UnknownOperationException',
    message: expect.stringMatching(
      /does not have CreateQueue in sqs; it has GetQueueAttributes, .*ChangeMessageVisibility\.$/,
    ) as string,
  });
  await expect(aws.eventbridge.send(new ListRulesCommand({}))).rejects.toThrow(
    'does not have ListRules in eventbridge; it has PutEvents.',
  );
  await expect(aws.secrets.send(new DeleteSecretCommand({ SecretId: 'lapse/accounts' }))).rejects.toThrow(
    'does not have DeleteSecret',
  );
  await expect(aws.scheduler.send(new ListScheduleGroupsCommand({}))).rejects.toMatchObject({
    name: 'UnknownOperationException',
    message: expect.stringContaining(
      'GET /schedule-groups is not a call that the local system supports',
    ) as string,
  });
  const inherited = { 'x-amz-target': 'AmazonSQS.constructor' };
  expect((await fetch(aws.url, { method: 'POST', headers: inherited })).status).toBe(400);
});

test.each(['{', '[]', '"text"', 'null', '7', ''])('the body %j does not result in a 500', async (body) => {
  const aws = await startAws();
  for (const target of ['AmazonSQS.SendMessage', 'AWSEvents.PutEvents', 'secretsmanager.GetSecretValue']) {
    const { status } = await fetch(aws.url, { method: 'POST', headers: { 'x-amz-target': target }, body });
    expect(status).toBe(400);
  }
  expect((await fetch(`${aws.url}/schedules/a`, { method: 'POST', body })).status).toBe(400);
  expect(aws.log).toEqual([]);
});

test.each(['/', '//', '/schedules/%', '/schedules/a/b', '/schedules?x', '/no/where'])(
  '%s is refused because it is not a call',
  async (path) => {
    const aws = await startAws();
    const response = await fetch(`${aws.url}${path}`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('is not a call that the local system supports');
  },
);

test('a caller that disconnects during a call does no harm', async () => {
  const aws = await startAws();
  const { hostname, port } = new URL(aws.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(
    'POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: AmazonSQS.SendMessage\r\ncontent-length: 99\r\n\r\n{',
  );
  // The response to another call shows that the server has received the first.
  await fetch(aws.url);
  socket.resetAndDestroy();
  await once(socket, 'close');
  await fetch(aws.url);
  expect(aws.log).toEqual([]);
});

test('the server does not start when a dead-letter queue does not exist', async () => {
  await expect(startAws({ deadLetterQueues: ['missing'] })).rejects.toThrow('There is no queue missing');
});

test('the server does not start when its port is in use', async () => {
  const aws = await startAws();
  await expect(startAws({ port: Number(new URL(aws.url).port) })).rejects.toThrow('is in use');
});
