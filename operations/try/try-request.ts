import type { LapseClient } from '../../client/lapse-client.ts';
import type { HistoryEntry, PaymentRequestRecord } from '../../client/responses.ts';
import { formatDuration } from '../../functions/domain/duration.ts';
import type { PaymentRequestId } from '../../functions/domain/identifiers.ts';
import type { TestPurchase, TestRequests } from './klarna-test-requests.ts';

/** Shows a step: its name, what it is about, and a line for people. */
export type ShowTryStep = (step: TryStep, facts: object, line: string) => void;

type TryStep = 'created' | 'registered' | 'history' | 'canceled' | 'webhook' | 'problem' | 'cleaned';

/** What the trial needs. */
export interface TryOptions {
  readonly client: Pick<LapseClient, 'register' | 'get' | 'history' | 'cancel'>;
  readonly klarna: TestRequests;
  readonly purchase: Omit<TestPurchase, 'lifetime'>;
  /** Resolves when the webhook about the end of this request has arrived. A webhook that confirms the record changes nothing in it. */
  readonly webhookOfEnd: (id: PaymentRequestId, signal: AbortSignal) => Promise<void>;
  /** Milliseconds; the timeout of the session. */
  readonly timeout: number;
  readonly show: ShowTryStep;
  /** Aborted when the person interrupts. */
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** Resolves after the time, or when the signal aborts. */
  readonly wait: (millis: number, signal: AbortSignal) => Promise<void>;
}

/** Milliseconds between two reads of the record. */
const pollMillis = 1_000;

/** After the deadline: two minutes for a timer that fires late, as the sweep guarantees, and one for the cancel. */
const cancelMillis = 180_000;

/** From the cancel on: Klarna repeats a webhook after 10 seconds, and then after 2 minutes. */
const webhookMillis = 180_000;

/** Klarna's shortest lifetime of a request. It ends what a killed process leaves. */
const shortestLifetime = 15 * 60_000;

/**
 * Ends one real test Payment Request by its timeout. It creates the request at Klarna, registers it, and waits for the cancel and its
 * webhook. Resolves to whether all of it happened. Whatever happens after the creation, the request is canceled at Klarna at the end.
 */
export async function tryRequest(options: TryOptions): Promise<boolean> {
  const { klarna, purchase, timeout, show, signal } = options;
  if (isAborted(signal)) return false;
  const lifetime = Math.max(shortestLifetime, timeout + cancelMillis);
  const id = await klarna.create({ ...purchase, lifetime });
  show('created', { payment_request_id: id }, `Created at Klarna: ${id}`);
  let isSeen = false;
  try {
    isSeen = await followToEnd(options, id);
  } catch (error) {
    if (!isAborted(signal)) show('problem', {}, error instanceof Error ? error.message : String(error));
  }
  if (isAborted(signal)) show('problem', {}, 'Interrupted. Canceling the test request …');
  const isEnded = await endAtKlarna(options, id);
  return isSeen && isEnded;
}

/** The compiler takes a property for unchanged across an await. */
const isAborted = ({ aborted }: AbortSignal): boolean => aborted;

/** Registers the request and shows its history until its webhook is here. Resolves to whether that happened. */
async function followToEnd(options: TryOptions, id: PaymentRequestId): Promise<boolean> {
  const { client, timeout, show, signal } = options;
  const registered = await client.register(
    id,
    {
      session_timeout: formatDuration(timeout),
      session_id: options.purchase.reference,
      on_timeout: 'cancel',
    },
    { signal },
  );
  if (!('record' in registered)) {
    show('problem', registered, `It cannot be registered: ${registered.outcome}.`);
    return false;
  }
  const deadline = registered.record.deadline_at ?? '';
  show('registered', { deadline_at: deadline }, `Registered. Its deadline is ${deadline}.`);
  const watched = new AbortController();
  const arrival = watch(options.webhookOfEnd(id, AbortSignal.any([signal, watched.signal])));
  try {
    return await untilSeen(options, id, { deadline, arrival });
  } finally {
    watched.abort();
  }
}

/** What became of a wait, as far as it is known. */
interface Arrival {
  hasArrived: boolean;
  failure: unknown;
}

/** Follows a wait without waiting for it. */
function watch(wait: Promise<void>): Arrival {
  const arrival: Arrival = { hasArrived: false, failure: undefined };
  wait.then(
    () => (arrival.hasArrived = true),
    (error: unknown) => (arrival.failure = error),
  );
  return arrival;
}

