import type { Attention } from './attention.ts';
import type { EventId } from './identifiers.ts';
import type { Instant } from './instant.ts';
import type { Proof } from './klarna-response.ts';
import type { EvidenceSource, Position } from './observation.ts';
import type { PaymentRequestState } from './payment-request-state.ts';

/** What an entry of the history is about: a fact from Klarna, or an action of a caller, an operator, the timer or the sweep. */
export type HistoryKind =
  | EvidenceSource
  | 'register'
  | 'extend'
  | 'klarna_expiry'
  | 'cancel_request'
  | 'confirmation'
  | 'timer'
  | 'sweep'
  | 'session'
  | 'resolve';

/**
 * What an entry changed.
 * - Facts: `applied` changed the state, `stale` is older than the record, `confirming` repeats it, `contradicting` cannot be
 *   true together with it.
 * - Actions: `accepted`, `refused`, `noted`.
 */
export type HistoryEffect =
  'applied' | 'stale' | 'confirming' | 'contradicting' | 'accepted' | 'refused' | 'noted';

/** One event in the life of a record, and what it changed. Holds ids, codes and times only. */
export interface HistoryEntry {
  readonly eventId: EventId;
  readonly kind: HistoryKind;
  readonly recordedAt: Instant;
  readonly effect: HistoryEffect;
  /** The state of an observation, and when it happened. */
  readonly state?: PaymentRequestState | undefined;
  readonly occurredAt?: Instant | undefined;
  /** The record's position when a stale, confirming or contradicting observation arrived. */
  readonly against?: Position | undefined;
  /** The attention that the record has had since this entry, where it had another or none before. */
  readonly attention?: Attention | undefined;
  /** Codes and ids: outcome, cause, reason, requested_by, deadline_at, correlation id, status, body hash, … */
  readonly detail: Proof;
}

/** Whether the entry says that a timer found its session over and only observed it. */
export const isWouldCancel = ({ kind, detail }: Pick<HistoryEntry, 'kind' | 'detail'>): boolean =>
  kind === 'timer' && detail['outcome'] === 'would_cancel';

/** Entries that are only counted. The moments are those of the first and the last of them. */
export interface DroppedEntries {
  readonly count: number;
  readonly first: Instant;
  readonly last: Instant;
}

/** What of an entry tells whether a caller was obeyed, and when. */
export type AcceptedOrNot = Pick<HistoryEntry, 'kind' | 'effect' | 'recordedAt'>;

/** When an entry of these kinds was last accepted, as far as the history still holds one. */
export const lastAcceptedAt = (
  { history }: { readonly history: readonly AcceptedOrNot[] },
  kinds: readonly HistoryEntry['kind'][],
): Instant | undefined =>
  history
    .filter(({ kind, effect }) => kinds.includes(kind) && effect === 'accepted')
    .map(({ recordedAt }) => recordedAt)
    .toSorted()
    .at(-1);
