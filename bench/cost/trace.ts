import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { readStack } from '../../local/template/read-stack.ts';
import { synthesize } from '../../local/template/synthesize.ts';
import type { LocalProcess } from '../../test/support/local-process.ts';
import type { SystemClient } from '../../test/support/system-client.ts';
import type { Flow } from './flows.ts';
import type { Priced } from './prices.ts';
import { kilobytesOf, writesOf, writeUnits } from './write-units.ts';

/** What one session of a flow used, on average. */
export type Usage = Readonly<Record<Priced, number>>;

export interface Trace {
  readonly usage: Usage;
  /** Webhooks that Klarna delivered for one session. */
  readonly deliveries: number;
  /** Started kilobytes of the record at the end of the session. */
  readonly kilobytes: number;
}

interface Calls {
  readonly aws: Readonly<Record<string, number>>;
  readonly functions: Readonly<Record<string, { readonly calls: number }>>;
}

/** Lambda writes three lines of its own about every call. */
const platformLogKilobytes = 0.6;
/** For each schedule that fires, Scheduler sends a message, and Lambda receives and deletes it. */
const queueCallsPerFiring = 3;

/** Sessions close together share warm processes, as under an even load. */
const betweenSessionsMillis = 300;

const root = join(import.meta.dirname, '..', '..');

/** The system that a flow is played on, and how often. */
export interface TraceOptions {
  readonly system: LocalProcess;
  readonly lapse: SystemClient;
  readonly sessions: number;
  readonly logFile: string;
  /**
   * Milliseconds of one call of each function. They are measured separately, because a call takes longer on a small
   * machine that runs the whole system.
   */
  readonly millisOf: Readonly<Record<string, number>>;
}

/** Plays a flow several times in short succession. Returns what one session used, from the calls of the local system. */
export async function traceFlow(
  flow: Flow,
  { system, lapse, sessions, logFile, millisOf }: TraceOptions,
): Promise<Trace> {
  await settled(lapse);
  const before = await countedBy(lapse);
  const logBefore = (await stat(logFile)).size;
  // The first webhook of each request belongs to its session.
  const ids = await Promise.all(
    Array.from({ length: sessions }, () => lapse.createAtKlarna({ announce: true })),
  );
  await settled(lapse);
  const playing: Promise<unknown>[] = [];
  for (const id of ids) {
    playing.push(flow.play(lapse, id));
    await wait(betweenSessionsMillis);
  }
  await Promise.all(playing);
  await settled(lapse);
  const after = await countedBy(lapse);
  const logBytes = (await stat(logFile)).size - logBefore;

  const of = (action: string): number => ((after.aws[action] ?? 0) - (before.aws[action] ?? 0)) / sessions;
  const memory = await memoryByFunction();
  // The trace reads the records itself. Those reads do not count.
  const functions = Object.entries(after.functions)
    .filter(([name]) => name !== 'get-payment-request' && name !== 'reconcile-payment-requests')
    .map(([name, { calls: all }]) => {
      const calls = (all - (before.functions[name]?.calls ?? 0)) / sessions;
      const seconds = (calls * (millisOf[name] ?? 0)) / 1_000;
      return { name, calls, gigabyteSeconds: seconds * ((memory.get(name) ?? 0) / 1_024) };
    });
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const callsOf = (...names: readonly string[]): number =>
    sum(functions.filter(({ name }) => names.includes(name)).map(({ calls }) => calls));
  const lambdaCalls = sum(functions.map(({ calls }) => calls));
  const firings = flow.timerFires ? of('scheduler.CreateSchedule') : 0;
  const outputs = (await lapse.control('GET', '/outputs')).body['Lapse'] as Readonly<Record<string, string>>;
  const writes = await writesOf(outputs['AwsEndpointUrl'] ?? '', outputs['TableName'] ?? '', ids);
  const kilobytes = Math.max(...writes.map(({ NewImage }) => kilobytesOf(NewImage)));
  // A write whose condition fails costs the same, by the size of the existing item.
  const stopped = of('dynamodb.UpdateItem') - writes.length / sessions;
  const usage = {
    'Lambda calls': lambdaCalls,
    'Lambda GB-seconds': sum(functions.map(({ gigabyteSeconds }) => gigabyteSeconds)),
    'HTTP API calls': callsOf('register-payment-request', 'cancel-payment-request'),
    'DynamoDB write units': sum(writes.map(writeUnits)) / sessions + Math.max(0, stopped) * kilobytes,
    'DynamoDB read units':
      (of('dynamodb.GetItem') - callsOfReads(before, after, sessions)) * Math.ceil(kilobytes / 4),
    'EventBridge events':
      of('eventbridge.PutEvents') === 0 ? 0 : (await publishedFor(system, ids)) / sessions,
    'Scheduler firings': firings,
    'SQS calls': of('sqs.SendMessage') + firings * queueCallsPerFiring,
    'log kilobytes': logBytes / 1_024 / sessions + lambdaCalls * platformLogKilobytes,
  };
  return { usage, deliveries: callsOf('receive-klarna-webhook'), kilobytes };
}

const callsOfReads = (before: Calls, after: Calls, sessions: number): number => {
  const reads = ({ functions }: Calls): number => functions['get-payment-request']?.calls ?? 0;
  return (reads(after) - reads(before)) / sessions;
};

const countedBy = async (lapse: SystemClient): Promise<Calls> =>
  (await lapse.control('GET', '/calls')).body as unknown as Calls;

/** Waits until there are no more calls: webhooks and events arrive after their cause. */
async function settled(lapse: SystemClient): Promise<void> {
  let before = '';
  for (;;) {
    const now = JSON.stringify((await countedBy(lapse)).aws);
    if (now === before) return;
    before = now;
    await wait(1_000);
  }
}

async function publishedFor({ control }: LocalProcess, ids: readonly string[]): Promise<number> {
  const wanted = new Set(ids);
  const lines = (await (await fetch(`${control}/events`)).text()).split('\n').filter(Boolean);
  return lines
    .map((line) => (JSON.parse(line) as { detail: { payment_request_id: string } }).detail)
    .filter(({ payment_request_id }) => wanted.has(payment_request_id)).length;
}

async function memoryByFunction(): Promise<ReadonlyMap<string, number>> {
  const { cdkOut } = await synthesize(root);
  const { functions } = await readStack(cdkOut, { awsUrl: '' });
  return new Map(functions.map(({ name, memoryMegabytes }) => [name, memoryMegabytes]));
}
