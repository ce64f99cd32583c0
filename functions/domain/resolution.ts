import { type Attention, isObstacle } from './attention.ts';
import { hasRecorded, shortened, withEntry } from './history.ts';
import type { HistoryEntry } from './history-entry.ts';
import type { EventId } from './identifiers.ts';
import type { Instant } from './instant.ts';
import type { PaymentRequest } from './payment-request.ts';

/** A person's decision that a record no longer needs one. */
export interface Resolution {
  /** The attention that the person has seen. A record that has another meanwhile keeps it. */
  readonly attention: Attention;
  /** Who decided, and why. Neither names a person of the shop's customers. */
  readonly by: string;
  readonly note: string;
  readonly eventId: EventId;
  readonly at: Instant;
}

/** Whether a record no longer has the attention, or why it stays. */
export type ResolveOutcome =
  | { readonly kind: 'resolved' }
  | { readonly kind: 'none' }
  | { readonly kind: 'other'; readonly attention: Attention };

/**
 * The record without its attention, and with an entry that says who took it off and why. Nothing else changes: neither the state, nor the
 * cancel, nor the timer. What was resolved is remembered, so that the same facts do not raise it again.
 */
export function resolveAttention(
  record: PaymentRequest,
  { attention, by, note, eventId, at }: Resolution,
): { readonly outcome: ResolveOutcome; readonly next?: PaymentRequest } {
  if (hasRecorded(record, eventId)) return { outcome: { kind: 'resolved' } };
  if (record.attention === undefined) return { outcome: { kind: 'none' } };
  if (record.attention !== attention) return { outcome: { kind: 'other', attention: record.attention } };
  const entry: HistoryEntry = {
    eventId,
    kind: 'resolve',
    recordedAt: at,
    effect: 'accepted',
    state: record.state,
    detail: { attention, requested_by: shortened(by), note: shortened(note) },
  };
  const resolved = [...new Set([...(record.resolved ?? []), ...settledBy(record, attention)])];
  return {
    outcome: { kind: 'resolved' },
    next: withEntry({ ...record, attention: undefined, ...(resolved.length > 0 && { resolved }) }, entry),
  };
}

/** What a resolution settles for good: an obstacle that is still there comes back with the next attempt. */
function settledBy({ history }: PaymentRequest, attention: Attention): readonly string[] {
  if (isObstacle(attention)) return [];
  if (attention !== 'contradiction') return [attention];
  // The person has seen these states. Another one is news.
  return history.flatMap(({ state }) => (state === undefined ? [] : [`contradiction ${state}`]));
}

/** Whether the record's person has decided about what this entry would raise. */
const isSettled = ({ resolved = [] }: PaymentRequest, { attention, state }: HistoryEntry): boolean =>
  attention !== undefined &&
  resolved.includes(attention === 'contradiction' ? `contradiction ${state ?? ''}` : attention);

/** The next record without an attention that a new entry raises again although a person has resolved it. */
export function withoutResolved(before: PaymentRequest | undefined, next: PaymentRequest): PaymentRequest {
  if (!before || next.resolved === undefined) return next;
  const isNew = ({ eventId }: HistoryEntry): boolean => !hasRecorded(before, eventId);
  const isRaisedAgain = (entry: HistoryEntry): boolean => isSettled(next, entry) && isNew(entry);
  const isSet = next.attention !== before.attention && next.resolved.includes(next.attention ?? '');
  if (!isSet && !next.history.some(isRaisedAgain)) return next;
  const history = next.history.map((entry) =>
    isRaisedAgain(entry) ? { ...entry, attention: undefined } : entry,
  );
  const raised = history.findLast((entry) => entry.attention !== undefined && isNew(entry));
  return { ...next, history, attention: raised?.attention ?? before.attention };
}
