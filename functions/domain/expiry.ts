import { type EventId, ownEventId } from './identifiers.ts';
import { formatInstant, type Instant } from './instant.ts';
import {
  asNextVersion,
  hasRecorded,
  type HistoryEntry,
  isUnsettled,
  type PaymentRequest,
  withEntry,
} from './payment-request.ts';
import { isOpen } from './payment-request-state.ts';
import { dueAfterEnd, dueAtKlarnaEnd } from './reconciliation.ts';

/**
 * What a timer that went off means for a record. The message is a hint, the record the authority.
 * - `nothing`: no such session. `spare`: paid or ended. `not-yet`: before the record's own deadline.
 * - `observe`: only to be written down. `end`: the session is over and the request is open.
 */
export type TimeoutDecision = 'nothing' | 'spare' | 'not_yet' | 'observe' | 'end';

export function decideTimeout(record: PaymentRequest, now: Instant): TimeoutDecision {
  if (!record.session || record.deadlineAt === undefined) return 'nothing';
  if (!isOpen(record.state)) return 'spare';
  if (now < record.deadlineAt) return 'not_yet';
  return record.session.onTimeout === 'observe' ? 'observe' : 'end';
}

/**
 * The record after a timer that ended nothing: why, once per deadline however often it fires. The sweep need not look any
 * more, unless a cancel is still to be settled; an observed session it looks at when Klarna has ended it, at once if it has, since
 * the webhook that says how may have been lost.
 */
export function withSparedTimer(
  record: PaymentRequest,
  decision: 'spare' | 'observe',
  now: Instant,
): PaymentRequest | undefined {
  const { deadlineAt } = record;
  if (deadlineAt === undefined) return undefined;
  const eventId = timerEventId(deadlineAt);
  if (hasRecorded(record, eventId)) return undefined;
  const detail: Readonly<Record<string, string>> = {
    deadline_at: formatInstant(deadlineAt),
    outcome: decision === 'observe' ? 'would_cancel' : 'spared',
  };
  const entry: HistoryEntry = {
    eventId,
    kind: 'timer',
    recordedAt: now,
    effect: 'noted',
    state: record.state,
    detail,
  };
  const reconcileAfter = isUnsettled(record)
    ? record.reconcileAfter
    : (dueAtKlarnaEnd(record, now) ?? (decision === 'observe' ? now : dueAfterEnd(record)));
  return asNextVersion({ ...withEntry(record, entry), timer: 'fired', reconcileAfter, attempts: 0 }, now);
}

/**
 * The record after a timer that went off before the record's own deadline, once per deadline: a message of an earlier deadline, or
 * a clock that runs ahead. Nothing else changes.
 */
export function withEarlyTimer(record: PaymentRequest, now: Instant): PaymentRequest | undefined {
  const { deadlineAt } = record;
  // Stryker disable next-line ConditionalExpression: only the compiler needs the second check
  if (decideTimeout(record, now) !== 'not_yet' || deadlineAt === undefined) return undefined;
  const entry: HistoryEntry = {
    eventId: ownEventId('timer', `early:${deadlineAt}`),
    kind: 'timer',
    recordedAt: now,
    effect: 'noted',
    state: record.state,
    detail: { deadline_at: formatInstant(deadlineAt), outcome: 'not_yet' },
  };
  return hasRecorded(record, entry.eventId) ? undefined : asNextVersion(withEntry(record, entry), now);
}

const timerEventId = (deadlineAt: Instant): EventId => ownEventId('timer', deadlineAt);

/** Milliseconds of grace to give, if the session has any left: a customer who is paying gets it once. */
export const graceLeft = (
  record: PaymentRequest | undefined,
  accountGrace: number | undefined,
): number | undefined =>
  record?.session && record.session.graceGivenAt === undefined
    ? (record.session.inProgressGrace ?? accountGrace)
    : undefined;
