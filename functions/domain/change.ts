import type { HistoryEntry } from './history.ts';
import type { EventId } from './identifiers.ts';
import type { Instant } from './instant.ts';
import type { Attention, PaymentRequest } from './payment-request.ts';
import type { PaymentRequestState } from './payment-request-state.ts';

/** The kinds of events that a write can make. */
export const changeKinds = ['registered', 'state_changed', 'cancel_refused', 'needs_attention'] as const;

/** One of {@link changeKinds}. */
export type ChangeKind = (typeof changeKinds)[number];

/**
 * An event that a write made, in the form that the record keeps until its next write. Together with the record it is all that is
 * published: what the history keeps does not matter.
 */
export interface Change {
  readonly kind: ChangeKind;
  /** The history entry that made it. */
  readonly eventId: EventId;
  readonly state: PaymentRequestState | undefined;
  readonly previousState: PaymentRequestState | undefined;
  readonly attention?: Attention | undefined;
  /** When Klarna says that it happened; absent where only we know of it. */
  readonly occurredAt: Instant | undefined;
  readonly recordedAt: Instant;
}

/**
 * The events of one write: one or more for each history entry that is new in it, oldest first. An entry that changes nothing
 * for consumers (a stale webhook, a claim) makes none.
 */
export function changesBetween(before: PaymentRequest | undefined, after: PaymentRequest): readonly Change[] {
  const known = new Set(before?.history.map(({ eventId }) => eventId));
  const changes: Change[] = [];
  let state = before?.state;
  for (const entry of after.history) {
    if (known.has(entry.eventId)) continue;
    const previousState = after.previousState;
    if (entry.kind === 'register' && entry.effect === 'accepted' && !before?.session) {
      changes.push(changeOf('registered', entry, { state, previousState }));
    }
    if (entry.effect === 'applied' && entry.state !== state) {
      const previous = entry.state === after.state ? (previousState ?? state) : state;
      changes.push(changeOf('state_changed', entry, { state: entry.state, previousState: previous }));
      state = entry.state;
    }
    if (entry.kind === 'cancel_request' && entry.effect === 'refused') {
      changes.push(changeOf('cancel_refused', entry, { state, previousState }));
    }
    if (entry.attention) {
      changes.push({
        ...changeOf('needs_attention', entry, { state, previousState }),
        attention: entry.attention,
      });
    }
  }
  return changes;
}

/** The event of this kind that an entry makes. */
export const changeOf = (
  kind: ChangeKind,
  { eventId, occurredAt, recordedAt }: Pick<HistoryEntry, 'eventId' | 'occurredAt' | 'recordedAt'>,
  { state, previousState }: Pick<Change, 'state' | 'previousState'>,
): Change => ({ kind, eventId, state, previousState, occurredAt, recordedAt });
