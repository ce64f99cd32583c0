import type { HistoryEntry } from './history-entry.ts';
import { hasRecorded, withEntry } from './history.ts';
import { type EventId, ownEventId } from './identifiers.ts';
import { earlierOf, formatInstant, type Instant, plusMillis } from './instant.ts';
import type { Proof } from './klarna-response.ts';
import {
  type AuthorizationSource,
  type Cancellation,
  type Confirmation,
  isUnsettled,
  type PaymentRequest,
} from './payment-request.ts';
import { isOpen } from './payment-request-state.ts';
import type { SessionPart } from './session-status.ts';

/**
 * Milliseconds after COMPLETED in which the shop must authorize the payment. Klarna then invalidates the transaction
 * (https://docs.klarna.com, "Monitor the payment request state": the token is valid for 1 hour).
 */
export const confirmationLimit = 3_600_000;

/** Milliseconds after COMPLETED at which a payment that is not authorized needs a person, where the account does not say. */
export const defaultAlertAfter = 2_700_000;

/** Whether an account may have this time of the alert: the rest of the hour is for a person to act. */
export const isAlertAfter = (millis: number): boolean => millis >= 60_000 && millis <= 3_540_000;

/** The times that {@link isAlertAfter} allows, in words. */
export const alertAfterFormat = 'PT1M to PT59M: a payment lapses an hour after COMPLETED';

/**
 * Where a payment stands after COMPLETED.
 * - `awaiting`: the shop must authorize it. Without the watch it is not known whether the shop has.
 * - `authorized`: Klarna or the shop told so. `lapsed`: the account watches, and nothing told so in time.
 * - `not_needed`: the session asks for a customer token only.
 */
export type ConfirmationStatus = 'awaiting' | 'authorized' | 'lapsed' | 'not_needed';

/** A report that a payment is authorized. */
export interface AuthorizationReport {
  readonly eventId: EventId;
  readonly source: AuthorizationSource;
  /** When it happened. */
  readonly at: Instant;
  /** When we received the report; for one that waited for its record, when the record took it. */
  readonly reportedAt: Instant;
  /** Ids and codes of the webhook, or who called. */
  readonly proof: Proof;
}

/** What an account decides about payments that are not authorized. `undefined` where it does not watch them. */
export interface WatchPolicy {
  readonly watchAuthorization: boolean;
  readonly authorizationAlertAfter: number;
}

type Confirmable = Pick<PaymentRequest, 'state' | 'occurredAt' | 'completedAt' | 'purpose' | 'confirmation'>;

/** When the customer approved, as the earliest fact tells it; `undefined` where the state is not COMPLETED. */
const approvedAt = ({ state, occurredAt, completedAt }: Confirmable): Instant | undefined =>
  state === 'COMPLETED' ? (completedAt ?? occurredAt) : undefined;

/**
 * By when the shop must have authorized the payment; `undefined` where the state is not COMPLETED, or no authorization is needed. The
 * time is Klarna's: neither our clock nor the customer's moves it.
 */
export function confirmByOf(record: Confirmable): Instant | undefined {
  const from = record.purpose === 'token' ? undefined : approvedAt(record);
  return from && plusMillis(from, confirmationLimit);
}

/** Where the payment stands at this time; `undefined` where the customer has not approved and nothing is known. */
export function confirmationOf(record: Confirmable, now: Instant): ConfirmationStatus | undefined {
  const { authorizedAt, lapsedAt, alertAfter } = record.confirmation ?? {};
  if (authorizedAt !== undefined) return 'authorized';
  if (record.purpose === 'token') return 'not_needed';
  if (lapsedAt !== undefined) return 'lapsed';
  const by = confirmByOf(record);
  if (by === undefined) return undefined;
  // The sweep writes it down within a minute. Until then no caller is told that the session is paid.
  return alertAfter !== undefined && by <= now ? 'lapsed' : 'awaiting';
}

