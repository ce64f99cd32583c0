import { formatInstant, formatMillis, type Instant } from './instant.ts';
import { type Observation, positionOf } from './observation.ts';
import type { Attention, CancellationCause, HistoryEntry, PaymentRequest } from './payment-request.ts';
import type { PaymentRequestState } from './payment-request-state.ts';

/** The detail type of an event on the bus. */
export type StateChangeEventType =
  | 'Payment Request Registered'
  | 'Payment Request State Changed'
  | 'Payment Request Cancel Refused'
  | 'Payment Request Needs Attention';

/** One event on the bus. Events come at least once: `event_key` identifies one, and `version` orders those of a request. */
export interface StateChangeEvent {
  readonly type: StateChangeEventType;
  readonly detail: {
    readonly event_key: string;
    readonly schema_version: 1;
    readonly account: string;
    readonly payment_request_id: string;
    readonly session_id: string | null;
    readonly reference: string | null;
    readonly state: PaymentRequestState | null;
    readonly previous_state: PaymentRequestState | null;
    /** Why we canceled it: `api` or `timeout`. Of `Needs Attention`: the attention. */
    readonly cause: CancellationCause | Attention | null;
    readonly reason: string | null;
    readonly occurred_at: string;
    readonly recorded_at: string;
    readonly version: number;
  };
}

/**
 * The events of one write: one or more for each history entry that is new in it, oldest first. An entry that changes nothing
 * for consumers (a stale webhook, a claim) makes none.
 */
export function eventsOf(
  before: PaymentRequest | undefined,
  after: PaymentRequest,
): readonly StateChangeEvent[] {
  const known = new Set(before?.history.map((entry) => entry.eventId));
  const events: StateChangeEvent[] = [];
  let state = before?.state;
  for (const entry of after.history) {
    if (known.has(entry.eventId)) continue;
    if (entry.kind === 'register' && entry.effect === 'accepted' && !before?.session) {
      events.push(
        eventOf('Payment Request Registered', after, entry, { state, previous: after.previousState }),
      );
    }
    if (entry.effect === 'applied' && entry.state !== state) {
      const previous = entry.state === after.state ? (after.previousState ?? state) : state;
      events.push(eventOf('Payment Request State Changed', after, entry, { state: entry.state, previous }));
      state = entry.state;
    }
    if (entry.kind === 'cancel_request' && entry.effect === 'refused') {
      events.push(
        eventOf('Payment Request Cancel Refused', after, entry, { state, previous: after.previousState }),
      );
    }
    if (entry.attention) {
      events.push(
        eventOf('Payment Request Needs Attention', after, entry, { state, previous: after.previousState }),
      );
    }
  }
  return events;
}

/**
 * The events of the entries recorded from `since` to `until`, both included, to publish them again. They show the record as it
 * is now. A state that another state has followed is left out, because every event carries the record's current version.
 */
export function eventsAgain(
  record: PaymentRequest,
  since: Instant,
  until: Instant,
): readonly StateChangeEvent[] {
  const registration = record.history.find(
    ({ kind, effect }) => kind === 'register' && effect === 'accepted',
  );
  const change = latestChange(record);
  const previous = record.previousState;
  return record.history
    .filter(({ recordedAt }) => recordedAt >= since && recordedAt <= until)
    .flatMap((entry) => {
      const types: StateChangeEventType[] = [];
      if (entry === registration) types.push('Payment Request Registered');
      if (entry === change) types.push('Payment Request State Changed');
      if (entry.kind === 'cancel_request' && entry.effect === 'refused') {
        types.push('Payment Request Cancel Refused');
      }
      if (entry.attention) types.push('Payment Request Needs Attention');
      return types.map((type) => eventOf(type, record, entry, { state: record.state, previous }));
    });
}

/**
 * The entry that gave the record its state. Facts take effect by position, not by arrival: of two functions that receive facts
 * at once, either may write first.
 */
function latestChange({ history }: PaymentRequest): HistoryEntry | undefined {
  let change: HistoryEntry | undefined;
  for (const entry of history.filter(tookEffect).toSorted(byPosition)) {
    if (entry.state !== change?.state) change = entry;
  }
  return change;
}

type AppliedEntry = HistoryEntry & Pick<Observation, 'state' | 'occurredAt'>;

const tookEffect = (entry: HistoryEntry): entry is AppliedEntry =>
  // Stryker disable next-line ConditionalExpression: an applied entry has a state and a time
  entry.effect === 'applied' && entry.state !== undefined && entry.occurredAt !== undefined;

// Stryker disable next-line EqualityOperator: no two entries have the same position
const byPosition = (a: AppliedEntry, b: AppliedEntry): number => (positionOf(a) < positionOf(b) ? -1 : 1);

function eventOf(
  type: StateChangeEventType,
  record: PaymentRequest,
  entry: HistoryEntry,
  {
    state,
    previous,
  }: {
    readonly state: PaymentRequestState | undefined;
    readonly previous: PaymentRequestState | undefined;
  },
): StateChangeEvent {
  const { cancellation } = record;
  const isOurs =
    type === 'Payment Request Cancel Refused' ||
    (state === 'CANCELED' && type !== 'Payment Request Registered');
  const ours = isOurs ? cancellation : undefined;
  return {
    type,
    detail: {
      event_key: [record.account, record.paymentRequestId, entry.eventId, slugs[type]].join('/'),
      schema_version: 1,
      account: record.account,
      payment_request_id: record.paymentRequestId,
      session_id: record.sessionId ?? null,
      reference: record.reference ?? null,
      state: state ?? null,
      previous_state: previous ?? null,
      cause: (type === 'Payment Request Needs Attention' ? entry.attention : ours?.cause) ?? null,
      reason: ours?.reason ?? null,
      occurred_at: entry.occurredAt ? formatInstant(entry.occurredAt) : formatMillis(entry.recordedAt),
      recorded_at: formatMillis(entry.recordedAt),
      version: record.version,
    },
  };
}

const slugs = {
  'Payment Request Registered': 'registered',
  'Payment Request State Changed': 'state-changed',
  'Payment Request Cancel Refused': 'cancel-refused',
  'Payment Request Needs Attention': 'needs-attention',
} as const satisfies Record<StateChangeEventType, string>;
