import type { AccountSettings } from '../domain/account-settings.ts';
import { ConfigurationError } from '../domain/configuration-error.ts';
import {
  type CancelJob,
  type CancelJobChoice,
  type CancelJobEntry,
  type CancelJobKey,
  cancelJobPage,
  isToBeRepeated,
  putOff,
  requesterOf,
  withChoice,
  withPage,
} from '../domain/cancel-job.ts';
import type { PaymentRequestId, PaymentRequestKey } from '../domain/identifiers.ts';
import { cursorBefore } from '../domain/list-cursor.ts';
import type { CancelOne } from './cancel-session.ts';
import { mapConcurrently } from './map-concurrently.ts';
import type { Pace } from './pace-calls.ts';
import type { Accounts, CancelJobs, Clock, PaymentRequestList } from './ports.ts';

/** What running jobs needs. */
export interface CancelJobDependencies {
  readonly jobs: CancelJobs;
  readonly list: PaymentRequestList;
  readonly accounts: Accounts;
  readonly clock: Clock;
  readonly cancel: CancelOne;
  readonly dryRun: CancelOne;
  /** The pace of the calls to Klarna. */
  readonly pace: Pick<Pace, 'turn'>;
  /** How many cancels all jobs together begin a second: their share of Klarna's rate limit. */
  readonly perSecond: number;
  /** Called with a request, or a page, that could not be tried because of our own fault. */
  readonly onFault: (key: CancelJobKey & Partial<PaymentRequestKey>, error: unknown) => void;
}

/**
 * Continues every due job, a page of each in turn. Begins no cancel after `until`, in milliseconds since 1970, except those that a later
 * one of the same page has overtaken. A page is written to the report before it is counted, so a crash repeats it. Requests that
 * it had canceled are still reported as canceled. A stopped job counts the page under way and begins no other.
 */
export const runCancelJobs =
  (dependencies: CancelJobDependencies) =>
  async (until: number): Promise<{ readonly pages: number }> => {
    const { jobs, clock } = dependencies;
    let pages = 0;
    const running: CancelJobKey[] = [];
    for await (const key of jobs.due(clock.instant())) running.push(key);
    // A page of each job in turn: a long one does not keep another waiting.
    for (let key = running.shift(); key && clock.now() < until; key = running.shift()) {
      let job = await jobs.read(key);
      if (job?.status === 'running') {
        pages += 1;
        job = await nextPage(dependencies, job, until);
        if (job?.status === 'running') running.push(key);
      }
      // A caller has stopped it before this run, or during its last page.
      job ??= await jobs.read(key);
      if (job?.status === 'stopped') await close(dependencies, job);
    }
    return { pages };
  };

/** The job after its next page; `undefined` where the page is put off, or another writer has changed the job. */
async function nextPage(
  dependencies: CancelJobDependencies,
  found: CancelJob,
  until: number,
): Promise<CancelJob | undefined> {
  const { jobs, clock, onFault } = dependencies;
  let job = found;
  try {
    const chosen = job.chosen ?? (await choose(dependencies, job));
    if (!job.chosen && job.selection.by === 'created_before') {
      const fixed = withChoice(job, chosen, clock.instant());
      if (!(await jobs.save(job, fixed))) return undefined;
      job = fixed;
    }
    const entries = await cancelAll(dependencies, job, chosen.ids, until);
    // It was not the account's turn: the next run goes on here.
    if (entries.length === 0 && chosen.ids.length > 0) return undefined;
    // Also a page that is put off: a job that is stopped before the next attempt ends with this page.
    if (entries.length > 0) await jobs.writePage(job, job.pages, entries);
    if (isToBeRepeated(job, entries)) {
      await jobs.save(job, putOff(job, clock.instant()));
      return undefined;
    }
    const next = withPage(job, entries, chosen, clock.instant());
    return (await jobs.save(job, next)) ? next : undefined;
  } catch (error) {
    onFault(job, error);
    await jobs.save(job, putOff(job, clock.instant())).catch((again: unknown) => onFault(job, again));
    return undefined;
  }
}

