import type { CancelOutcome } from './cancel-outcome.ts';
import type { Account, CancelJobId, PaymentRequestId, Reference, SessionId } from './identifiers.ts';
import { type Instant, plusMillis } from './instant.ts';
import type { ListCursor } from './list-cursor.ts';
import type { PaymentRequestState } from './payment-request-state.ts';

/**
 * What a job cancels. A list, a session and a reference are fixed at the start. An age is searched page by page while the job runs. The
 * session or the reference is `undefined` once it is erased.
 */
export type CancelJobSelection =
  | { readonly by: 'payment_request_ids'; readonly total: number }
  | { readonly by: 'session_id'; readonly sessionId: SessionId | undefined; readonly total: number }
  | { readonly by: 'reference'; readonly reference: Reference | undefined; readonly total: number }
  /** Every open request of the account whose record was created before this moment. */
  | { readonly by: 'created_before'; readonly createdBefore: Instant };

/** `running`: pages are left. `done`: all are in the report. `stopped`: by a caller, for good. */
export type CancelJobStatus = 'running' | 'done' | 'stopped';

/** The key of a job: its name is the caller's own and unique within the account. */
export interface CancelJobKey {
  readonly account: Account;
  readonly jobId: CancelJobId;
}

/** A job that cancels many Payment Requests, and its progress. */
export interface CancelJob extends CancelJobKey {
  readonly selection: CancelJobSelection;
  /** Whether the job only reports what a cancel would do. */
  readonly dryRun: boolean;
  readonly reason?: string | undefined;
  readonly requestedBy: string;
  /** SHA-256 over the request: tells a repeated start from another job of the same id. */
  readonly requestSha256: string;
  readonly status: CancelJobStatus;
  /** How many requests the report holds. */
  readonly done: number;
  /** How many pages the report has, each of at most {@link cancelJobPage} requests. */
  readonly pages: number;
  /** The page under way, where it must not be selected again. */
  readonly chosen?: CancelJobChoice | undefined;
  /** Where the next page of a job by age begins in the account's list. */
  readonly position?: ListCursor | undefined;
  readonly outcomes: Readonly<Partial<Record<CancelOutcome, number>>>;
  /** How often the next page was tried and put off. */
  readonly attempts: number;
  /** When the sweep continues the job, or closes it after a stop; absent when nothing is left to do. */
  readonly dueAt?: Instant | undefined;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** The requests of one page, and where a job by age continues after them. */
export interface CancelJobChoice {
  readonly ids: readonly PaymentRequestId[];
  readonly position?: ListCursor | undefined;
  readonly isLast: boolean;
}

/** A line of the report. */
export interface CancelJobEntry {
  readonly paymentRequestId: PaymentRequestId;
  readonly outcome: CancelOutcome;
  readonly state?: PaymentRequestState | undefined;
}

/** Requests of one page: the job counts its progress after each page. */
export const cancelJobPage = 50;

/** How many requests one list may name. */
export const longestCancelList = 1_000;

/** Minutes until a page is tried again. After the last pause it is reported as it is, and so are the pages after it. */
const pauses = [1, 5, 15, 60] as const;

/** Who cancels, as each record stores it: the caller who started the job, and the job. */
export const requesterOf = ({ requestedBy, jobId }: CancelJob): string =>
  `${requestedBy}, cancel job ${jobId}`;

/**
 * Whether a page is tried again. No request of it succeeded, because Klarna is down or refuses our credentials. Or a fault of
 * ours left a request untried. A request that succeeded before is reported from its record.
 */
export const isToBeRepeated = ({ attempts }: CancelJob, entries: readonly CancelJobEntry[]): boolean =>
  attempts < pauses.length &&
  entries.length > 0 &&
  (isStuck(entries) || entries.some(({ outcome }) => outcome === 'untried'));

const isStuck = (entries: readonly CancelJobEntry[]): boolean =>
  entries.every(({ outcome }) => stuckOutcomes.includes(outcome));

const stuckOutcomes: readonly CancelOutcome[] = ['pending', 'klarna_denied', 'untried'];

/** The job with its next page fixed: canceled requests leave the list of open ones, and must not leave the report. */
export const withChoice = (job: CancelJob, chosen: CancelJobChoice, now: Instant): CancelJob =>
  changed({ ...job, chosen }, now);

/**
 * The job after a page, or after the part of it for which there was time. The rest comes first next time. After the last page
 * the job is done; a stopped job stays stopped.
 */
export function withPage(
  job: CancelJob,
  entries: readonly CancelJobEntry[],
  chosen: CancelJobChoice,
  now: Instant,
): CancelJob {
  const outcomes = { ...job.outcomes };
  for (const { outcome } of entries) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  const left = chosen.ids.slice(entries.length);
  const isLast = chosen.isLast && left.length === 0;
  return changed(
    {
      ...job,
      status: isLast && job.status === 'running' ? 'done' : job.status,
      done: job.done + entries.length,
      pages: job.pages + (entries.length > 0 ? 1 : 0),
      chosen: left.length > 0 ? { ...chosen, ids: left } : undefined,
      position: left.length > 0 ? job.position : chosen.position,
      outcomes,
      // The pauses run out once: pages after an unsuccessful one are reported at once, until a request succeeds.
      attempts: isStuck(entries) ? job.attempts : 0,
      dueAt: isLast ? undefined : now,
    },
    now,
  );
}

/** The job with its page put off. */
export const putOff = (job: CancelJob, now: Instant): CancelJob =>
  changed(
    {
      ...job,
      attempts: job.attempts + 1,
      dueAt: plusMillis(now, (pauses[job.attempts] ?? 60) * 60_000),
    },
    now,
  );

/**
 * The job stopped: it begins no other cancel, and cancels under way finish. The sweep continues it once more, because its last
 * page may be in the report without being counted.
 */
export const withStop = (job: CancelJob, now: Instant): CancelJob =>
  changed({ ...job, status: 'stopped', dueAt: now }, now);

const changed = (job: CancelJob, now: Instant): CancelJob => ({
  ...job,
  version: job.version + 1,
  updatedAt: now,
});
