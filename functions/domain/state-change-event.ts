import { formatInstant, formatMillis, type Instant } from './instant.ts';
import { type Observation, positionOf } from './observation.ts';
import type { Attention, CancellationCause, HistoryEntry, PaymentRequest } from './payment-request.ts';
import type { PaymentRequestState } from './payment-request-state.ts';

export type StateChangeEventType =
  | 'Payment Request Registered'
  | 'Payment Request State Changed'
  | 'Payment Request Cancel Refused'
  | 'Payment Request Needs Attention';

/** One event for the rest of the shop. At least once: `event_key` and `version` let a consumer dedupe and order. */
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
    /** Why it ended, where it was our doing: `api` or `timeout`. Of `Needs Attention`: what to look at. */
    readonly cause: CancellationCause | Attention | null;
    readonly reason: string | null;
    readonly occurred_at: string;
    readonly recorded_at: string;
    readonly version: number;
  };
}

/**
 * The events of one write: what the new image's history has and the old one's has not, oldest first. A fact that changed
 * nothing that others can see (a stale webhook, a claim) makes none.
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
      events.push(eventOf('Payment Request Registered', after, entry, state, after.previousState));
    }
    if (entry.effect === 'applied' && entry.state !== state) {
      const previous = entry.state === after.state ? (after.previousState ?? state) : state;
      events.push(eventOf('Payment Request State Changed', after, entry, entry.state, previous));
      state = entry.state;
    }
    if (entry.kind === 'cancel_request' && entry.effect === 'refused') {
      events.push(eventOf('Payment Request Cancel Refused', after, entry, state, after.previousState));
    }
    if (entry.attention) {
      events.push(eventOf('Payment Request Needs Attention', after, entry, state, after.previousState));
    }
  }
  return events;
}

/**
 * The events of what was learnt from `since` to `until`, both included, for publishing them once more. They say what is so
 * now: a state that another has followed is left out, since all of them carry the record's version of now, by which a consumer
 * puts them in order.
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
      return types.map((type) => eventOf(type, record, entry, record.state, previous));
    });
}

/**
 * The entry by which the record came into its state. What took effect did so in the order of positions, and not in that in which we
 * heard of it: of two who hear at once, either may be the first to write.
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
  state: PaymentRequestState | undefined,
  previous: PaymentRequestState | undefined,
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
