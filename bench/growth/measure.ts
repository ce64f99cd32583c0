import { setTimeout as wait } from 'node:timers/promises';
import type { PaymentRequestId } from '../../functions/domain/identifiers.ts';
import { median, quantile } from '../statistics.ts';
import { newId, type System } from './system.ts';

/** Milliseconds of one kind of call, and how many a second went through in so many lanes. */
export interface Pace {
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
}

export interface AtSize {
  readonly sessions: number;
  readonly paces: Readonly<Record<string, Pace>>;
  /** Milliseconds from a deadline to CANCELED, the median of some. */
  readonly lateness: number;
  /** Milliseconds and table reads of a sweep that finds nothing due. */
  readonly sweep: { readonly millis: number; readonly queries: number };
}

const lanes = 4;

/** Ids for calls that only warm up: as many functions have to be there as there are lanes. */
const warmUps = 24;

/** Does one thing so many times, in lanes, each with an id of its own; what is left over of the ids has warmed up before. */
async function paceOf(
  times: number,
  act: (id: string) => Promise<unknown>,
  ids: readonly string[],
): Promise<Pace> {
  await inLanes(ids.slice(times), act);
  const millis: number[] = [];
  const began = performance.now();
  await inLanes(ids.slice(0, times), async (id) => {
    const start = performance.now();
    await act(id);
    millis.push(performance.now() - start);
  });
  const seconds = (performance.now() - began) / 1_000;
  return { p50: median(millis), p99: quantile(millis, 0.99), perSecond: times / seconds };
}

