import type { EventId } from './identifiers.ts';
import type { Instant } from './instant.ts';
import {
  asNextVersion,
  type HistoryEntry,
  isEmptyRead,
  type PaymentRequest,
  withEntry,
} from './payment-request.ts';
import { isOpen } from './payment-request-state.ts';

/**
 * Something that Klarna's webhooks leave open and a read can answer.
 * - `tie`: two states of one and the same time, between which the event ids have decided by chance.
 * - `contradiction`: two facts that cannot both be true.
 */
export interface Ambiguity {
  readonly about: 'tie' | 'contradiction';
  /** The webhook that raised it. */
  readonly eventId: EventId;
}

/** The latest question of a record that Klarna has not been asked since; `undefined` when there is none. */
export function ambiguityOf(record: PaymentRequest): Ambiguity | undefined {
  const raised = record.history.findLast((entry) => questionIn(record, entry));
  const about = raised && questionIn(record, raised);
  if (!about) return undefined;
  const isResolved = record.history.some(
    (entry) =>
      (entry.kind === 'sweep' || (entry.kind === 'read' && !isEmptyRead(entry))) &&
      entry.recordedAt > raised.recordedAt,
  );
  return isResolved ? undefined : { about, eventId: raised.eventId };
}

function questionIn(record: PaymentRequest, entry: HistoryEntry): Ambiguity['about'] | undefined {
  // What a read or the answer to a DELETE says is Klarna's answer already.
  if (entry.kind !== 'webhook') return undefined;
  if (entry.attention === 'contradiction') return 'contradiction';
  const isTied =
    record.evidence?.source === 'webhook' &&
    entry.occurredAt === record.occurredAt &&
    entry.state !== record.state &&
    isOpen(record.state) &&
    isOpen(entry.state);
  return isTied ? 'tie' : undefined;
}

/**
 * The record once Klarna has been asked the question: what came of it, as an entry of the history, and when the sweep is to
 * look next, `dueAfter`. `attention` stays, for a person to see. `undefined` when a newer question has been raised meanwhile.
 */
export function withResponse(
  record: PaymentRequest,
  question: Ambiguity,
  response: { readonly eventId: EventId; readonly detail: Readonly<Record<string, string>> },
  dueAfter: Instant | undefined,
  now: Instant,
): PaymentRequest | undefined {
  const still = ambiguityOf(record);
  if (still && still.eventId !== question.eventId) return undefined;
  const entry: HistoryEntry = {
    eventId: response.eventId,
    kind: 'sweep',
    recordedAt: now,
    effect: 'noted',
    state: record.state,
    detail: { looked_into: question.about, raised_by: question.eventId, ...response.detail },
  };
  return asNextVersion({ ...withEntry(record, entry), reconcileAfter: dueAfter, attempts: 0 }, now);
}
