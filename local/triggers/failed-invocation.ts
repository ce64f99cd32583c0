import { randomUUID } from 'node:crypto';
import type { InvocationResult } from '../lambda/invoke.ts';

/** An asynchronous invocation that failed for the last time. */
export interface FailedInvocation {
  readonly functionArn: string;
  readonly input: unknown;
  readonly invocations: number;
  readonly result: Extract<InvocationResult, { readonly kind: 'error' }>;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/**
 * The message that Lambda sends to the on-failure queue of an asynchronous invocation
 * (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
 */
export const failedInvocationMessage = ({
  functionArn,
  input,
  invocations,
  result,
  at,
}: FailedInvocation): string =>
  JSON.stringify({
    version: '1.0',
    timestamp: new Date(at).toISOString(),
    requestContext: {
      requestId: randomUUID(),
      functionArn: `${functionArn}:live`,
      condition: 'RetriesExhausted',
      approximateInvokeCount: invocations,
    },
    requestPayload: input,
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    responsePayload: { errorType: result.errorType, errorMessage: result.errorMessage },
  });
