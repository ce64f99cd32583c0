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
  durationPercent: 50,
};

/** Raised while no sweep has run, so before the test begins. The template's tests evaluate it. */
const raisedByNothing = 'SweepSilent';

const alarms = alarmsOf({ alarmThresholds })
  .filter(({ properties }) => JSON.stringify(properties).includes('"Namespace":"Lapse"'))
  .map(({ name, properties }) => ({ name: name.slice(name.lastIndexOf('/') + 1), properties }))
  .filter(({ name }) => name !== raisedByNothing);

let system: LocalProcess;
let lapse: SystemClient;
let data: string;

const accountsFile = (): string => join(data, 'accounts.json');

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'lapse-test-'));
  const demo = { ...defaultAccounts.demo, watch_authorization: true, authorization_alert_after: 'PT1M' };
  await writeFile(accountsFile(), JSON.stringify({ ...defaultAccounts, demo }));
  system = await startLocalProcess('--data', data, '--accounts', accountsFile());
  lapse = new SystemClient(system);
  // Without a gauge its alarm is raised.
  await lapse.control('POST', '/sweep');
}, 60_000);

afterAll(async () => {
  await system.stop();
  await rm(data, { recursive: true });
});

/** All values that the functions wrote so far in the embedded metric format, by metric. */
async function written(): Promise<ReadonlyMap<string, readonly number[]>> {
  const all = new Map<string, readonly number[]>();
  for (const line of (await readFile(join(data, 'lapse.log'), 'utf8')).split('\n')) {
    const json = line.slice(line.indexOf('{'));
    if (!json.includes('"_aws"')) continue;
    const document = JSON.parse(json) as Record<string, unknown> & {
      _aws: { CloudWatchMetrics: { Namespace: string; Metrics: { Name: string }[] }[] };
    };
    for (const { Namespace, Metrics } of document._aws.CloudWatchMetrics) {
      for (const { Name } of Metrics) {
        const key = `${Namespace} ${String(document['stack'])} ${Name}`;
        all.set(key, [...(all.get(key) ?? []), ...([document[Name]].flat() as number[])]);
      }
    }
  }
  return all;
}

/** The statistics that the alarms take. A period begins with the test, so the lowest value is the last one. */
const statistics: Readonly<Record<string, (values: readonly number[]) => number | undefined>> = {
  Sum: (values) => values.reduce((sum, value) => sum + value, 0),
  Maximum: (values) => Math.max(...values),
  Minimum: (values) => values.at(-1),
  SampleCount: (values) => values.length,
};

/** The calls of the function that registers sessions: CloudWatch counts them itself. */
async function registrations(): Promise<number | undefined> {
  const { body } = await lapse.control('GET', '/calls');
  const { functions } = body as unknown as { functions: Record<string, { calls: number } | undefined> };
  return functions['register-payment-request']?.calls;
}

async function raised(): Promise<readonly string[]> {
  const [all, registered] = [await written(), await registrations()];
  return alarms
    .filter(({ properties }) =>
      isBreaching(properties, ({ namespace, name, dimensions, statistic }) => {
        if (name === 'Invocations') return registered;
        const values = all.get(`${namespace} ${dimensions['stack'] ?? ''} ${name}`);
        return values && statistics[statistic]?.(values);
      }),
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

/** The first attempt of the sweep settles most, so a record counts from the second one on. */
async function sweepTwice(): Promise<void> {
  await lapse.control('POST', '/sweep');
  await lapse.control('POST', '/sweep');
}

/** The conditions of the alarms, in the order in which the test causes them. */
const conditions: Readonly<Record<string, () => Promise<unknown>>> = {
  WebhookSilence: async () => lapse.register(await lapse.createAtKlarna(), { session_timeout: 'PT10M' }),
  'KlarnaUnclear PendingCancels SweepRepairs': async () => {
    const id = await lapse.createAtKlarna();
    await faultAtKlarna(id, { kind: 'reset', times: 40 });
    await lapse.cancel(id);
    await sweepTwice();
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
  Attention: async () => {
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
  PaidTwice: async () => {
    for (let tab = 0; tab < 2; tab += 1) {
      const id = await lapse.createAtKlarna();
      await lapse.register(id, { session_timeout: 'PT10M', session_id: 'two tabs' });
      await lapse.customer(id, 'start');
      await lapse.customer(id, 'approve');
    }
  },
  NotAuthorized: async () => {
    const occurredAt = new Date(Date.now() - 120_000).toISOString();
    await lapse.deliver(newPaymentRequestId(), 'COMPLETED', { occurredAt });
    await sweepTwice();
  },
  InternalFaults: sendForeignMessage,
  Misconfigured: async () => {
    const broken = { ...defaultAccounts.demo, api_key: 'klarna_test_api_with-a-line-end\n' };
    await writeFile(accountsFile(), JSON.stringify({ ...defaultAccounts, broken }));
    // Longer than the functions cache a secret.
    await lapse.control('POST', '/clock', { advanceMs: 121_000 });
    await lapse.api('DELETE', `/payment-requests/${newPaymentRequestId()}`, undefined, 'broken');
  },
  TimeLimit: async () => {
    for (const target of ['dynamodb', 'scheduler'])
      await lapse.control('POST', '/faults', { target, kind: 'slow', delayMs: 1_900, times: 20 });
    // The webhook came first and there is a session, so that the registration makes most calls.
    const id = await lapse.createAtKlarna();
    await lapse.deliver(id, 'SUBMITTED');
    await lapse.register(id, { session_timeout: 'PT10M', session_id: 'slow' });
    await lapse.control('DELETE', '/faults');
  },
  SecretSize: async () => {
    const entries = Array.from({ length: 400 }, (_, number) => [`account-${number}`, defaultAccounts.demo]);
    await writeFile(accountsFile(), JSON.stringify({ ...defaultAccounts, ...Object.fromEntries(entries) }));
    // Longer than the functions cache a secret.
    await lapse.control('POST', '/clock', { advanceMs: 121_000 });
    await lapse.cancel(newPaymentRequestId());
  },
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
  'OverdueSessions TimerLateness': async () => {
    const id = await lapse.createAtKlarna();
    await faultAtKlarna(id, { kind: 'reset', times: 40 });
    await lapse.register(id, { session_timeout: 'PT1S' });
    await lapse.until(id, (record) => outcomeOf(record) === 'pending');
    await sweepTwice();
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