/** Whether the approved payment was not authorized in time, as far as this account lets us know. */
const isLapsed = (record: Confirmable, now: Instant): boolean =>
  record.state === 'COMPLETED' && confirmationOf(record, now) === 'lapsed';

/** What the status of a session depends on, of this record at this time. */
export const sessionPartOf = (record: Confirmable, now: Instant): SessionPart => ({
  state: record.state,
  isLapsed: isLapsed(record, now),
});

/** Whether Klarna or the shop told that the payment is authorized. */
export const isAuthorized = ({ confirmation }: Pick<PaymentRequest, 'confirmation'>): boolean =>
  confirmation?.authorizedAt !== undefined;

/**
 * From when the sweep looks at the authorization of this payment next; `undefined` where nothing is left to find out. First at the time of
 * the alert, then when the payment lapses.
 */
export function confirmationDueFrom(record: PaymentRequest): Instant | undefined {
  const { alertAfter, alertedAt, authorizedAt, lapsedAt } = record.confirmation ?? {};
  const from = record.purpose === 'token' ? undefined : approvedAt(record);
  if (from === undefined || alertAfter === undefined) return undefined;
  if (authorizedAt !== undefined || lapsedAt !== undefined) return undefined;
  return plusMillis(from, alertedAt === undefined ? alertAfter : confirmationLimit);
}

/**
 * The record as the account's settings watch it. A payment that lapsed or is authorized stays as it is. The same record where nothing
 * changes.
 */
export function withAuthorizationWatch(record: PaymentRequest, policy: Partial<WatchPolicy>): PaymentRequest {
  const { alertAfter, authorizedAt, lapsedAt } = record.confirmation ?? {};
  const mayChange = isOpen(record.state) || record.state === 'COMPLETED';
  if (!mayChange || authorizedAt !== undefined || lapsedAt !== undefined) return record;
  const wanted =
    policy.watchAuthorization === true ? (policy.authorizationAlertAfter ?? defaultAlertAfter) : undefined;
  if (wanted === alertAfter) return record;
  const { alertAfter: _, ...kept } = record.confirmation ?? {};
  const confirmation = { ...kept, ...(wanted !== undefined && { alertAfter: wanted }) };
  return { ...record, confirmation: Object.keys(confirmation).length > 0 ? confirmation : undefined };
}

/**
 * The record with a report that the payment is authorized. The first report counts, in whichever order it arrives with COMPLETED and with
 * the sweep's finding that the payment lapsed. `undefined` where the record has one already, or is a tombstone.
 *
 * A cancel that the sweep wants because the payment lapsed ends with it, unless its DELETE may be on its way.
 */
export function withAuthorization(
  record: PaymentRequest,
  report: AuthorizationReport,
): PaymentRequest | undefined {
  if (record.erasedAt !== undefined || isAuthorized(record)) return undefined;
  if (hasRecorded(record, report.eventId)) return undefined;
  // The watch canceled a request whose payment was authorized all the same.
  const isCanceled =
    record.state === 'CANCELED' &&
    record.cancellation?.cause === 'sweep' &&
    record.cancellation.outcome !== 'refused' &&
    record.attention !== 'contradiction' &&
    record.attention !== 'canceled_after_completed';
  const attention = isCanceled ? 'canceled_after_completed' : undefined;
  const kept = record.attention === 'not_authorized' ? undefined : record.attention;
  return {
    ...withEntry(record, { ...authorizedEntry(report), attention }),
    attention: attention ?? kept,
    cancellation: withoutWatchCancel(record),
    confirmation: { ...record.confirmation, ...authorizedFields(report) },
  };
}

/** The history entry of a report. */
export const authorizedEntry = ({
  eventId,
  source,
  at,
  reportedAt,
  proof,
}: AuthorizationReport): HistoryEntry => ({
  eventId,
  kind: 'confirmation',
  recordedAt: reportedAt,
  effect: 'accepted',
  occurredAt: at,
  detail: { outcome: 'authorized', source, ...proof },
});

