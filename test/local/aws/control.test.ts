import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { CreateScheduleCommand } from '@aws-sdk/client-scheduler';
import { expect, onTestFinished, test } from 'vitest';
import { type ControlOptions, createControlListener } from '../../../local/aws/control.ts';
import { type RunningAws, startAws } from './running-aws.ts';
import { arnOfQueue } from './stack-options.ts';

async function startControl(forwards: Omit<ControlOptions, 'aws'> = {}) {
  const aws = await startAws();
  const server = createServer(createControlListener({ aws, ...forwards }));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await once(server.close(), 'close');
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${url}${path}`, {
      method,
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
  };
  return { aws, url, call };
}

const publish = (aws: RunningAws, ...numbers: number[]) =>
  aws.eventbridge.send(
    new PutEventsCommand({
      Entries: numbers.map((n) => ({ Source: 's', DetailType: 't', Detail: JSON.stringify({ n }) })),
    }),
  );

const numberOf = (line: string) => (JSON.parse(line) as { detail: { n: number } }).detail.n;

test('GET /events returns one event a line', async () => {
  const { aws, url } = await startControl();
  expect(await (await fetch(`${url}/events`)).text()).toBe('');
  await publish(aws, 1, 2);
  const response = await fetch(`${url}/events`);
  expect(response.headers.get('content-type')).toBe('application/x-ndjson');
  const text = await response.text();
  expect(text.endsWith('\n')).toBe(true);
  expect(text.trimEnd().split('\n').map(numberOf)).toEqual([1, 2]);
});

test('GET /events?follow=true continues with new events', async () => {
  const { aws, url } = await startControl();
  await publish(aws, 1);
  const leaving = new AbortController();
  const response = await fetch(`${url}/events?follow=true`, { signal: leaving.signal });
  const seen: number[] = [];
  for await (const chunk of response.body ?? []) {
    seen.push(...Buffer.from(chunk).toString().trimEnd().split('\n').map(numberOf));
    if (seen.length === 1) await publish(aws, 2);
    else break;
  }
  expect(seen).toEqual([1, 2]);
});

test('GET /events?follow=true&last=N begins with the newest N events', async () => {
  const { aws, url } = await startControl();
  await publish(aws, 1, 2, 3);
  const leaving = new AbortController();
  const response = await fetch(`${url}/events?follow=true&last=1`, { signal: leaving.signal });
  const seen: number[] = [];
  for await (const chunk of response.body ?? []) {
    seen.push(...Buffer.from(chunk).toString().trimEnd().split('\n').map(numberOf));
    if (seen.length === 1) await publish(aws, 4);
    else break;
  }
  leaving.abort();
  expect(seen).toEqual([3, 4]);
});

test.each(['follow=true&last=-1', 'follow=true&last=many', 'last=1'])(
  'GET /events?%s is refused with what is allowed',
  async (query) => {
    const { call } = await startControl();
    expect(await call('GET', `/events?${query}`)).toEqual({
      status: 400,
      body: {
        error: expect.stringMatching(
          /^last is .*; allowed: a whole number below a million, with fol/,
        ) as string,
      },
    });
  },
);

test('a follower gets its response before there is an event, and it ends when the server closes', async () => {
  const { aws, url } = await startControl();
  const response = await fetch(`${url}/events?follow=true`);
  await aws.close();
  expect(await response.text()).toBe('');
});

test('GET /schedules lists the schedules', async () => {
  const { aws, call } = await startControl();
  expect(await call('GET', '/schedules')).toEqual({ status: 200, body: [] });
  await aws.scheduler.send(
    new CreateScheduleCommand({
      Name: 'a',
      GroupName: 'sessions',
      ScheduleExpression: 'at(2099-01-02T03:04:05)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: { Arn: arnOfQueue('timers'), RoleArn: 'arn:aws:iam::123456789012:role/r', Input: '{"n":1}' },
    }),
  );
  expect((await call('GET', '/schedules')).body).toEqual([
    {
      name: 'a',
      group: 'sessions',
      fires_at: '2099-01-02T03:04:05.000Z',
      state: 'ENABLED',
      target: arnOfQueue('timers'),
      input: '{"n":1}',
    },
  ]);
});

test('GET /dead-letters lists the messages in dead-letter queues', async () => {
  const { aws, call } = await startControl();
  aws.queues.get('timers').send({ body: 'alive' });
  const id = aws.queues.get('dead-letters').send({
    body: 'dead',
    attributes: { ERROR_CODE: { dataType: 'String', stringValue: 'E' } },
  });
  aws.queues.get('lost-batches').send({ body: 'batch' });
  expect((await call('GET', '/dead-letters')).body).toMatchObject([
    {
      queue: 'dead-letters',
      message_id: id,
      receive_count: 0,
      body: 'dead',
      attributes: { ERROR_CODE: 'E' },
    },
    { queue: 'lost-batches', body: 'batch' },
  ]);
});

test('faults are injected, listed and cleared', async () => {
  const { call } = await startControl();
  const injected = { target: 'dynamodb', kind: 'error', action: 'UpdateItem', times: 10 };
  expect(await call('POST', '/faults', injected)).toEqual({
    status: 201,
    body: { ...injected, delayMs: 0 },
  });
  expect((await call('POST', '/faults', { target: 'scheduler', kind: 'lose' })).body).toEqual({
    target: 'scheduler',
    kind: 'lose',
    times: 1,
  });
  expect((await call('GET', '/faults')).body).toMatchObject({ faults: [injected, { kind: 'lose' }] });
  expect(await call('DELETE', '/faults')).toEqual({ status: 204, body: undefined });
  expect((await call('GET', '/faults')).body).toEqual({ faults: [] });
});

test.each([
  ['no JSON', '{', 'not JSON'],
  ['a list', [], 'target is missing'],
  ['no target', { kind: 'error' }, 'target is missing'],
  [
    'an unknown target',
    { target: 's3', kind: 'error' },
    'dynamodb, scheduler, sqs, eventbridge, secretsmanager.',
  ],
  ['no kind', { target: 'sqs' }, 'kind is missing; allowed: error, throttle'],
  ['an unknown kind', { target: 'sqs', kind: 'explode' }, 'kind is "explode"; allowed: error'],
  ['a kind of another target', { target: 'sqs', kind: 'partial' }, 'target is "sqs"; allowed: eventbridge'],
  ['what cannot be lost', { target: 'dynamodb', kind: 'lose' }, 'allowed: scheduler, sqs'],
  ['times below 0', { target: 'sqs', kind: 'error', times: -1 }, 'times is -1; allowed: a whole number'],
  [
    'a field too many',
    { target: 'sqs', kind: 'hang', delayMs: 5 },
    'delayMs is not a field; allowed: target',
  ],
  [
    'an unknown action',
    { target: 'sqs', kind: 'hang', action: 'Send' },
    'action is "Send"; allowed: GetQueueAttributes, ',
  ],
  ['no klarna here', { target: 'klarna', kind: 'hang' }, 'target is "klarna"; allowed: dynamodb'],
])('a fault with %s is refused with what is allowed', async (_, body, message) => {
  const { aws, call } = await startControl();
  const response = await call('POST', '/faults', body);
  expect(response.status).toBe(400);
  expect((response.body as { error: string }).error).toContain(message);
  expect(aws.faults.list()).toEqual([]);
});

test('faults of Klarna and of functions are forwarded, and their responses are returned', async () => {
  const passed: unknown[] = [];
  const { call } = await startControl({
    forwardKlarnaFault: (fault) => {
      passed.push(fault);
      return Promise.resolve({ status: 201, body: fault });
    },
    injectFunctionFault: () => Promise.resolve({ status: 400, body: { error: 'no such function' } }),
  });
  expect(await call('POST', '/faults', { target: 'klarna', kind: 'hang', on: 'cancel' })).toEqual({
    status: 201,
    body: { kind: 'hang', on: 'cancel' },
  });
  expect(passed).toEqual([{ kind: 'hang', on: 'cancel' }]);
  expect((await call('POST', '/faults', { target: 'lambda' })).status).toBe(400);
  expect(JSON.stringify((await call('POST', '/faults', { target: 's3' })).body)).toContain('klarna, lambda');
});

test('a failed forward is reported', async () => {
  const forwardKlarnaFault = () => Promise.reject(new Error('the simulator is gone'));
  const { call } = await startControl({ forwardKlarnaFault });
  expect(await call('POST', '/faults', { target: 'klarna' })).toEqual({
    status: 500,
    body: { error: 'Error: the simulator is gone' },
  });
});

test.each(['/', '//', '/nothing', '/faults/1'])(
  '%s is not found, and the response lists the paths',
  async (path) => {
    const { call } = await startControl();
    const response = await call('GET', path);
    expect(response.status).toBe(404);
    expect(JSON.stringify(response.body)).toContain('GET, POST and DELETE /faults');
  },
);

test('GET /calls counts every call, and lists each kind once with the resource and without the data', async () => {
  const { aws, call } = await startControl();
  await publish(aws, 1, 2);
  await publish(aws, 3);
  const { body } = await call('GET', '/calls');
  expect(body).toMatchObject({
    aws: { 'eventbridge.PutEvents': 2 },
    kinds: [{ caller: 'unknown', action: 'eventbridge.PutEvents', parameters: { Entries: ['default'] } }],
  });
  expect(JSON.stringify(body)).not.toContain('Detail');
});
