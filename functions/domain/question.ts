import type { HistoryEntry } from './history-entry.ts';
import { withEntry } from './history.ts';
import type { EventId } from './identifiers.ts';
import type { Instant } from './instant.ts';
import type { PaymentRequest, Question } from './payment-request.ts';

/** What a read said about an open question. */
export interface QuestionResult {
  readonly eventId: EventId;
  readonly detail: Readonly<Record<string, string>>;
}

/**
 * The record after a read about an open question. The history notes the result. `attention` stays, for a person to see.
 * `undefined` where a newer question came up meanwhile.
 */
export function withResolvedQuestion(
  record: PaymentRequest,
  question: Question,
  { eventId, detail }: QuestionResult,
  now: Instant,
): PaymentRequest | undefined {
  if (record.question && record.question.eventId !== question.eventId) return undefined;
  const entry: HistoryEntry = {
    eventId,
    kind: 'sweep',
    recordedAt: now,
    effect: 'noted',
    state: record.state,
    detail: { looked_into: question.about, raised_by: question.eventId, ...detail },
  };
  return { ...withEntry(record, entry), question: undefined, attempts: 0, retryAt: undefined };
}
