import { type Instant, millisOf, plusMillis } from './instant.ts';
import { asNextVersion, isUnsettled, type PaymentRequest } from './payment-request.ts';
import { isOpen } from './payment-request-state.ts';

/** Milliseconds that the sweep leaves to whoever does the work in the ordinary course: the timer, or the holder of a claim. */
export const sweepMargin = 60_000;

/** Klarna's own longest lifetime of a Payment Request, 48 hours (https://docs.klarna.com, interaction_expiry). */
export const klarnaLongestLifetime = 48 * 3_600_000;

/** Minutes until the next look, by how many have settled nothing so far: the first is the next sweep's. */
const lookIntervals = [0, 1, 5, 15, 60] as const;

/** When to look again at what could not be settled now. */
export const nextLook = (
  record: PaymentRequest,
  now: Instant,
): Pick<PaymentRequest, 'looks' | 'reconcileAfter'> => ({
  looks: record.looks + 1,
  reconcileAfter: plusMillis(now, (lookIntervals[record.looks] ?? 60) * 60_000),
});

/** When a request that has ended is due again: not at all, unless a contradiction waits for a look. */
export const dueAfterEnd = ({ attention, reconcileAfter }: PaymentRequest): Instant | undefined =>
  attention === 'contradiction' ? reconcileAfter : undefined;

/** When Klarna itself has ended the request, whatever it says: its expiry where we know it, else its longest lifetime. */
export const klarnaEndOf = (record: PaymentRequest): Instant =>
  record.klarnaExpiresAt ?? plusMillis(record.createdAt, klarnaLongestLifetime);

/**
 * What the sweep does with a due record.
 * - `nothing`: not due any more, or somebody is at it. `forget`: nothing is needed any more.
 * - `resume`: a cancel whose end is not known. `end`: open past its deadline, so the timer was lost.
 * - `arm`: the timer was never armed, or nobody knows. `arm-default`: a request that only Klarna's webhook told us of.
 * - `look`: Klarna is to be asked for the state.
 */
export type ReconcileAction = 'nothing' | 'forget' | 'resume' | 'end' | 'arm' | 'arm-default' | 'look';

/** The sweep's decision, from the record alone. */
export function decideReconciliation(record: PaymentRequest, now: Instant): ReconcileAction {
  if (record.reconcileAfter === undefined || record.reconcileAfter > now) return 'nothing';
  const { cancellation } = record;
  if (cancellation?.lease && cancellation.lease.until > now) return 'nothing';
  if (isUnsettled(record)) return 'resume';
  if (!isOpen(record.state)) return 'forget';
  const lost = cancellation?.outcome === 'not_found';
  if (record.deadlineAt === undefined) {
    if (lost) return 'look';
    return record.state === undefined ? 'forget' : 'arm-default';
  }
  if (record.deadlineAt > now) return lost && record.timer === 'armed' ? 'look' : 'arm';
  // A timer that has fired and left it open: the session is observed, and Klarna ends it without us.
  return record.timer === 'fired' ? 'look' : 'end';
}

/** The record with nothing left to do. */
export const forgotten = (record: PaymentRequest, now: Instant): PaymentRequest =>
  asNextVersion({ ...record, reconcileAfter: undefined, looks: 0 }, now);

/** Milliseconds since the deadline; negative before it. */
export const lateness = (record: PaymentRequest, now: Instant): number =>
  record.deadlineAt ? millisOf(now) - millisOf(record.deadlineAt) : 0;