/** What a report tells about the authorization. */
export const authorizedFields = ({ at, source }: AuthorizationReport): Confirmation => ({
  authorizedAt: at,
  authorizedBy: source,
});

/** The cancellation without one that the sweep wants and no attempt has begun. */
function withoutWatchCancel({ cancellation, ...record }: PaymentRequest): PaymentRequest['cancellation'] {
  if (cancellation?.cause !== 'sweep' || !isUnsettled({ ...record, cancellation })) return cancellation;
  const mayBeSent = cancellation.outcome === 'claimed' || cancellation.sentBefore;
  return mayBeSent ? cancellation : { ...cancellation, outcome: 'refused' };
}

const alertEventId = ownEventId('confirmation', 'not_authorized');
const lapseEventId = ownEventId('confirmation', 'lapsed');

/** The cancel of a payment that lapsed. An earlier DELETE stays known, and so does that it had no leave. */
function watchCancel(before: Cancellation | undefined, now: Instant): Cancellation {
  const sentBefore = before?.sentBefore ?? false;
  const sentWithoutLeave = sentBefore && (before?.allowCompleted === false || before?.sentWithoutLeave);
  return {
    outcome: 'pending',
    cause: 'sweep',
    reason: 'not_authorized',
    requestedBy: 'lapse:watch',
    requestedAt: now,
    allowCompleted: true,
    sentBefore,
    ...(sentWithoutLeave && { sentWithoutLeave }),
  };
}

/**
 * The record after the sweep looked at a payment that nothing told to be authorized: first the alert, then the lapse. `undefined` where it
 * is too early, or nothing is left to find out.
 *
 * @param cancels whether the account wants a lapsed payment canceled. It is canceled only where the alert came in time for a person to
 * act. A COMPLETED that came late may have an authorization that is late too.
 */
export function withoutAuthorization(
  record: PaymentRequest,
  cancels: boolean,
  now: Instant,
): PaymentRequest | undefined {
  const from = confirmationDueFrom(record);
  const by = confirmByOf(record);
  // Stryker disable next-line ConditionalExpression: only the compiler needs the second check
  if (from === undefined || by === undefined || from > now) return undefined;
  const { alertedAt } = record.confirmation ?? {};
  const attention = record.attention === undefined ? ('not_authorized' as const) : undefined;
  const entry = (eventId: EventId, outcome: string): HistoryEntry => ({
    eventId,
    kind: 'confirmation',
    recordedAt: now,
    effect: 'noted',
    state: record.state,
    attention: alertedAt === undefined ? attention : undefined,
    detail: { outcome, confirm_by: formatInstant(by) },
  });
  const confirmation = { ...record.confirmation, alertedAt: alertedAt ?? now };
  const known = { ...record, attention: record.attention ?? attention };
  if (by > now) return { ...withEntry(known, entry(alertEventId, 'not_authorized')), confirmation };
  const lapsed = {
    ...withEntry(known, entry(lapseEventId, 'lapsed')),
    confirmation: { ...confirmation, lapsedAt: now },
  };
  const wasWarned = alertedAt !== undefined && alertedAt < by;
  return cancels && wasWarned && !isUnsettled(record)
    ? { ...lapsed, cancellation: watchCancel(record.cancellation, now) }
    : lapsed;
}

/**
 * When the customer approved, after another fact that says COMPLETED: the earliest time that the facts tell. `undefined` where that is the
 * time of the fact that gives the state.
 *
 * @param stateSince the time of the fact that gives the state then
 */
export function completedAtAfter(
  record: PaymentRequest,
  told: Instant,
  stateSince: Instant | undefined,
): Instant | undefined {
  const earliest = earlierOf(approvedAt(record) ?? told, told);
  return earliest === stateSince ? undefined : earliest;
}
