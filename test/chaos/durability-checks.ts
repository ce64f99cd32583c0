import { setTimeout as wait } from 'node:timers/promises';
import type { SystemClient } from '../support/system-client.ts';
import type { Session } from './load.ts';

type Fields = Readonly<Record<string, unknown>>;

const finalStates: ReadonlySet<unknown> = new Set(['COMPLETED', 'CANCELED', 'EXPIRED', 'DECLINED']);

/** The true state of each request, from the Klarna simulator. */
export async function truthOf(lapse: SystemClient): Promise<ReadonlyMap<string, Fields>> {
  const { body } = await lapse.simulator('GET', '/payment-requests');
  const requests = body['payment_requests'] as readonly Fields[];
  return new Map(requests.map((request) => [String(request['payment_request_id']), request]));
}

/**
 * Whether Klarna's request is over, the record says so and, where there is a sweep, has nothing left to find out; else what is
 * missing.
 */
export async function unsettled(
  lapse: SystemClient,
  { id, approved }: Session,
  truth: ReadonlyMap<string, Fields>,
  sweeps: boolean,
): Promise<string | undefined> {
  const state = truth.get(id)?.['state'];
  if (approved && state !== 'COMPLETED') return `${id} was paid and is ${String(state)} at Klarna`;
  if (!finalStates.has(state)) return `${id} is still ${String(state)} at Klarna`;
  const record = await lapse.record(id);
  if (record['state'] !== state)
    return `${id} is ${String(state)} at Klarna, ${String(record['state'])} here`;
  const cancellation = record['cancellation'] as Fields | null;
  return sweeps && cancellation?.['outcome'] === 'pending'
    ? `${id} has a cancel of which the end is not known`
    : undefined;
}

/** Events of the sessions that were not published. */
export async function unpublished(
  lapse: SystemClient,
  sessions: readonly Session[],
  truth: ReadonlyMap<string, Fields>,
): Promise<readonly string[]> {
  const published = new Set(
    (await lapse.events()).map((event) => {
      const { payment_request_id: id, state } = event['detail'] as Fields;
      const type = String(event['detail-type']);
      return type === 'Payment Request State Changed'
        ? `${String(id)} ${String(state)}`
        : `${String(id)} ${type}`;
    }),
  );
  return sessions.flatMap(({ id }) =>
    ['Payment Request Registered', String(truth.get(id)?.['state'])]
      .map((what) => `${id} ${what}`)
      .filter((what) => !published.has(what))
      .map((what) => `${what} was not published`),
  );
}

/** The numbers of acknowledged and of lost deliveries, and the broken promises. */
export interface Reckoning {
  readonly webhooks: number;
  readonly lost: number;
  readonly broken: readonly string[];
}

/**
 * Checks every success response of a round to the shop and to Klarna. The simulator has recorded Klarna's deliveries with their
 * responses. An acknowledged webhook is in its record's history, and so is an acknowledged deadline. What returned `canceled` is
 * canceled at Klarna. What is paid stays paid. No timer canceled before the record's deadline.
 *
 * @param skewMillis by how much Klarna's clock and that of a function may have differed.
 */
export async function reckon(
  lapse: SystemClient,
  sessions: readonly Session[],
  skewMillis: number,
): Promise<Reckoning> {
  // The deliveries come first, because a history that is read earlier need not have a later delivery.
  const acknowledged = new Map<string, Acknowledged[]>(sessions.map(({ id }) => [id, []]));
  let lost = 0;
  for (const delivery of await deliveriesOf(lapse)) {
    const events = acknowledged.get(String(delivery['payment_request_id']));
    if (events && delivery['status'] === 'delivered')
      events.push({
        id: String(delivery['event_id']),
        saysCanceled: String(delivery['event_type']).endsWith('.canceled'),
      });
    if (events && delivery['status'] === 'lost') lost += 1;
  }
  const truth = await truthOf(lapse);
  const broken: string[] = [];
  for (const session of sessions) {
    const events = acknowledged.get(session.id) ?? [];
    if (events.length === 0 && session.promised.length === 0) continue;
    const record = await readAtLast(lapse, `/payment-requests/${session.id}`);
    const history = await readAtLast(lapse, `/payment-requests/${session.id}/history`);
    broken.push(
      ...brokenOf(session, events, { record, history, truth: truth.get(session.id) ?? {} }, skewMillis).map(
        (what) => `${session.id}: ${what}`,
      ),
    );
  }
  return { webhooks: [...acknowledged.values()].flat().length, lost, broken };
}

const mostReads = 20;

/** Reads until there is a response, because a read that is refused under load says nothing about the record. Throws the last one. */
async function readAtLast(lapse: SystemClient, path: string): Promise<Fields> {
  for (let reads = 1; ; reads += 1) {
    const { status, body } = await lapse.api('GET', path);
    if (status === 200) return body;
    if (status === 404 || reads === mostReads) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
    await wait(500);
  }
}

async function deliveriesOf(lapse: SystemClient): Promise<readonly Fields[]> {
  return (await lapse.simulator('GET', '/deliveries')).body['deliveries'] as readonly Fields[];
}

/** The end of a session by the API and by Klarna. */
export interface Evidence {
  readonly record: Fields;
  readonly history: Fields;
  readonly truth: Fields;
}

/** A webhook that Lapse acknowledged. */
export interface Acknowledged {
  readonly id: string;
  readonly saysCanceled: boolean;
}

/** The broken promises of a session. `events` are the acknowledged deliveries. */
export function brokenOf(
  { promised, approved }: Session,
  events: readonly Acknowledged[],
  { record, history, truth }: Evidence,
  skewMillis: number,
): readonly string[] {
  const entries = history['entries'] as readonly Fields[];
  const known = new Set(entries.map((entry) => entry['event_id']));
  const deadlines = new Set(
    entries.flatMap(({ kind, effect, evidence }) =>
      (kind === 'register' || kind === 'extend') && effect === 'accepted'
        ? [(evidence as Fields)['deadline_at']]
        : [],
    ),
  );
  const cancellation = record['cancellation'] as Fields | null;
  const isByTimer = truth['state'] === 'CANCELED' && cancellation?.['cause'] === 'timeout';
  const earliest = Date.parse(String(record['deadline_at'])) - skewMillis;
  return [
    ...events
      // A long history drops entries and counts them. A webhook that repeats our own cancel is not written.
      .filter(({ id }) => !known.has(id) && history['dropped'] === 0)
      .filter(({ saysCanceled }) => !saysCanceled || cancellation?.['outcome'] !== 'canceled')
      .map(({ id: event }) => `the webhook ${event} was acknowledged and is not in the history`),
    ...promised.flatMap((one) => {
      if (one.kind === 'deadline' && !deadlines.has(one.at))
        return [`the deadline ${one.at} was acknowledged and is not in the history`];
      if (one.kind === 'canceled' && truth['state'] !== 'CANCELED')
        return [`answered canceled, and is ${String(truth['state'])}`];
      return [];
    }),
    ...(approved && truth['state'] !== 'COMPLETED' ? [`was paid, and is ${String(truth['state'])}`] : []),
    ...(isByTimer && Date.parse(String(truth['updated_at'])) < earliest
      ? [
          `was canceled at ${String(truth['updated_at'])}, before its deadline ${String(record['deadline_at'])}`,
        ]
      : []),
  ];
}
