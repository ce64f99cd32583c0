import type { CancelJob } from '../../functions/domain/cancel-job.ts';
import type { CancelJobId, PaymentRequestId } from '../../functions/domain/identifiers.ts';
import { account, noon } from './fixtures.ts';

/** The id of a Payment Request with this number. */
export const requestId = (number: number): PaymentRequestId =>
  `krn:payment:eu1:request:${String(number).padStart(4, '0')}` as PaymentRequestId;

/** A job that has just started, with the fields of a test. */
export const jobWith = (fields: Partial<CancelJob> = {}): CancelJob => ({
  account,
  jobId: 'nightly-1' as CancelJobId,
  selection: { by: 'payment_request_ids', total: 1 },
  dryRun: false,
  requestedBy: 'arn:aws:iam::000000000000:user/operations',
  requestSha256: 'ab',
  status: 'running',
  done: 0,
  pages: 0,
  outcomes: {},
  attempts: 0,
  dueAt: noon,
  version: 1,
  createdAt: noon,
  updatedAt: noon,
  ...fields,
});