/** Shows what happens until the request is canceled and its webhook is here. Resolves to whether that happened in time. */
async function untilSeen(
  { client, show, signal, now, wait }: TryOptions,
  id: PaymentRequestId,
  { deadline, arrival }: { readonly deadline: string; readonly arrival: Arrival },
): Promise<boolean> {
  const shown = new Set<string>();
  let until = Date.parse(deadline) + cancelMillis;
  let isCanceled = false;
  while (now() < until) {
    signal.throwIfAborted();
    const [record, history] = await Promise.all([client.get(id, { signal }), client.history(id, { signal })]);
    for (const entry of history?.entries ?? []) showEntry(show, shown, entry);
    if (record?.state === 'CANCELED' && !isCanceled) {
      isCanceled = true;
      until = now() + webhookMillis;
      show('canceled', facts(record), canceledLine(record));
    }
    if (isCanceled && arrival.failure !== undefined) throw arrival.failure as Error;
    if (isCanceled && (arrival.hasArrived || history?.entries.some(isWebhookOfEnd))) {
      show('webhook', {}, 'Its webhook arrived, and its signature holds.');
      return true;
    }
    if (record?.final && record.state !== 'CANCELED') {
      show('problem', facts(record), `It ended as ${record.state ?? 'unknown'}, not by the timeout.`);
      return false;
    }
    await wait(pollMillis, signal);
  }
  show('problem', {}, lateLine(isCanceled));
  return false;
}

function showEntry(show: ShowTryStep, shown: Set<string>, entry: HistoryEntry): void {
  const key = `${entry.event_id} ${entry.recorded_at}`;
  if (shown.has(key)) return;
  shown.add(key);
  show('history', entry, `  ${entry.recorded_at}  ${entry.explanation}`);
}

const isWebhookOfEnd = ({ kind, state }: HistoryEntry): boolean => kind === 'webhook' && state === 'CANCELED';

const facts = ({ state, cancellation }: PaymentRequestRecord): object => ({ state, cancellation });

const canceledLine = ({ cancellation }: PaymentRequestRecord): string =>
  cancellation?.cause === 'timeout'
    ? 'Canceled by its timeout. Waiting for the webhook …'
    : 'Canceled. Waiting for the webhook …';

const lateLine = (isCanceled: boolean): string =>
  isCanceled
    ? 'Its webhook has not arrived. Run `lapse doctor`, and see the quarantine with `lapse quarantine list`.'
    : 'It was not canceled in time. Run `lapse doctor`, and see the log with `lapse tail --errors`.';

/** Attempts to end the request at Klarna, and the pause between two. */
const mostAttempts = 4;
const attemptPause = 2_000;

/**
 * Sees to it that the request is not open at Klarna, by Lapse and, where that fails, by a cancel of our own. It does not follow the
 * signal: an interruption is the reason to be here.
 */
async function endAtKlarna(options: TryOptions, id: PaymentRequestId): Promise<boolean> {
  const { client, klarna, show, wait } = options;
  const unending = new AbortController().signal;
  for (let attempts = 1; attempts <= mostAttempts; attempts += 1) {
    const seen = await klarna.read(id).catch(() => undefined);
    if (seen && isOver(seen)) {
      if (attempts > 1)
        show('cleaned', {}, 'The test request is canceled at Klarna: nothing is left behind.');
      return true;
    }
    // By Lapse first, so that its record says who canceled, and its timer is removed.
    const byLapse =
      attempts <= 2
        ? await client.cancel(id, { reason: 'end of lapse try' }).catch(() => undefined)
        : undefined;
    if (byLapse === undefined) await klarna.cancel(id).catch(() => undefined);
    if (attempts > 1) await wait(attemptPause, unending);
  }
  const last = await klarna.read(id).catch(() => undefined);
  if (last && isOver(last)) return true;
  show(
    'problem',
    { payment_request_id: id },
    `It is not known whether ${id} ended at Klarna. Klarna ends it by itself, at the latest ${formatDuration(shortestLifetime)} after its timeout.`,
  );
  return false;
}

/** Whether Klarna says that the request is over: it has a final state, or Klarna does not have it any more. */
function isOver(seen: Awaited<ReturnType<TestRequests['read']>>): boolean {
  if (seen.kind === 'not_found') return true;
  return seen.kind === 'payment_request' && ['CANCELED', 'EXPIRED', 'DECLINED'].includes(seen.state);
}
