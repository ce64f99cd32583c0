import { confirmationDueFrom } from './confirmation.ts';
import { type Instant, laterOf, plusMillis } from './instant.ts';
import {
  isKlarnaExpiryOpen,
  isUnsettled,
  klarnaLongestLifetime,
  type PaymentRequest,
} from './payment-request.ts';
import { isOpen } from './payment-request-state.ts';

/** Milliseconds that the sweep leaves to the timer or to the holder of a claim before it does their work. */
export const sweepMargin = 60_000;

/**
 * Attempts in a row, the last ones an hour apart. After them the sweep stops reading a request that should be over at Klarna.
 * A request that Klarna does not know then waits for its deadline or Klarna's end of it.
 */
export const mostAttempts = 24;

/**
 * What the sweep can have to do with a record.
 * - `resume`: a cancel whose end is not known.
 * - `expire`: the deadline of a session whose only timer is the sweep has passed.
 * - `end`: open past its deadline, so the timer was lost.
 * - `ask`: the webhooks leave a question that a read answers. Their times have whole seconds, so that is not a fault.
 * - `read`: Klarna did not know the request, or has ended it and no webhook told us.
 * - `arm`: the timer was not armed, or Klarna's expiry has not followed the deadline, or Klarna did not respond to the first call for one.
 * - `compare`: the other attempts of the session were not looked into, so the stream function's message was lost.
 * - `confirm`: the payment should be authorized by now, or has lapsed.
 * - `arm_default`: only Klarna has told of the request. The account's default timer may apply, and its watch of authorizations.
 */
export type WorkKind =
  'resume' | 'compare' | 'expire' | 'end' | 'ask' | 'read' | 'arm' | 'confirm' | 'arm_default';

/** Work of the sweep, and the moment from which it is due: `undefined` means since ever. */
export interface Work {
  readonly kind: WorkKind;
  readonly from: Instant | undefined;
}

/** All work that the record alone shows, the most important first. It does not look at earlier attempts. */
export function workOf(record: PaymentRequest): readonly Work[] {
  if (isUnsettled(record)) return [{ kind: 'resume', from: resumedFrom(record) }];
  const { state, deadlineAt, timer, question } = record;
  const asked: readonly Work[] = question ? [{ kind: 'ask', from: undefined }] : [];
  const compared: readonly Work[] = record.isToBeCompared
    ? [{ kind: 'compare', from: plusMillis(record.updatedAt, sweepMargin) }]
    : [];
  if (!isOpen(state)) return [...compared, ...asked, ...workAfterApproval(record)];
  const work: Work[] = [...compared];
  const hasTimer = deadlineAt !== undefined && timer !== 'fired';
  if (hasTimer) work.push(endOfSession(deadlineAt, timer));
  work.push(...asked);
  const isKnown = state !== undefined || record.session !== undefined;
  const mayBeRead = record.attempts < mostAttempts;
  // The session's own end reads Klarna in any case.
  if (isKnown && !hasTimer && mayBeRead) {
    work.push({ kind: 'read', from: plusMillis(klarnaEndOf(record), sweepMargin) });
  }
  if (timer === 'pending') work.push({ kind: 'arm', from: undefined });
  if (record.attention === 'not_found' && mayBeRead) work.push({ kind: 'read', from: undefined });
  if (isKlarnaExpiryOpen(record) && (hasTimer || mayBeRead)) work.push({ kind: 'arm', from: undefined });
  if (timer === 'undecided' && state !== undefined) {
    work.push({ kind: 'arm_default', from: undefined });
  }
  return work;
}

/** What is left to do for a payment that the customer approved. The sweep decides once whether the account watches it. */
function workAfterApproval(record: PaymentRequest): readonly Work[] {
  if (record.state !== 'COMPLETED') return [];
  const from = confirmationDueFrom(record);
  return [
    ...(from === undefined ? [] : [{ kind: 'confirm', from } as const]),
    ...(record.timer === 'undecided' ? [{ kind: 'arm_default', from: undefined } as const] : []),
  ];
}

/** A claim is left alone until its lease ends. The timer's own claim is due when the session is, so its due time stays. */
function resumedFrom({ cancellation, deadlineAt, timer }: PaymentRequest): Instant | undefined {
  // Stryker disable next-line OptionalChaining: an unsettled record has a cancellation
  const until = cancellation?.lease?.until;
  // Stryker disable next-line OptionalChaining: an unsettled record has a cancellation
  if (until === undefined || cancellation?.cause !== 'timeout' || deadlineAt === undefined) return until;
  const { from } = endOfSession(deadlineAt, timer);
  return laterOf(until, from ?? until);
}

const endOfSession = (deadlineAt: Instant, timer: PaymentRequest['timer']): Work =>
  timer === 'sweep'
    ? { kind: 'expire', from: deadlineAt }
    : { kind: 'end', from: plusMillis(deadlineAt, sweepMargin) };

/**
 * When the sweep reconciles the record next, from the record alone; `undefined` where nothing is left to do. Work that was due when the
 * record was written waits for `retryAt`. Called once for each new version.
 */
export function dueAtOf(record: PaymentRequest): Instant | undefined {
  const { updatedAt: now, retryAt = now } = record;
  let due: Instant | undefined;
  for (const { from = now } of workOf(record)) {
    const at = from > now ? from : laterOf(retryAt, now);
    // Stryker disable next-line EqualityOperator: two equal texts are the same
    if (due === undefined || at < due) due = at;
  }
  return due;
}

/**
 * When Klarna itself has ended the request at the latest: its expiry where we know it, else its longest lifetime. Later where
 * a call of ours may have moved the expiry and its response is not known.
 */
export function klarnaEndOf({ klarnaExpiresAt, createdAt, session }: PaymentRequest): Instant {
  const end = klarnaExpiresAt ?? plusMillis(createdAt, klarnaLongestLifetime);
  return laterOf(end, session?.klarnaExpiryMayBe ?? end);
}