/** Counts the page that was under way when the job was stopped, if there is one. Then nothing is left to do. */
async function close({ jobs, clock, onFault }: CancelJobDependencies, job: CancelJob): Promise<void> {
  try {
    const entries = await jobs.readPage(job, job.pages);
    await jobs.save(job, withPage(job, entries, { ids: [], isLast: true }, clock.instant()));
  } catch (error) {
    onFault(job, error);
  }
}

/** The requests of the next page. */
async function choose({ jobs, list }: CancelJobDependencies, job: CancelJob): Promise<CancelJobChoice> {
  const { selection, account, done } = job;
  if (selection.by !== 'created_before') {
    const ids = await jobs.idsOf(job);
    const end = done + cancelJobPage;
    return { ids: ids.slice(done, end), isLast: end >= ids.length };
  }
  const listed = await list.listed(
    { by: 'open', account },
    job.position ?? cursorBefore(selection.createdBefore),
    cancelJobPage + 1,
  );
  const page = listed.slice(0, cancelJobPage);
  return {
    ids: page.map(({ paymentRequestId }) => paymentRequestId),
    position: page.at(-1)?.position ?? job.position,
    isLast: listed.length <= cancelJobPage,
  };
}

/** Cancels as many of these as there is time for, no faster than the rate. Returns their outcomes in the same order. */
async function cancelAll(
  dependencies: CancelJobDependencies,
  job: CancelJob,
  ids: readonly PaymentRequestId[],
  until: number,
): Promise<readonly CancelJobEntry[]> {
  const { accounts, clock, pace, perSecond } = dependencies;
  const settings = await accounts.find(job.account);
  if (!settings) throw new ConfigurationError(`The secret accounts has no account ${job.account}.`);
  const begin = clock.now();
  // The turns come one after the other, and none after one that did not come: the report has no gaps.
  let turns = Promise.resolve(true);
  const turnOf = (index: number): Promise<boolean> => {
    turns = turns.then(async (cameBefore) => {
      const early = begin + (index * 1_000) / perSecond - clock.now();
      if (cameBefore && early > 0 && clock.now() < until) await clock.wait(early);
      return cameBefore && clock.now() < until && pace.turn(settings, 'job', until);
    });
    return turns;
  };
  // Enough at once to keep the rate while Klarna takes two seconds for one cancel, within bounds.
  const atOnce = Math.min(64, 2 * perSecond);
  const entries = await mapConcurrently(ids, atOnce, async (paymentRequestId, index) =>
    (await turnOf(index)) ? cancelOne(dependencies, job, paymentRequestId, settings) : undefined,
  );
  return entries.filter((entry) => entry !== undefined);
}

async function cancelOne(
  { cancel, dryRun, onFault }: CancelJobDependencies,
  job: CancelJob,
  paymentRequestId: PaymentRequestId,
  settings: AccountSettings,
): Promise<CancelJobEntry> {
  const key = { account: job.account, paymentRequestId };
  const requestedBy = requesterOf(job);
  // The caller of a job has not checked each request: paid ones are spared, whatever the account allows.
  const command = { cause: 'job', reason: job.reason, requestedBy, allowCompleted: false } as const;
  try {
    const { outcome, record } = await (job.dryRun ? dryRun : cancel)(key, command, settings);
    // A page that is repeated after a crash finds requests that it has canceled itself.
    const { cancellation } = record ?? {};
    const isOurs = cancellation?.outcome === 'canceled' && cancellation.requestedBy === requestedBy;
    return { paymentRequestId, outcome: isOurs ? 'canceled' : outcome, state: record?.state };
  } catch (error) {
    onFault({ ...key, jobId: job.jobId }, error);
    return { paymentRequestId, outcome: 'untried' };
  }
}
