import type { Attention } from './attention.ts';
import type { HistoryEntry } from './history-entry.ts';
import type { EventId } from './identifiers.ts';
import type { Instant } from './instant.ts';
import type { PaymentRequestState } from './payment-request-state.ts';

/** The kinds of events that a write can make. */
export const changeKinds = [
  'registered',
  'state_changed',
  'cancel_refused',
  'needs_attention',
  'attention_resolved',
  'paid_twice',
  'would_cancel',
  'authorized',
  'not_authorized',
] as const;

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
  /** Klarna's reason for the state. */
  readonly stateReason?: string | undefined;
  readonly attention?: Attention | undefined;
  /** Who took the attention off, and why. */
  readonly resolution?: { readonly by: string | undefined; readonly note: string | undefined } | undefined;
  /** When Klarna says that it happened; absent where only we know of it. */
  readonly occurredAt: Instant | undefined;
  readonly recordedAt: Instant;
}

/** The event of this kind that an entry makes. */
export const changeOf = (
  kind: ChangeKind,
  { eventId, occurredAt, recordedAt }: Pick<HistoryEntry, 'eventId' | 'occurredAt' | 'recordedAt'>,
  { state, previousState, stateReason }: Pick<Change, 'state' | 'previousState' | 'stateReason'>,
): Change => ({ kind, eventId, state, previousState, stateReason, occurredAt, recordedAt });

/** The event of an entry that takes an attention off. */
export const resolvedChange = (
  entry: HistoryEntry,
  states: Pick<Change, 'state' | 'previousState' | 'stateReason'>,
): Change => {
  const { attention, requested_by: by, note } = entry.detail;
  return {
    ...changeOf('attention_resolved', entry, states),
    attention: attention as Attention | undefined,
    resolution: { by, note },
  };
};