async function inLanes(ids: readonly string[], act: (id: string) => Promise<unknown>): Promise<void> {
  const waiting = ids.values();
  const lane = async () => {
    for (const id of waiting) await act(id);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

function must(what: string, { status }: { readonly status: number }, wanted: number): void {
  if (status !== wanted) throw new Error(`${what} was answered ${status} and not ${wanted}`);
}

/** Every kind of call, at the number of open sessions that there is now. */
export async function measureAt(system: System, sessions: number, times: number): Promise<AtSize> {
  const { lapse } = system;
  const ids = await Promise.all(Array.from({ length: times + warmUps }, () => lapse.createAtKlarna()));
  const paces: Record<string, Pace> = {};
  paces['register'] = await paceOf(
    times,
    async (id) =>
      must('register', await lapse.register(id, { session_timeout: 'PT20M', session_id: id }), 201),
    ids,
  );
  paces['webhook'] = await paceOf(
    times,
    async (id) => must('webhook', await lapse.deliver(id, 'IN_PROGRESS'), 200),
    ids,
  );
  paces['read'] = await paceOf(
    times,
    async (id) => must('read', await lapse.api('GET', `/payment-requests/${id}`), 200),
    ids,
  );
  paces['session'] = await paceOf(
    times,
    async (id) => must('session', await lapse.api('GET', `/sessions/${encodeURIComponent(id)}`), 200),
    ids,
  );
  paces['list, a page of 25'] = await paceOf(
    Math.ceil(times / 4),
    async () => must('list', await lapse.api('GET', '/payment-requests?open=true'), 200),
    ids.slice(0, Math.ceil(times / 4) + warmUps),
  );
  paces['cancel'] = await paceOf(times, async (id) => must('cancel', await lapse.cancel(id), 200), ids);
  const lateness = await latenessOf(system, Math.ceil(times / 10));
  await system.atRest();
  return { sessions, paces, lateness, sweep: await sweepOf(system) };
}

/** Registers some sessions for a second and waits until each is canceled. */
async function latenessOf({ lapse }: System, times: number): Promise<number> {
  const late = await Promise.all(
    Array.from({ length: times }, async () => {
      const id = await lapse.createAtKlarna();
      const { body } = await lapse.register(id, { session_timeout: 'PT2S' });
      const record = await lapse.until(id, ({ state }) => state === 'CANCELED', 120_000);
      const { requested_at } = record['cancellation'] as Readonly<Record<string, string>>;
      return Date.parse(requested_at ?? '') - Date.parse(String(body['deadline_at']));
    }),
  );
  return median(late);
}

async function sweepOf(system: System): Promise<AtSize['sweep']> {
  const queries = async () =>
    Object.entries(await system.calls()).find(([name]) => /\bQuery$/i.test(name))?.[1] ?? 0;
  await system.lapse.control('POST', '/sweep');
  const millis: number[] = [];
  const before = await queries();
  for (let run = 0; run < 5; run += 1) {
    const start = performance.now();
    await system.lapse.control('POST', '/sweep');
    millis.push(performance.now() - start);
  }
  return { millis: median(millis), queries: ((await queries()) - before) / 5 };
}

export interface FlashSale {
  readonly sessions: number;
  /** Registrations a second, on the way. */
  readonly registeredPerSecond: number;
  /** Seconds from the common deadline until all were canceled. */
  readonly settledInSeconds: number;
  /** A webhook's milliseconds before the deadline and while the sessions ended. */
  readonly webhookIdle: Pace;
  readonly webhookMeanwhile: Pace;
  /** Webhooks meanwhile, and those of them that were answered 503, which Klarna sends again. */
  readonly webhooks: number;
  readonly webhooksRefused: number;
  /** Calls to Klarna for each session. */
  readonly klarnaCalls: number;
}

/** So many sessions that end at the same moment, each with a schedule of its own. */
export async function flashSale(
  { lapse }: System,
  sessions: number,
  onProgress: (done: number) => void,
): Promise<FlashSale> {
  // Time enough to register all of them: whoever is registered later has less time left.
  const deadline = Date.now() + 100_000 + sessions * 25;
  const deadline_at = new Date(deadline).toISOString();
  const ids: string[] = [];
  const began = performance.now();
  const lane = async () => {
    while (ids.length < sessions) {
      const id = await lapse.createAtKlarna();
      if (ids.length >= sessions) return;
      ids.push(id);
      must('register', await lapse.register(id, { deadline_at }), 201);
      onProgress(ids.length);
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  const registeredPerSecond = sessions / ((performance.now() - began) / 1_000);
  const webhook = async () => (await lapse.deliver(newId(), 'SUBMITTED')).status;
  const webhookIdle = await paceOf(100, webhook, Array.from({ length: 100 + warmUps }, newId));
  if (Date.now() > deadline) throw new Error('The deadline came before all was registered.');
  await wait(deadline - Date.now());

  const millis: number[] = [];
  let webhooksRefused = 0;
  const last = new Set(ids);
  const start = performance.now();
  while (last.size > 0) {
    const before = performance.now();
    if ((await webhook()) !== 200) webhooksRefused += 1;
    millis.push(performance.now() - before);
    await wait(100);
    // A few of those that are left tell when to look at all of them.
    for (const id of [...last].slice(0, 20)) {
      if ((await lapse.record(id))['state'] === 'CANCELED') last.delete(id);
    }
    if (performance.now() - start > 1_800_000) throw new Error(`${last.size} sessions never ended`);
  }
  const settledInSeconds = (performance.now() - start) / 1_000;
  const calls = await Promise.all(ids.slice(0, 50).map((id) => lapse.callsAtKlarna(id)));
  return {
    sessions,
    registeredPerSecond,
    settledInSeconds,
    webhookIdle,
    webhookMeanwhile: {
      p50: median(millis),
      p99: quantile(millis, 0.99),
      perSecond: millis.length / settledInSeconds,
    },
    webhooks: millis.length,
    webhooksRefused,
    klarnaCalls: calls.reduce((sum, { length }) => sum + length, 0) / calls.length,
  };
}

export interface CatchUp {
  readonly sessions: number;
  /** How many runs of the sweep it took, each a minute on AWS. */
  readonly sweeps: number;
  /** Seconds that a run took. */
  readonly secondsPerSweep: number;
}

/** So many sessions whose deadline has passed, with no timer and no webhook: the sweep alone ends them. */
export async function catchUp(
  system: System,
  sessions: number,
  onProgress: (done: number) => void,
): Promise<CatchUp> {
  const { lapse } = system;
  const ids: PaymentRequestId[] = [];
  const lane = async () => {
    while (ids.length < sessions) ids.push((await lapse.createAtKlarna()) as PaymentRequestId);
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  await system.seed(ids.slice(0, sessions), -120_000);
  await system.atRest();
  const seconds: number[] = [];
  let left = sessions;
  while (left > 0) {
    const start = performance.now();
    await lapse.control('POST', '/sweep');
    seconds.push((performance.now() - start) / 1_000);
    left = await openOf(system);
    onProgress(sessions - left);
    if (seconds.length > sessions) throw new Error(`${left} sessions never ended`);
  }
  return { sessions, sweeps: seconds.length, secondsPerSweep: median(seconds) };
}

/** How many sessions are open past their deadline. */
async function openOf({ lapse }: System): Promise<number> {
  // A cursor is one of its own filter only.
  const query = `open=true&limit=100&due_before=${new Date(Date.now() - 90_000).toISOString()}`;
  let open = 0;
  let cursor: unknown;
  do {
    const more = typeof cursor === 'string' ? `&cursor=${cursor}` : '';
    const { body } = await lapse.api('GET', `/payment-requests?${query}${more}`);
    open += (body['payment_requests'] as readonly unknown[]).length;
    cursor = body['next_cursor'];
  } while (typeof cursor === 'string');
  return open;
}
