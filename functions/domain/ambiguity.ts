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
 * A question that Klarna's webhooks leave open and a read can answer.
 * - `tie`: two states with the same time. The event ids decided between them, which is chance.
 * - `contradiction`: two facts that cannot both be true.
 */
export interface Ambiguity {
  readonly about: 'tie' | 'contradiction';
  /** The webhook that raised it. */
  readonly eventId: EventId;
}

/** The latest open question of a record: Klarna was not read since. `undefined` where there is none. */
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
  // Reads and cancels are Klarna's current state: they leave no question.
  if (entry.kind !== 'webhook') return undefined;
  if (entry.attention === 'contradiction' || entry.effect === 'contradicting') return 'contradiction';
  const isTied =
    record.evidence?.source === 'webhook' &&
    entry.occurredAt === record.occurredAt &&
    entry.state !== record.state &&
    isOpen(record.state) &&
    isOpen(entry.state);
  return isTied ? 'tie' : undefined;
}

/** What a read said about an open question. */
export interface AmbiguityResponse {
  readonly eventId: EventId;
  readonly detail: Readonly<Record<string, string>>;
  /** When the sweep reconciles the record next. */
  readonly dueAfter: Instant | undefined;
}

/**
 * The record after a read about an open question. The history notes the result. `attention` stays, for a person to see.
 * `undefined` where a newer question came up meanwhile.
 */
export function withResponse(
  record: PaymentRequest,
  question: Ambiguity,
  { eventId, detail, dueAfter }: AmbiguityResponse,
  now: Instant,
): PaymentRequest | undefined {
  const still = ambiguityOf(record);
  if (still && still.eventId !== question.eventId) return undefined;
  const entry: HistoryEntry = {
    eventId,
    kind: 'sweep',
    recordedAt: now,
    effect: 'noted',
    state: record.state,
    detail: { looked_into: question.about, raised_by: question.eventId, ...detail },
  };
  return asNextVersion({ ...withEntry(record, entry), reconcileAfter: dueAfter, attempts: 0 }, now);
}
