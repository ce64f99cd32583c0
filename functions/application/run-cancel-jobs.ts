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
import type { CancelCommand } from '../domain/cancellation.ts';
import type { PaymentRequestId, PaymentRequestKey } from '../domain/identifiers.ts';
import { type Instant, instantFromMillis } from '../domain/instant.ts';
import type { ListCursor } from '../domain/list-cursor.ts';
import { isOpen, paymentRequestStates } from '../domain/payment-request-state.ts';
import type { CancelResult } from './cancel-payment-request.ts';
import { mapConcurrently } from './map-concurrently.ts';
import type { Accounts, AccountSettings, CancelJobs, Clock, PaymentRequestList } from './ports.ts';

type CancelOne = (
  key: PaymentRequestKey,
  command: CancelCommand,
  settings: AccountSettings,
) => Promise<CancelResult>;

export interface CancelJobDependencies {
  readonly jobs: CancelJobs;
  readonly list: PaymentRequestList;
  readonly accounts: Accounts;
  readonly clock: Clock;
  readonly cancel: CancelOne;
  readonly dryRun: CancelOne;
  /** Cancels begun a second, over all jobs: what they may take of Klarna's rate limit. */
  readonly perSecond: number;
  /** Told of a request, or a whole page, that could not be tried for a fault of ours. */
  readonly onFault: (key: CancelJobKey & Partial<PaymentRequestKey>, error: unknown) => void;
}

/**
 * Goes on with every job that is due, page by page, and begins no cancel after `until`, in milliseconds since 1970, but what a
 * later one of its page has overtaken. A page is reported first and then counted, so a crash repeats it; what it had canceled is
 * still reported as canceled. Of a job that was stopped the page that was under way is counted, and no other is begun.
 */
export const runCancelJobs =
  (dependencies: CancelJobDependencies) =>
  async (until: number): Promise<{ readonly pages: number }> => {
    const { jobs, clock } = dependencies;
    let pages = 0;
    for await (const key of jobs.due(nowOf(dependencies))) {
      let job = await jobs.read(key);
      while (job?.status === 'running' && clock.now() < until) {
        pages += 1;
        job = await nextPage(dependencies, job, until);
      }
      // Before this run, or in the middle of its last page.
      job ??= await jobs.read(key);
      if (job?.status === 'stopped') await close(dependencies, job);
      if (clock.now() >= until) break;
    }
    return { pages };
  };

/** The job after its next page; `undefined` when it is to rest, or somebody else has changed it. */
async function nextPage(
  dependencies: CancelJobDependencies,
  found: CancelJob,
  until: number,
): Promise<CancelJob | undefined> {
  const { jobs, onFault } = dependencies;
  let job = found;
  try {
    const chosen = job.chosen ?? (await choose(dependencies, job));
    if (!job.chosen && job.selection.by === 'created_before') {
      const fixed = withChoice(job, chosen, nowOf(dependencies));
      if (!(await jobs.save(job, fixed))) return undefined;
      job = fixed;
    }
    const entries = await cancelAll(dependencies, job, chosen.ids, until);
    // Also what is to be repeated: a job that is stopped before it is ends with it.
    if (entries.length > 0) await jobs.writePage(job, job.pages, entries);
    if (isToBeRepeated(job, entries)) {
      await jobs.save(job, putOff(job, nowOf(dependencies)));
      return undefined;
    }
    const next = withPage(job, entries, chosen, nowOf(dependencies));
    return (await jobs.save(job, next)) ? next : undefined;
  } catch (error) {
    onFault(job, error);
    await jobs.save(job, putOff(job, nowOf(dependencies))).catch((again: unknown) => onFault(job, again));
    return undefined;
  }
}

/** Counts the page that was under way when the job was stopped, if there is one; there is nothing to go on with after it. */
async function close(dependencies: CancelJobDependencies, job: CancelJob): Promise<void> {
  const { jobs, onFault } = dependencies;
  try {
    const entries = await jobs.readPage(job, job.pages);
    await jobs.save(job, withPage(job, entries, { ids: [], isLast: true }, nowOf(dependencies)));
  } catch (error) {
    onFault(job, error);
  }
}

/** What the next page is to cancel. */
async function choose({ jobs, list }: CancelJobDependencies, job: CancelJob): Promise<CancelJobChoice> {
  const { selection, account, done } = job;
  if (selection.by !== 'created_before') {
    const ids = await jobs.idsOf(job);
    const end = done + cancelJobPage;
    return { ids: ids.slice(done, end), isLast: end >= ids.length };
  }
  const listed = await list.listed(
    account,
    openStates,
    job.position ?? firstBefore(selection.createdBefore),
    cancelJobPage + 1,
  );
  const page = listed.slice(0, cancelJobPage);
  return {
    ids: page.map(({ paymentRequestId }) => paymentRequestId),
    position: page.at(-1)?.position ?? job.position,
    isLast: listed.length <= cancelJobPage,
  };
}

const openStates = [undefined, ...paymentRequestStates].filter(isOpen);

/** Before everything that was created at the moment itself: a position begins with the time. */
const firstBefore = (createdBefore: Instant): ListCursor => `${createdBefore}#` as ListCursor;

/** Cancels as many of these as there is time for, no faster than the rate, and says of each what came of it, in their order. */
async function cancelAll(
  dependencies: CancelJobDependencies,
  job: CancelJob,
  ids: readonly PaymentRequestId[],
  until: number,
): Promise<readonly CancelJobEntry[]> {
  const { accounts, clock, perSecond } = dependencies;
  const settings = await accounts.find(job.account);
  if (!settings) throw new Error(`the secret accounts has no account ${job.account}`);
  const begin = clock.now();
  let latest = -1;
  // So many that the rate is kept where Klarna takes two seconds for one, within bounds.
  const atOnce = Math.min(64, 2 * perSecond);
  const entries = await mapConcurrently(ids, atOnce, async (paymentRequestId, index) => {
    const early = begin + (index * 1_000) / perSecond - clock.now();
    if (early > 0 && clock.now() < until) await clock.wait(early);
    // One that waited too long is begun all the same where a later one has been: what is begun stands at the front.
    // Stryker disable next-line EqualityOperator: no two requests have the same index
    if (clock.now() >= until && index > latest) return undefined;
    latest = Math.max(latest, index);
    return cancelOne(dependencies, job, paymentRequestId, settings);
  });
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
  // Whoever ends many has not looked at each of them: what is paid is spared, whatever the account allows.
  const command = { cause: 'api', reason: job.reason, requestedBy, allowCompleted: false } as const;
  try {
    const { outcome, record } = await (job.dryRun ? dryRun : cancel)(key, command, settings);
    // A page that is repeated after a crash meets what it has canceled itself.
    const { cancellation } = record ?? {};
    const isOurs = cancellation?.outcome === 'canceled' && cancellation.requestedBy === requestedBy;
    return { paymentRequestId, outcome: isOurs ? 'canceled' : outcome, state: record?.state };
  } catch (error) {
    onFault({ ...key, jobId: job.jobId }, error);
    return { paymentRequestId, outcome: 'untried' };
  }
}

const nowOf = ({ clock }: CancelJobDependencies): Instant => instantFromMillis(clock.now());
