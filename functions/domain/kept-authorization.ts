import { type AuthorizationReport, isAuthorized } from './confirmation.ts';
import type { Account, Reference } from './identifiers.ts';
import { type Instant, plusMillis } from './instant.ts';
import type { PaymentRequest } from './payment-request.ts';

/** The most reports that wait for one reference. A reference names one order, which has one payment or a few. */
export const mostKeptReports = 8;

/** Reports of authorizations that name the payment by the shop's reference, and wait for the record that they belong to. */
export interface KeptAuthorization {
  readonly account: Account;
  readonly reference: Reference;
  /** Those that wait, oldest first. A report that was linked is not in it. */
  readonly reports: readonly AuthorizationReport[];
  /** Attempts in a row that linked nothing. */
  readonly attempts: number;
  /** When the sweep tries next; absent where nothing waits, or after {@link mostLinkAttempts}. */
  readonly dueAt: Instant | undefined;
  /** Counts every write, from 1. */
  readonly version: number;
}

/** Minutes until the next attempt, by how many linked nothing: the webhooks of one payment come in any order, some hours late. */
const intervals = [1, 1, 2, 5, 15, 60] as const;

/** Attempts, the last ones an hour apart, after which a report is no longer tried: longer than Klarna repeats a webhook. */
export const mostLinkAttempts = 30;

/**
 * The record that a report belongs to: the one approved payment with this reference that nothing told to be authorized. `none`: there is none yet. `several`: the reference does not tell which. `known`: all of them are authorized.
 */
export function linkOf(
  records: readonly PaymentRequest[],
  reference: Reference,
): PaymentRequest | 'none' | 'several' | 'known' {
  const approved = records.filter(
    (record) => record.reference === reference && record.state === 'COMPLETED' && record.purpose !== 'token',
  );
  const [found, another] = approved.filter((record) => !isAuthorized(record));
  if (!found) return approved.length > 0 ? 'known' : 'none';
  return another ? 'several' : found;
}

/**
 * Attempts after which a report is dropped where the record has another one, such as the shop's own. Before that, an approval of another
 * attempt to pay may still be on its way.
 */
export const knownAttempts = 5;

/** The kept reports without one that is linked. */
export const withoutReport = (
  kept: KeptAuthorization,
  { eventId }: Pick<AuthorizationReport, 'eventId'>,
): KeptAuthorization => {
  const reports = kept.reports.filter((report) => report.eventId !== eventId);
  return { ...kept, reports, attempts: 0, ...(reports.length === 0 && { dueAt: undefined }) };
};

/** The kept reports after an attempt that linked nothing more. */
export function triedLater(kept: KeptAuthorization, now: Instant): KeptAuthorization {
  const attempts = kept.attempts + 1;
  const isOver = kept.reports.length === 0 || attempts >= mostLinkAttempts;
  const dueAt = isOver ? undefined : plusMillis(now, (intervals[kept.attempts] ?? 60) * 60_000);
  return { ...kept, attempts, dueAt };
}
