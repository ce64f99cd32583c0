import type { CancelJob, CancelJobKey, CancelJobSelection } from '../domain/cancel-job.ts';
import { withStop } from '../domain/cancel-job.ts';
import type { PaymentRequestId, PaymentRequestKey, Reference, SessionId } from '../domain/identifiers.ts';
import { type Instant, plusMillis } from '../domain/instant.ts';
import type { CancelJobs, Clock, ReferencedPaymentRequests, SessionPaymentRequests } from './ports.ts';

/** What starting a job needs. */
export interface CancelJobStartDependencies {
  readonly jobs: CancelJobs;
  readonly sessions: SessionPaymentRequests;
  readonly references: ReferencedPaymentRequests;
  readonly clock: Clock;
}

/** The requests that a caller wants canceled. */
export type CancelJobRequest = {
  readonly dryRun: boolean;
  readonly reason: string | undefined;
  readonly requestedBy: string;
  /** SHA-256 over the selection, the reason and `dryRun`, without the caller. */
  readonly requestSha256: string;
} & (
  | { readonly by: 'payment_request_ids'; readonly paymentRequestIds: readonly PaymentRequestId[] }
  | { readonly by: 'session_id'; readonly sessionId: SessionId }
  | { readonly by: 'reference'; readonly reference: Reference }
  | {
      readonly by: 'created_before';
      readonly createdBefore: Instant;
      /** The same time in the caller's own words, for a refusal. */
      readonly given: string;
    }
);

/**
 * The outcome of a start. `started`. `unchanged`: the same job was started before. `taken`: another job has this id. `empty`: the
 * session or the reference is unknown. `not_yet`: the moment is in the future, so that the selection is not known yet.
 */
export type CancelJobStart =
  | { readonly kind: 'started' | 'unchanged'; readonly job: CancelJob }
  | { readonly kind: 'taken' }
  | { readonly kind: 'empty' }
  | { readonly kind: 'not_yet'; readonly given: string };

/** Milliseconds by which a caller's clock may be ahead of ours. */
const clockSkew = 60_000;

/** Starts a job; the next sweep begins its work. Safe to repeat: the same request with the same id is the same job. */
export const startCancelJob =
  ({ jobs, sessions, references, clock }: CancelJobStartDependencies) =>
  async (key: CancelJobKey, request: CancelJobRequest): Promise<CancelJobStart> => {
    const { requestSha256 } = request;
    const existing = await jobs.read(key);
    if (existing) return responseOf(existing, requestSha256);

    const now = clock.instant();
    // Stryker disable next-line ConditionalExpression: only a request by age has a moment
    if (request.by === 'created_before' && request.createdBefore > plusMillis(now, clockSkew)) {
      return { kind: 'not_yet', given: request.given };
    }
    const { selection, ids } = await select({ sessions, references }, key, request);
    if (ids?.length === 0) return { kind: 'empty' };
    const job: CancelJob = {
      ...key,
      selection,
      dryRun: request.dryRun,
      reason: request.reason,
      requestedBy: request.requestedBy,
      requestSha256,
      status: 'running',
      done: 0,
      pages: 0,
      outcomes: {},
      attempts: 0,
      dueAt: now,
      version: 1,
      createdAt: now,
      updatedAt: now,
    };
    const started = await jobs.start(job, ids);
    if (started === 'started') return { kind: 'started', job };
    // Stryker disable next-line ConditionalExpression, StringLiteral: the word has no digest, so it is taken either way
    return started === 'taken' ? { kind: 'taken' } : responseOf(started, requestSha256);
  };

/** Stops a job for good. A job that is over stays as it is. `undefined` where there is none. */
export const stopCancelJob =
  ({ jobs, clock }: Pick<CancelJobStartDependencies, 'jobs' | 'clock'>) =>
  async (key: CancelJobKey): Promise<CancelJob | undefined> => {
    for (;;) {
      const job = await jobs.read(key);
      if (job?.status !== 'running') return job;
      const stopped = withStop(job, clock.instant());
      if (await jobs.save(job, stopped)) return stopped;
    }
  };

const responseOf = (existing: CancelJob, requestSha256: string): CancelJobStart =>
  existing.requestSha256 === requestSha256 ? { kind: 'unchanged', job: existing } : { kind: 'taken' };

/** The selection of a job, and the ids that a list, a session or a reference names, each once. An age names none beforehand. */
async function select(
  { sessions, references }: Pick<CancelJobStartDependencies, 'sessions' | 'references'>,
  { account }: CancelJobKey,
  request: CancelJobRequest,
): Promise<{ readonly selection: CancelJobSelection; readonly ids?: readonly PaymentRequestId[] }> {
  const { by } = request;
  switch (by) {
    case 'payment_request_ids': {
      const ids = [...new Set(request.paymentRequestIds)];
      return { selection: { by, total: ids.length }, ids };
    }
    case 'session_id': {
      const { sessionId } = request;
      const ids = await idsIn(sessions.ofSession(account, sessionId));
      return { selection: { by, sessionId, total: ids.length }, ids };
    }
    case 'reference': {
      const { reference } = request;
      const ids = await idsIn(references.ofReference(account, reference));
      return { selection: { by, reference, total: ids.length }, ids };
    }
    case 'created_before':
      return { selection: { by, createdBefore: request.createdBefore } };
  }
}

async function idsIn(keys: AsyncIterable<PaymentRequestKey>): Promise<readonly PaymentRequestId[]> {
  const found = new Set<PaymentRequestId>();
  for await (const { paymentRequestId } of keys) found.add(paymentRequestId);
  return [...found];
}
