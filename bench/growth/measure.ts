import { setTimeout as wait } from 'node:timers/promises';
import { mapConcurrently } from '../../functions/application/map-concurrently.ts';
import type { PaymentRequestId } from '../../functions/domain/identifiers.ts';
import { median, quantile } from '../statistics.ts';
import { sweepMargin } from '../../functions/domain/due.ts';
import { newId, type System } from './system.ts';

/** Milliseconds of one kind of call, and the calls a second in this many lanes. */
export interface Pace {
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
}

export interface AtSize {
  readonly sessions: number;
  readonly paces: Readonly<Record<string, Pace>>;
  /** Milliseconds from a deadline to CANCELED: the median of several. */
  readonly lateness: number;
  /** Milliseconds and table reads of a sweep that finds nothing due. */
  readonly sweep: { readonly millis: number; readonly queries: number };
}

const lanes = 4;

/** Ids for calls that only warm up: every lane needs a warm function. */
const warmUps = 24;

/** Runs `act` for each id, in lanes. The remaining ids warm up first. */
async function paceOf(
  times: number,
  act: (id: string) => Promise<unknown>,
  ids: readonly string[],
): Promise<Pace> {
  await mapConcurrently(ids.slice(times), lanes, act);
  const millis: number[] = [];
  const began = performance.now();
  await mapConcurrently(ids.slice(0, times), lanes, async (id) => {
    const start = performance.now();
    await act(id);
    millis.push(performance.now() - start);
  });
  const seconds = (performance.now() - began) / 1_000;
  return { p50: median(millis), p99: quantile(millis, 0.99), perSecond: times / seconds };
}

function must(what: string, { status }: { readonly status: number }, wanted: number): void {
  if (status !== wanted) throw new Error(`${what} returned ${status}, expected ${wanted}`);
}

/** Measures every kind of call at the current number of open sessions. */
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
  /** Registrations a second before the deadline. */
  readonly registeredPerSecond: number;
  /** Seconds from the common deadline until all sessions were canceled. */
  readonly settledInSeconds: number;
  /** Milliseconds of a webhook before the deadline and while the sessions ended. */
  readonly webhookIdle: Pace;
  readonly webhookMeanwhile: Pace;
  /** The webhooks during that time, and those that got a 503, which Klarna sends again. */
  readonly webhooks: number;
  readonly webhooksRefused: number;
  /** Calls to Klarna for each session. */
  readonly klarnaCalls: number;
}

/** Measures this many sessions that end at the same moment, each with its own schedule. */
export async function flashSale(
  system: System,
  sessions: number,
  onProgress: (done: number, what: string) => void,
): Promise<FlashSale> {
  const { lapse } = system;
  // Long enough to register all of them. A session that is registered later has less time left.
  const deadline = Date.now() + 100_000 + sessions * 25;
  const deadline_at = new Date(deadline).toISOString();
  let registered = 0;
  const began = performance.now();
  const ids = await mapConcurrently(Array(sessions).keys(), 8, async () => {
    const id = await lapse.createAtKlarna();
    must('register', await lapse.register(id, { deadline_at }), 201);
    onProgress((registered += 1), 'registered');
    return id;
  });
  const registeredPerSecond = sessions / ((performance.now() - began) / 1_000);
  const webhook = async () => (await lapse.deliver(newId(), 'SUBMITTED')).status;
  const webhookIdle = await paceOf(100, webhook, Array.from({ length: 100 + warmUps }, newId));
  if (Date.now() > deadline) throw new Error('The deadline came before all was registered.');
  const canceled = system.allCanceled(ids, (done) => onProgress(done, 'canceled'));
  await wait(deadline - Date.now());

  const start = performance.now();
  let settledInSeconds: number | undefined;
  const settled = canceled.then(() => (settledInSeconds = (performance.now() - start) / 1_000));
  const millis: number[] = [];
  let webhooksRefused = 0;
  while (settledInSeconds === undefined) {
    const before = performance.now();
    if ((await webhook()) !== 200) webhooksRefused += 1;
    millis.push(performance.now() - before);
    await wait(100);
  }
  const seconds = await settled;
  const calls = await Promise.all(ids.slice(0, 50).map((id) => lapse.callsAtKlarna(id)));
  return {
    sessions,
    registeredPerSecond,
    settledInSeconds: seconds,
    webhookIdle,
    webhookMeanwhile: {
      p50: median(millis),
      p99: quantile(millis, 0.99),
      perSecond: millis.length / seconds,
    },
    webhooks: millis.length,
    webhooksRefused,
    klarnaCalls: calls.reduce((sum, { length }) => sum + length, 0) / calls.length,
  };
}

export interface CatchUp {
  readonly sessions: number;
  /** Milliseconds that Klarna took for each response. */
  readonly klarnaMillis: number;
  /** Minutes from the moment when all were due until all were canceled. */
  readonly minutes: number;
  /** Runs of the sweep during that time. */
  readonly sweeps: number;
}

/** Milliseconds that a Klarna response takes here. The simulator's own take one, and would hide the cost of waiting. */
export const klarnaMillis = 300;

/**
 * Measures how long the sweep alone takes for so many sessions whose deadline has passed. They have no timer and no earlier
 * webhook. The sweep runs once a minute.
 */
export async function catchUp(
  system: System,
  sessions: number,
  onProgress: (done: number) => void,
): Promise<CatchUp> {
  const { lapse } = system;
  const created = await mapConcurrently(Array(sessions).keys(), 8, () => lapse.createAtKlarna());
  const ids = created as readonly PaymentRequestId[];
  // No session is due before all are written.
  const due = Date.now() + 30_000 + sessions * 10;
  await system.seed(ids, due - sweepMargin);
  await system.atRest();
  await lapse.simulator('POST', '/faults', { kind: 'slow', delayMs: klarnaMillis, times: 1_000_000 });
  if (Date.now() > due) throw new Error('The sessions were due before all of them were written.');
  await wait(due - Date.now());
  const before = await sweepsOf(lapse);
  await system.allCanceled(ids, onProgress);
  return {
    sessions,
    klarnaMillis,
    minutes: (Date.now() - due) / 60_000,
    sweeps: (await sweepsOf(lapse)) - before,
  };
}

/** How often the sweep has started. */
async function sweepsOf(lapse: System['lapse']): Promise<number> {
  const { body } = await lapse.control('GET', '/calls');
  const functions = body['functions'] as Readonly<Record<string, { readonly calls: number }>>;
  return functions['reconcile-payment-requests']?.calls ?? 0;
}
