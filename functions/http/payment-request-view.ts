import { confirmByOf, confirmationOf } from '../domain/confirmation.ts';
import type { HistoryEntry } from '../domain/history-entry.ts';
import { formatInstant, type Instant, instantFromMillis, knownTime } from '../domain/instant.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { isFinal } from '../domain/payment-request-state.ts';
import { shownTimer } from '../domain/session-timer.ts';
import { traceIdOf } from '../domain/trace.ts';
import type { ObserveReason } from '../domain/payment-request.ts';
import { explanationOf } from './history-explanation.ts';

const time = (instant: Instant | undefined): string | null => (instant ? formatInstant(instant) : null);

/** The record as the API shows it. Every field is present, and `null` where there is no value. */
export const viewOf = (record: PaymentRequest) => ({
  account: record.account,
  payment_request_id: record.paymentRequestId,
  trace_id: traceIdOf(record.paymentRequestId),
  session_id: record.sessionId ?? null,
  reference: record.reference ?? null,
  recovered_from: record.recoveredFrom ?? null,
  state: record.state ?? null,
  previous_state: record.previousState ?? null,
  state_reason: record.stateReason ?? null,
  final: isFinal(record.state),
  occurred_at: time(knownTime(record.occurredAt)),
  evidence: record.evidence
    ? {
        source: record.evidence.source,
        event_id: record.evidence.eventId,
        observed_at: time(record.evidence.observedAt),
      }
    : null,
  deadline_at: time(record.deadlineAt),
  timer: shownTimer(record, instantFromMillis(Date.now())),
  on_timeout: record.session?.onTimeout ?? null,
  observed_by: observedBy(record),
  kind: record.session?.kind ?? null,
  would_cancel: record.wouldCancel
    ? { at: time(record.wouldCancel.at), reason: record.wouldCancel.reason }
    : null,
  extensions: record.session?.extensions ?? 0,
  cancellation: record.cancellation
    ? {
        outcome: record.cancellation.outcome,
        cause: record.cancellation.cause,
        reason: record.cancellation.reason ?? null,
        requested_by: record.cancellation.requestedBy,
        requested_at: time(record.cancellation.requestedAt),
      }
    : null,
  confirmation: confirmationOf(record, instantFromMillis(Date.now())) ?? null,
  confirm_by: time(confirmByOf(record)),
  authorized_at: time(record.confirmation?.authorizedAt),
  purpose: record.purpose ?? 'payment',
  klarna_expires_at: time(record.klarnaExpiresAt),
  attention: record.attention ?? null,
  version: record.version,
  created_at: time(record.createdAt),
  updated_at: time(record.updatedAt),
});

/** Why the session is only observed; `null` where it is canceled at its deadline. */
const observedBy = ({ session }: PaymentRequest): ObserveReason | null =>
  session?.onTimeout === 'observe' ? (session.observedBy ?? 'session') : null;

/** The history as the API shows it, oldest first. */
export const historyOf = (record: PaymentRequest) => ({
  account: record.account,
  payment_request_id: record.paymentRequestId,
  trace_id: traceIdOf(record.paymentRequestId),
  entries: record.history.map((entry) => entryOf(entry, record.history)),
  dropped: record.dropped?.count ?? 0,
  first_dropped_at: time(record.dropped?.first),
  last_dropped_at: time(record.dropped?.last),
});

const entryOf = (entry: HistoryEntry, history: readonly HistoryEntry[]) => ({
  event_id: entry.eventId,
  kind: entry.kind,
  recorded_at: formatInstant(entry.recordedAt),
  effect: entry.effect,
  explanation: explanationOf(entry, history),
  state: entry.state ?? null,
  occurred_at: time(knownTime(entry.occurredAt)),
  attention: entry.attention ?? null,
  evidence: entry.detail,
});
