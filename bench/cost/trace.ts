import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { LocalProcess } from '../../test/support/local-process.ts';
import type { SystemClient } from '../../test/support/system-client.ts';
import type { Flow } from './flows.ts';
import { platformLogKilobytes } from './peers.ts';
import type { Usage } from './prices.ts';
import type { RecordedDatabase } from './recorded-database.ts';
import { type TracedWrite, tracedWrites, unitsOfSession } from './traced-writes.ts';

export interface Trace {
  readonly usage: Usage;
  /** Webhooks that Klarna delivered for one session. */
  readonly deliveries: number;
  /** Bytes of the record at the end of a session, of the largest one. */
  readonly itemBytes: number;
  /** Every write of a session. */
  readonly writes: readonly TracedWrite[];
  /** Bytes that the functions and the API logged for one session. */
  readonly ownLogBytes: number;
  /** Lines that the functions themselves logged for each call. */
  readonly ownLogLines: number;
}

interface Calls {
  readonly aws: Readonly<Record<string, number>>;
  readonly functions: Readonly<Record<string, { readonly calls: number }>>;
}

/** For each schedule that fires, Scheduler sends a message, and Lambda receives and deletes it. */
const queueCallsPerFiring = 3;

/** Sessions close together share warm processes, as under an even load. */
const betweenSessionsMillis = 300;

/** The test itself reads, and the sweep runs without any session. */
const notOfSessions = new Set(['get-payment-request', 'reconcile-payment-requests']);

/** The system that a flow is played on, and how often. */
export interface TraceOptions {
  readonly system: LocalProcess;
  readonly lapse: SystemClient;
  readonly database: RecordedDatabase;
  readonly sessions: number;
  readonly logFile: string;
  /**
   * Milliseconds of one call of each function. They are measured separately, because a call takes longer on a small
   * machine that runs the whole system.
   */
  readonly millisOf: Readonly<Record<string, number>>;
  /** Megabytes of each function. */
  readonly memoryOf: ReadonlyMap<string, number>;
  /** Whether Lambda leaves out its own lines about each call. */
  readonly hasQuietPlatform: boolean;
  /** Bytes that API Gateway logs for each call of the API. */
  readonly accessLogBytes: number;
}

/** Milliseconds from the creation of a request until the shop registers it. Klarna's first webhook takes less here. */
const announcedMillis = 400;

/** Plays a flow several times in short succession. Returns what one session used, from the calls of the local system. */
export async function traceFlow(flow: Flow, options: TraceOptions): Promise<Trace> {
  const { lapse, sessions, database, logFile } = options;
  await settled(lapse);
  const before = await countedBy(lapse);
  const [firstWrite, firstRead] = [database.writes.length, database.reads.length];
  const logBefore = await readFile(logFile, 'utf8');
  const ids: string[] = [];
  const playing: Promise<unknown>[] = [];
  for (let session = 0; session < sessions; session += 1) {
    // The first webhook of each request belongs to its session. It arrives before the shop registers the request.
    const id = await lapse.createAtKlarna({ announce: true });
    ids.push(id);
    await wait(announcedMillis);
    playing.push(flow.play(lapse, id));
    await wait(betweenSessionsMillis);
  }
  await Promise.all(playing);
  await settled(lapse);
  const after = await countedBy(lapse);

  const writes = database.writes.slice(firstWrite).filter(({ key }) => ids.some((id) => key.includes(id)));
  const log = ownLines((await readFile(logFile, 'utf8')).slice(logBefore.length));
  const functions = callsOfFunctions(before, after, sessions);
  const counted = {
    of: (action: string): number => ((after.aws[action] ?? 0) - (before.aws[action] ?? 0)) / sessions,
    functions,
    readUnits: database.reads
      .slice(firstRead)
      .filter(({ caller }) => !notOfSessions.has(caller))
      .reduce((sum, { units }) => sum + units / sessions, 0),
    writes: tracedWrites(writes, ids),
    logBytes:
      log.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0) / sessions +
      callsOfApi(functions) * options.accessLogBytes,
    events: (await publishedFor(options.system, ids)) / sessions,
  };
  const lambdaCalls = [...counted.functions.values()].reduce((sum, calls) => sum + calls, 0);
  return {
    usage: usageOf(flow, counted, options),
    deliveries: counted.functions.get('receive-klarna-webhook') ?? 0,
    itemBytes: Math.max(...ids.map((id) => writes.findLast(({ key }) => key.endsWith(id))?.bytes ?? 0)),
    writes: counted.writes,
    ownLogBytes: counted.logBytes,
    ownLogLines: log.length / sessions / lambdaCalls,
  };
}

interface Counted {
  /** Calls of an AWS action in one session. */
  readonly of: (action: string) => number;
  /** Calls of each function in one session. */
  readonly functions: ReadonlyMap<string, number>;
  readonly readUnits: number;
  readonly writes: readonly TracedWrite[];
  readonly logBytes: number;
  readonly events: number;
}

function usageOf(
  flow: Flow,
  { of, functions, readUnits, writes, logBytes, events }: Counted,
  { millisOf, memoryOf, hasQuietPlatform }: TraceOptions,
): Usage {
  const calls = [...functions];
  const lambdaCalls = calls.reduce((sum, [, times]) => sum + times, 0);
  const gigabyteSeconds = calls.reduce(
    (sum, [name, times]) =>
      sum + times * ((millisOf[name] ?? 0) / 1_000) * ((memoryOf.get(name) ?? 0) / 1_024),
    0,
  );
  const firings = flow.timerFires ? of('scheduler.CreateSchedule') : 0;
  return {
    'Lambda calls': lambdaCalls,
    'Lambda GB-seconds': gigabyteSeconds,
    'HTTP API calls': callsOfApi(functions),
    'DynamoDB write units': unitsOfSession(writes),
    'DynamoDB read units': readUnits,
    'EventBridge events': events,
    'Scheduler firings': firings,
    'SQS calls': of('sqs.SendMessage') + firings * queueCallsPerFiring,
    'log kilobytes': logBytes / 1_024 + (hasQuietPlatform ? 0 : lambdaCalls * platformLogKilobytes),
  };
}

const callsOfApi = (functions: ReadonlyMap<string, number>): number =>
  (functions.get('register-payment-request') ?? 0) + (functions.get('cancel-payment-request') ?? 0);

function callsOfFunctions(before: Calls, after: Calls, sessions: number): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(after.functions)
      .filter(([name]) => !notOfSessions.has(name))
      .map(([name, { calls }]) => [name, (calls - (before.functions[name]?.calls ?? 0)) / sessions]),
  );
}

/** The JSON lines that functions wrote, without the name that the local system puts in front. */
const ownLines = (text: string): readonly string[] =>
  text.split('\n').flatMap((line) => {
    const [, speaker = '', json] = /^([\w-]+): (\{.*)$/.exec(line) ?? [];
    return json === undefined || notOfSessions.has(speaker) ? [] : [json];
  });

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
