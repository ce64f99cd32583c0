import { createHash } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as v from 'valibot';
import type { AccountSettings } from '../domain/account-settings.ts';
import type { CancelJobRequest } from '../application/start-cancel-job.ts';
import { type CancelJobKey, longestCancelList } from '../domain/cancel-job.ts';
import {
  parseCancelJobId,
  parsePaymentRequestId,
  parseReference,
  parseSessionId,
} from '../domain/identifiers.ts';
import { bodyOf, pathId, text, time } from './parse-request.ts';
import { callerOf } from './caller.ts';
import { invalid, shown } from './problem.ts';

const listFormat = `an array of 1 to ${longestCancelList} ids`;
const idFormat = "Klarna's id of a Payment Request";
const dryRunFormat = 'true or false';

const paymentRequestId = v.pipe(
  v.string(idFormat),
  v.check((given) => parsePaymentRequestId(given) !== undefined, idFormat),
  v.transform((given) => parsePaymentRequestId(given)),
);

/** The body of a PUT of a job. `dry_run` is true by default, so that a job cancels only on explicit request. */
export const cancelJobBody = v.strictObject({
  payment_request_ids: v.optional(
    v.pipe(
      v.array(paymentRequestId, listFormat),
      v.minLength(1, listFormat),
      v.maxLength(longestCancelList, listFormat),
    ),
  ),
  session_id: v.optional(v.pipe(pathId, v.transform(parseSessionId))),
  reference: v.optional(v.pipe(pathId, v.transform(parseReference))),
  created_before: v.optional(time),
  reason: v.optional(text),
  dry_run: v.optional(v.boolean(dryRunFormat), true),
});

/** Enough for a thousand ids and the other fields. */
const bodyLimit = 128 * 1024;

/** The job of the path, under an account that has been checked. */
export function cancelJobKeyOf(
  event: APIGatewayProxyEventV2,
  { account }: Pick<AccountSettings, 'account'>,
): CancelJobKey {
  const given = event.pathParameters?.['job_id'] ?? '';
  const jobId = parseCancelJobId(given);
  if (!jobId)
    throw invalid({
      field: 'job_id',
      given: shown(given),
      allowed: '1 to 64 letters, digits, dots, underscores and hyphens, and not . or .. alone',
    });
  return { account, jobId };
}

/** The requests that a caller wants canceled. Throws the problem to respond with. */
export function cancelJobRequestOf(event: APIGatewayProxyEventV2): CancelJobRequest {
  const { dry_run: dryRun, reason, ...named } = bodyOf(event, cancelJobBody, bodyLimit);
  const selection = selectionOf(named);
  return {
    ...selection,
    dryRun,
    reason,
    requestedBy: callerOf(event),
    // A colleague who repeats the call starts nothing new.
    requestSha256: createHash('sha256')
      .update(JSON.stringify([{ ...selection, given: undefined }, dryRun, reason ?? null]))
      .digest('hex'),
  };
}

type Named = Omit<v.InferOutput<typeof cancelJobBody>, 'dry_run' | 'reason'>;

function selectionOf(named: Named) {
  const { payment_request_ids: ids, session_id: sessionId, reference, created_before: createdBefore } = named;
  const given = selectors.filter((selector) => named[selector] !== undefined);
  if (given.length === 1) {
    if (ids)
      return { by: 'payment_request_ids', paymentRequestIds: ids.filter((id) => id !== undefined) } as const;
    if (sessionId) return { by: 'session_id', sessionId } as const;
    if (reference) return { by: 'reference', reference } as const;
    if (createdBefore?.at)
      return { by: 'created_before', createdBefore: createdBefore.at, given: createdBefore.given } as const;
  }
  throw invalid({
    field: given[0] ?? selectors[0],
    given: given.length === 0 ? 'missing' : `given together with ${given.slice(1).join(' and ')}`,
    allowed: `exactly one of ${selectors.join(', ')}`,
  });
}

const selectors = ['payment_request_ids', 'session_id', 'reference', 'created_before'] as const;
