import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { defaultAccounts } from '../../local/secrets/default-secrets.ts';
import { isBreaching } from '../lib/alarm-evaluation.ts';
import { alarmsOf } from '../lib/synthesized.ts';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { newPaymentRequestId, SystemClient } from '../support/system-client.ts';

/**
 * Thresholds so low that one occurrence is enough. This test shows that a condition reaches its alarm, not where the
 * threshold is.
 */
const alarmThresholds = {
  badSignatures: 1,
  timerLatenessSeconds: 0.000_001,
  sweepRepairs: 1,
  pendingCancelSeconds: 0.000_001,
  overdueSessionSeconds: 0.000_001,
};

const alarms = alarmsOf({ alarmThresholds })
  .filter(({ properties }) => JSON.stringify(properties).includes('"Namespace":"Lapse"'))
  .map(({ name, properties }) => ({ name: name.slice(name.lastIndexOf('/') + 1), properties }));

let system: LocalProcess;
let lapse: SystemClient;
let data: string;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'lapse-test-'));
  const accounts = join(data, 'accounts.json');
  const broken = { ...defaultAccounts.demo, api_key: 'klarna_test_api_with-a-line-end\n' };
  await writeFile(accounts, JSON.stringify({ ...defaultAccounts, broken }));
  system = await startLocalProcess('--data', data, '--accounts', accounts);
  lapse = new SystemClient(system);
}, 60_000);

afterAll(async () => {
  await system.stop();
  await rm(data, { recursive: true });
});

/** The sums of what the functions wrote so far in the embedded metric format, by function and metric. */
async function written(): Promise<ReadonlyMap<string, number>> {
  const sums = new Map<string, number>();
  for (const line of (await readFile(join(data, 'lapse.log'), 'utf8')).split('\n')) {
    const json = line.slice(line.indexOf('{'));
    if (!json.includes('"_aws"')) continue;
    const document = JSON.parse(json) as Record<string, unknown> & {
      _aws: { CloudWatchMetrics: { Namespace: string; Metrics: { Name: string }[] }[] };
    };
    for (const { Namespace, Metrics } of document._aws.CloudWatchMetrics) {
      for (const { Name } of Metrics) {
        const key = `${Namespace} ${String(document['service'])} ${Name}`;
        const values = [document[Name]].flat() as number[];
        sums.set(key, (sums.get(key) ?? 0) + values.reduce((sum, value) => sum + value, 0));
      }
    }
  }
  return sums;
}

async function raised(): Promise<readonly string[]> {
  const sums = await written();
  return alarms
    .filter(({ properties }) =>
      isBreaching(properties, ({ namespace, name, dimensions }) =>
        sums.get(`${namespace} ${dimensions['service'] ?? ''} ${name}`),
      ),
    )
    .map(({ name }) => name);
}

const untilRaised = (alarm: string, expected = true): Promise<void> =>
  expect
    .poll(async () => (await raised()).includes(alarm), { timeout: 15_000, interval: 200 })
    .toBe(expected);

const outcomeOf = ({ cancellation }: Readonly<Record<string, unknown>>): unknown =>
  (cancellation as { readonly outcome?: unknown } | null)?.outcome;

const faultAtKlarna = (id: string, fault: object) =>
  lapse.simulator('POST', '/faults', { payment_request_id: id, ...fault });

