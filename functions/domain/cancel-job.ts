import type { CancelOutcome } from './cancel-outcome.ts';
import type { Account, CancelJobId, PaymentRequestId, SessionId } from './identifiers.ts';
import { type Instant, plusMillis } from './instant.ts';
import type { ListCursor } from './list-cursor.ts';
import type { PaymentRequestState } from './payment-request-state.ts';

/** What a job is to cancel. A list and a session are fixed when the job starts; an age is looked through as the job goes on. */
export type CancelJobSelection =
  | { readonly by: 'payment_request_ids'; readonly total: number }
  | { readonly by: 'session_id'; readonly sessionId: SessionId; readonly total: number }
  /** Whatever the account has open that was first heard of before this moment. */
  | { readonly by: 'created_before'; readonly createdBefore: Instant };

export type CancelJobStatus = 'running' | 'done' | 'stopped';

export interface CancelJobKey {
  readonly account: Account;
  readonly jobId: CancelJobId;
}

/** The cancel of many Payment Requests, one by one, and how far it has come. */
export interface CancelJob extends CancelJobKey {
  readonly selection: CancelJobSelection;
  /** Says of each what a cancel would come to, and cancels nothing. */
  readonly dryRun: boolean;
  readonly reason?: string | undefined;
  readonly requestedBy: string;
  /** SHA-256 over what was asked for: a repeated start is told from another job of the same id by it. */
  readonly requestSha256: string;
  readonly status: CancelJobStatus;
  /** Requests that are in the report. */
  readonly done: number;
  /** Pages that the report has, each of at most {@link cancelJobPage} requests. */
  readonly pages: number;
  /** The page that is under way, where it must not be chosen anew. */
  readonly chosen?: CancelJobChoice | undefined;
  /** Of a job by age: where in the account's list the next page begins. */
  readonly position?: ListCursor | undefined;
  readonly outcomes: Readonly<Partial<Record<CancelOutcome, number>>>;
  /** How often the next page has been tried and is to be repeated. */
  readonly attempts: number;
  /** When the sweep is to go on with it, or to close it once it is stopped; not at all after that. */
  readonly dueAt?: Instant | undefined;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** The requests of one page, and where a job by age goes on after them. */
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

/** Requests that are canceled between one mark of how far the job has come and the next. */
export const cancelJobPage = 50;

/** Requests that one list may name. */
export const longestCancelList = 1_000;

/** Minutes until a page that is to be repeated is tried again; after the last it is reported as it is, and so are the next. */
const pauses = [1, 5, 15, 60] as const;

/** Who cancels, as each record keeps it: whoever started the job, and the job. */
export const requesterOf = ({ requestedBy, jobId }: CancelJob): string =>
  `${requestedBy}, cancel job ${jobId}`;

/**
 * Whether a page is worth trying again: none of it got through, as when Klarna is down or refuses our credentials, or a fault
 * of ours leaves open what became of a request. What got through the first time is answered from its record the next.
 */
export const isToBeRepeated = ({ attempts }: CancelJob, entries: readonly CancelJobEntry[]): boolean =>
  attempts < pauses.length &&
  entries.length > 0 &&
  (isStuck(entries) || entries.some(({ outcome }) => outcome === 'untried'));

const isStuck = (entries: readonly CancelJobEntry[]): boolean =>
  entries.every(({ outcome }) => stuckOutcomes.includes(outcome));

const stuckOutcomes: readonly CancelOutcome[] = ['pending', 'klarna_denied', 'untried'];

/** The job with its next page fixed: what is canceled leaves the list of what is open, and must not leave the report. */
export const withChoice = (job: CancelJob, chosen: CancelJobChoice, now: Instant): CancelJob =>
  changed({ ...job, chosen }, now);

/**
 * The job after a page, or after as much of it as there was time for: what is left of it comes first next time. With the last
 * one the job is done; one that was stopped stays so.
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
      // Patience runs out once: what comes after a page that was given up waits no more until something gets through.
      attempts: isStuck(entries) ? job.attempts : 0,
      dueAt: isLast ? undefined : now,
    },
    now,
  );
}

/** The job put off after a page that is to be repeated. */
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
 * The job stopped: what is canceled stays so, what is begun is finished, nothing more is begun. The sweep looks at it once more:
 * its last page may be in the report and not be counted.
 */
export const withStop = (job: CancelJob, now: Instant): CancelJob =>
  changed({ ...job, status: 'stopped', dueAt: now }, now);

const changed = (job: CancelJob, now: Instant): CancelJob => ({
  ...job,
  version: job.version + 1,
  updatedAt: now,
});
