import type { CancelJob, CancelJobEntry, CancelJobKey } from '../../functions/domain/cancel-job.ts';
import type { PaymentRequestId } from '../../functions/domain/identifiers.ts';
import type { Instant } from '../../functions/domain/instant.ts';
import { InMemoryCancelJobs, jobNameOf } from '../support/in-memory-cancel-jobs.ts';

/** A job with its list and its report. */
export interface JobFile {
  readonly job: CancelJob;
  /** The requests that it is to cancel, if it names them. */
  readonly ids: readonly PaymentRequestId[] | undefined;
  /** The pages of its report that it counts. */
  readonly report: readonly CancelJobEntry[];
}

/** The jobs of a history, and their files for the judge. */
export class SimulatedJobs extends InMemoryCancelJobs {
  get files(): readonly JobFile[] {
    return [...this.jobs.values()].map((job) => this.#fileOf(job));
  }

  fileOf(key: CancelJobKey): JobFile | undefined {
    const job = this.jobs.get(jobNameOf(key));
    return job && this.#fileOf(job);
  }

  #fileOf(job: CancelJob): JobFile {
    const ids = job.selection.by === 'created_before' ? undefined : this.names.get(jobNameOf(job))?.ids;
    const pages = Array.from({ length: job.pages }, (_, page) => this.pageOf(job, page));
    return { job, ids, report: pages.flat() };
  }

  /** Keys of the jobs that are due by `now`, the longest overdue first. */
  dueKeys(now: Instant): readonly CancelJobKey[] {
    return [...this.jobs.values()]
      .filter(({ dueAt }) => dueAt !== undefined && dueAt <= now)
      .sort((a, b) => ((a.dueAt ?? '') < (b.dueAt ?? '') ? -1 : 1))
      .map(({ account, jobId }) => ({ account, jobId }));
  }

  /** The time when the first job is due, if any is. */
  firstDue(): Instant | undefined {
    let first: Instant | undefined;
    for (const { dueAt } of this.jobs.values()) {
      if (dueAt !== undefined && (first === undefined || dueAt < first)) first = dueAt;
    }
    return first;
  }
}
