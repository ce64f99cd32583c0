import { millisOf } from './instant.ts';
import type { PaymentRequest } from './payment-request.ts';
import { isOpen } from './payment-request-state.ts';

/** What one record tells about how long its customer took. Durations are in milliseconds from the registration of the session. */
export type TimeoutSample =
  /** The customer approved after this time. `isLate`: after the deadline, in observation, within the grace or by a race. */
  | { readonly kind: 'approved'; readonly after: number; readonly isLate: boolean }
  /** Lapse ended the session at its deadline, so it is not known whether the customer would have approved later. */
  | { readonly kind: 'cut_off'; readonly after: number }
  /** The customer approved, and the record no longer tells when. */
  | { readonly kind: 'approved_at_unknown_time' }
  /** The session ended in another way, or is still open. */
  | { readonly kind: 'other' };

/** The sample of a record; `undefined` for one without a session, which has no moment to count from. */
export function timeoutSampleOf(record: PaymentRequest): TimeoutSample | undefined {
  const { session, deadlineAt, cancellation, state } = record;
  if (!session) return undefined;
  const approvedAt = approvalOf(record);
  const startedAt = millisOf(session.registeredAt);
  if (approvedAt !== undefined) {
    // The first registration can come after the approval: the customer took no time of the session.
    const after = Math.max(0, millisOf(approvedAt) - startedAt);
    return { kind: 'approved', after, isLate: deadlineAt !== undefined && approvedAt > deadlineAt };
  }
  if (state === 'COMPLETED' || record.previousState === 'COMPLETED')
    return { kind: 'approved_at_unknown_time' };
  const isOurs = cancellation?.cause === 'timeout' && cancellation.outcome === 'canceled';
  if (isOurs && deadlineAt !== undefined && !isOpen(state)) {
    return { kind: 'cut_off', after: Math.max(0, millisOf(deadlineAt) - startedAt) };
  }
  return { kind: 'other' };
}

/** When the customer approved: by the state, or by the entry of the history for a request that has ended since. */
const approvalOf = ({ state, occurredAt, history }: PaymentRequest) =>
  state === 'COMPLETED'
    ? occurredAt
    : history.find((entry) => entry.state === 'COMPLETED' && entry.effect === 'applied')?.occurredAt;

/** Of a timeout: how many of the customers who approved took longer, and how many sessions tell nothing about it. */
export interface TimeoutCut {
  /** The timeout in milliseconds. */
  readonly timeout: number;
  /** Customers who approved later than that. */
  readonly cutOff: number;
  /** Their part of all who approved, from 0 to 1; `undefined` where no customer is known to have approved. */
  readonly share: number | undefined;
  /** Sessions that Lapse ended earlier than that. Some of their customers might have approved in time. */
  readonly unknown: number;
}

/** How long customers took to approve, and what each timeout would have cut off. Durations are in milliseconds. */
export interface TimeoutInsight {
  readonly sessions: number;
  readonly approved: number;
  readonly approvedLate: number;
  readonly approvedAtUnknownTime: number;
  readonly cutOff: number;
  /** The time within which this part of those who approved did so; empty where there are none. */
  readonly percentiles: Readonly<Record<number, number>>;
  readonly longest: number | undefined;
  readonly timeouts: readonly TimeoutCut[];
}

/** The percentiles of an insight. */
export const insightPercentiles = [50, 75, 90, 95, 99] as const;

/**
 * The insight of the samples of an account.
 *
 * @param timeouts the timeouts to compare, in milliseconds.
 */
export function timeoutInsight(
  samples: readonly TimeoutSample[],
  timeouts: readonly number[],
): TimeoutInsight {
  const approved = samples.filter((sample) => sample.kind === 'approved');
  const took = approved.map(({ after }) => after).toSorted((a, b) => a - b);
  const cuts = samples.filter((sample) => sample.kind === 'cut_off').map(({ after }) => after);
  return {
    sessions: samples.length,
    approved: took.length,
    approvedLate: approved.filter(({ isLate }) => isLate).length,
    approvedAtUnknownTime: samples.filter(({ kind }) => kind === 'approved_at_unknown_time').length,
    cutOff: cuts.length,
    percentiles: Object.fromEntries(
      insightPercentiles.flatMap((percent) => {
        const value = took[Math.ceil((took.length * percent) / 100) - 1];
        return value === undefined ? [] : [[percent, value]];
      }),
    ),
    longest: took.at(-1),
    timeouts: timeouts.map((timeout) => {
      const cutOff = took.filter((after) => after > timeout).length;
      return {
        timeout,
        cutOff,
        share: took.length === 0 ? undefined : cutOff / took.length,
        unknown: cuts.filter((after) => after < timeout).length,
      };
    }),
  };
}
