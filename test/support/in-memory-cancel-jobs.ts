import type { CancelJobs, ErasableCancelJobs } from '../../functions/application/ports.ts';
import type { CancelJob, CancelJobEntry, CancelJobKey } from '../../functions/domain/cancel-job.ts';
import type { Account, PaymentRequestId } from '../../functions/domain/identifiers.ts';
import type { StoredJob } from '../../functions/domain/job-erasure.ts';
import type { Instant } from '../../functions/domain/instant.ts';

/** The map key of a job. */
export const jobNameOf = ({ account, jobId }: CancelJobKey): string => `${account} ${jobId}`;

const pageNameOf = (key: CancelJobKey, page: number): string => `${jobNameOf(key)} ${page}`;

/** The store of cancel jobs in memory. It passes the contract suite. */
export class InMemoryCancelJobs implements CancelJobs, ErasableCancelJobs {
  protected readonly jobs = new Map<string, CancelJob>();
  protected readonly names = new Map<
    string,
    { readonly digest: string; readonly ids: readonly PaymentRequestId[] }
  >();
  protected readonly pages = new Map<string, readonly CancelJobEntry[]>();

  read(key: CancelJobKey): Promise<CancelJob | undefined> {
    return Promise.resolve(this.jobs.get(jobNameOf(key)));
  }

  start(
    job: CancelJob,
    ids: readonly PaymentRequestId[] | undefined,
  ): Promise<CancelJob | 'started' | 'taken'> {
    const name = jobNameOf(job);
    const named = this.names.get(name);
    if (ids && named && named.digest !== job.requestSha256) return Promise.resolve('taken');
    if (ids && !named) this.names.set(name, { digest: job.requestSha256, ids });
    const existing = this.jobs.get(name);
    if (!existing) this.jobs.set(name, job);
    return Promise.resolve(existing ?? 'started');
  }

  save(current: CancelJob, next: CancelJob): Promise<boolean> {
    const isCurrent = this.jobs.get(jobNameOf(current))?.version === current.version;
    if (isCurrent) this.jobs.set(jobNameOf(next), next);
    return Promise.resolve(isCurrent);
  }

  idsOf(job: CancelJob): Promise<readonly PaymentRequestId[]> {
    return Promise.resolve(this.names.get(jobNameOf(job))?.ids ?? []);
  }

  writePage(job: CancelJob, page: number, entries: readonly CancelJobEntry[]): Promise<void> {
    this.pages.set(pageNameOf(job, page), entries);
    return Promise.resolve();
  }

  readPage(key: CancelJobKey, page: number): Promise<readonly CancelJobEntry[]> {
    return Promise.resolve(this.pageOf(key, page));
  }

  protected pageOf(key: CancelJobKey, page: number): readonly CancelJobEntry[] {
    return this.pages.get(pageNameOf(key, page)) ?? [];
  }

  async *due(now: Instant): AsyncIterable<CancelJobKey> {
    const due = [...this.jobs.values()].filter(({ dueAt }) => dueAt !== undefined && dueAt <= now);
    due.sort((a, b) => ((a.dueAt ?? '') < (b.dueAt ?? '') ? -1 : 1));
    for (const { account, jobId } of due) yield await Promise.resolve({ account, jobId });
  }

  ofAccount(account: Account, limit: number): Promise<readonly CancelJob[]> {
    const jobs = [...this.jobs.values()].filter((job) => job.account === account);
    return Promise.resolve(jobs.toSorted((a, b) => (a.createdAt > b.createdAt ? -1 : 1)).slice(0, limit));
  }

  async *allOf(account: Account): AsyncIterable<CancelJob> {
    for (const job of await this.ofAccount(account, Number.POSITIVE_INFINITY)) yield job;
  }

  eraseFrom({ job, names, pages }: StoredJob): Promise<void> {
    const name = jobNameOf(job);
    if (this.jobs.has(name)) this.jobs.set(name, job);
    const named = this.names.get(name);
    if (named) this.names.set(name, { ...named, ids: names });
    for (const [page, entries] of pages.entries()) {
      if (this.pages.has(pageNameOf(job, page))) this.pages.set(pageNameOf(job, page), entries);
    }
    return Promise.resolve();
  }
}