/** Sends a message to the timer queue that Lapse would not send. */
async function sendForeignMessage(): Promise<void> {
  const { body } = await lapse.control('GET', '/outputs');
  const outputs = body['Lapse'] as Readonly<Record<string, string>>;
  const sqs = new SQSClient({
    endpoint: outputs['AwsEndpointUrl'] ?? '',
    region: outputs['AwsRegion'] ?? '',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const [QueueUrl, MessageBody] = [outputs['TimerQueueUrl'], '{"from":"another sender"}'];
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  sqs.destroy();
}

/** The conditions of the alarms, in the order in which the test causes them. */
const conditions: Readonly<Record<string, () => Promise<unknown>>> = {
  WebhookSilence: async () => lapse.register(await lapse.createAtKlarna(), { session_timeout: 'PT10M' }),
  'KlarnaUnclear PendingCancels SweepRepairs': async () => {
    const id = await lapse.createAtKlarna();
    await faultAtKlarna(id, { kind: 'reset', times: 40 });
    await lapse.cancel(id);
    await lapse.simulator('DELETE', '/faults');
    await lapse.control('POST', '/sweep');
  },
  BadSignatures: () => lapse.deliver(newPaymentRequestId(), 'COMPLETED', { key: { id: 'x', key: 'y' } }),
  Quarantine: () => lapse.deliver(newPaymentRequestId(), 'PAUSED'),
  WebhookFaults: async () => {
    await lapse.control('POST', '/faults', {
      target: 'dynamodb',
      kind: 'error',
      action: 'UpdateItem',
      times: 5,
    });
    await lapse.deliver(newPaymentRequestId(), 'COMPLETED');
    await lapse.control('DELETE', '/faults');
  },
  Contradiction: async () => {
    const id = await lapse.createAtKlarna();
    await lapse.cancel(id);
    await lapse.deliver(id, 'COMPLETED', { occurredAt: '2999-01-01T00:00:00Z' });
  },
  CanceledAfterCompleted: async () => {
    await lapse.simulator('POST', '/settings', { completedCanBeCanceled: true });
    const id = await lapse.createAtKlarna();
    await lapse.customer(id, 'start');
    await faultAtKlarna(id, { kind: 'approve-first', on: 'cancel' });
    await lapse.cancel(id);
    await lapse.simulator('POST', '/settings', { completedCanBeCanceled: false });
  },
  NotFound: async () => {
    const id = newPaymentRequestId();
    await lapse.register(id, { session_timeout: 'PT10M' });
    await lapse.cancel(id);
  },
  UnknownState: async () => {
    const id = await lapse.createAtKlarna();
    await faultAtKlarna(id, { kind: 'unknown-state', on: 'read', times: 9 });
    await lapse.cancel(id);
    await lapse.simulator('DELETE', '/faults');
  },
  KlarnaDenied: async () => {
    const id = await lapse.createAtKlarna();
    await faultAtKlarna(id, { kind: 'unauthorized' });
    await lapse.cancel(id);
  },
  InternalFaults: sendForeignMessage,
  Misconfigured: () => lapse.api('DELETE', `/payment-requests/${newPaymentRequestId()}`, undefined, 'broken'),
  SecretStale: async () => {
    await lapse.control('POST', '/faults', { target: 'secretsmanager', kind: 'error', times: 9 });
    // Longer than the functions cache a secret.
    await lapse.control('POST', '/clock', { advanceMs: 121_000 });
    await lapse.cancel(newPaymentRequestId());
    await lapse.control('DELETE', '/faults');
  },
  SweepFailures: async () => {
    const id = await lapse.createAtKlarna();
    await faultAtKlarna(id, { kind: 'unavailable', times: 40 });
    await lapse.cancel(id);
    await lapse.control('POST', '/faults', {
      target: 'dynamodb',
      kind: 'error',
      action: 'GetItem',
      times: 30,
    });
    await lapse.control('POST', '/sweep');
    await lapse.control('DELETE', '/faults');
  },
  EventsRefused: async () => {
    await lapse.control('POST', '/faults', { target: 'eventbridge', kind: 'partial', times: 3 });
    await lapse.deliver(newPaymentRequestId(), 'SUBMITTED');
  },
  'OverdueSessions TimerLateness': async () => {
    const id = await lapse.createAtKlarna();
    await faultAtKlarna(id, { kind: 'reset', times: 40 });
    await lapse.register(id, { session_timeout: 'PT1S' });
    await lapse.until(id, (record) => outcomeOf(record) === 'pending');
    await lapse.simulator('DELETE', '/faults');
    await lapse.control('POST', '/sweep');
  },
};

/** What ends the condition, where an event ends it. */
const ends: Readonly<Record<string, () => Promise<unknown>>> = {
  WebhookSilence: () => lapse.deliver(newPaymentRequestId(), 'SUBMITTED'),
};

it('no alarm is raised before anything has happened', async () => {
  expect(await raised()).toEqual([]);
});

it.each(Object.entries(conditions))(
  '%s: what the functions wrote raises the alarm when its condition is caused',
  async (names, cause) => {
    for (const name of names.split(' ')) expect(await raised()).not.toContain(name);
    await cause();
    for (const name of names.split(' ')) await untilRaised(name);
    await ends[names]?.();
    if (ends[names]) await untilRaised(names, false);
  },
);

it('every alarm on a metric of the functions has been raised by its condition', () => {
  expect(alarms.map(({ name }) => name).toSorted()).toEqual(
    Object.keys(conditions)
      .flatMap((names) => names.split(' '))
      .toSorted(),
  );
});
