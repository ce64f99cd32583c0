import { decideErasure, type ErasureOutcome } from '../domain/erasure.ts';
import type { CancelJob, CancelJobEntry, CancelJobKey } from '../domain/cancel-job.ts';
import type { Account, PaymentRequestKey } from '../domain/identifiers.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { decideJobErasure, type ErasedSubject } from '../domain/job-erasure.ts';
import { TransientError } from '../domain/transient-error.ts';
import type { Clock, ErasableCancelJobs, ErasableDeliveries, PaymentRequestErasure } from './ports.ts';
import { readSession, type SessionReading } from './read-session.ts';

/** What erasing needs. */
export interface ErasureDependencies extends SessionReading {
  readonly erasure: PaymentRequestErasure;
  readonly quarantine: ErasableDeliveries;
  readonly clock: Clock;
}

/** What became of one record: `unknown` where there is none. */
export type ErasedRecord = PaymentRequestKey & { readonly outcome: ErasureOutcome | 'unknown' };

type RecordErasure = Omit<ErasureDependencies, 'quarantine'>;

/** How often a record is read again because another writer was faster. */
const mostRounds = 10;

/**
 * Erases records: each becomes a tombstone, which keeps a late webhook from bringing it back. What is still needed is left as it is:
 * {@link ErasureOutcome} says what that is. A dry run writes nothing.
 */
export const eraseRecords =
  (dependencies: RecordErasure) =>
  async (keys: readonly PaymentRequestKey[], isDryRun: boolean): Promise<readonly ErasedRecord[]> => {
    const erased: ErasedRecord[] = [];
    for (const key of keys) erased.push({ ...key, outcome: await eraseOne(dependencies, key, isDryRun) });
    return erased;
  };

async function eraseOne(
  dependencies: RecordErasure,
  key: PaymentRequestKey,
  isDryRun: boolean,
): Promise<ErasedRecord['outcome']> {
  const { store, erasure, clock } = dependencies;
  for (let round = 0; round < mostRounds; round += 1) {
    const record = await store.read(key);
    if (!record) return 'unknown';
    const members = await membersOf(dependencies, record);
    const { tombstone, outcome } = decideErasure(record, members, clock.instant());
    if (!tombstone || isDryRun) return outcome;
    if (await erasure.replace(record, tombstone)) return outcome;
  }
  throw new TransientError(
    `${key.account}/${key.paymentRequestId}: other writers were faster ${mostRounds} times`,
  );
}

/** The records of the session that the customer has paid with this one. */
async function membersOf(
  dependencies: RecordErasure,
  { account, sessionId, state }: PaymentRequest,
): Promise<readonly PaymentRequest[]> {
  if (state !== 'COMPLETED' || sessionId === undefined) return [];
  return readSession(dependencies)(account, sessionId);
}

/** Removes the deliveries in quarantine that name one of these requests. Returns how many there are. A dry run removes none. */
export const eraseDeliveries =
  ({ quarantine }: Pick<ErasureDependencies, 'quarantine'>) =>
  async (keys: readonly PaymentRequestKey[], isDryRun: boolean): Promise<number> => {
    const ids = new Set<string>(keys.map(({ paymentRequestId }) => paymentRequestId));
    let found = 0;
    for await (const delivery of quarantine.all()) {
      if (!ids.has(delivery.facts.paymentRequestId ?? '')) continue;
      found += 1;
      if (!isDryRun) await quarantine.remove(delivery);
    }
    return found;
  };

/** A job that named what is erased, and how many lines its report has lost. A running job is left as it is. */
export type ErasedJob = CancelJobKey &
  ({ readonly outcome: 'erased'; readonly lines: number } | { readonly outcome: 'running' });

/**
 * Erases the subject from the cancel jobs of an account. It reads all of them, with their reports. A dry run writes nothing.
 */
export const eraseFromJobs =
  (jobs: ErasableCancelJobs) =>
  async (account: Account, subject: ErasedSubject, isDryRun: boolean): Promise<readonly ErasedJob[]> => {
    const erased: ErasedJob[] = [];
    for await (const job of jobs.allOf(account)) {
      const stored = { job, names: await jobs.idsOf(job), pages: await pagesOf(jobs, job) };
      const decided = decideJobErasure(stored, subject);
      if (decided.outcome === 'unrelated') continue;
      const { jobId } = job;
      if (decided.outcome === 'running') {
        erased.push({ account, jobId, outcome: 'running' });
        continue;
      }
      erased.push({ account, jobId, outcome: 'erased', lines: decided.lines });
      if (!isDryRun) await jobs.eraseFrom(decided);
    }
    return erased;
  };

async function pagesOf(
  jobs: Pick<ErasableCancelJobs, 'readPage'>,
  job: CancelJob,
): Promise<readonly (readonly CancelJobEntry[])[]> {
  const pages: (readonly CancelJobEntry[])[] = [];
  for (let page = 0; page < job.pages; page += 1) pages.push(await jobs.readPage(job, page));
  return pages;
}
