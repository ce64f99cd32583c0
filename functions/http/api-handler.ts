import middy, { type MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { ConfigurationError } from '../domain/configuration-error.ts';
import { type HttpResponse, Problem, problemResponse } from './problem.ts';
import { count, fault, telemetry } from '../telemetry/telemetry.ts';

type ApiHandler = (event: APIGatewayProxyEventV2, context: Context) => Promise<HttpResponse>;

/** A function behind the HTTP API: telemetry around it, and every error as a problem document. */
export const apiHandler = (handle: ApiHandler) =>
  middy<APIGatewayProxyEventV2, HttpResponse>().use(telemetry()).use(problems()).handler(handle);

/** Problems are answers; faults of AWS are 503; anything else is a bug: 500, and nothing of it in the body. */
const problems = (): MiddlewareObj<APIGatewayProxyEventV2, HttpResponse> => ({
  onError: (request) => {
    request.response = problemResponse(problemOf(request.error));
  },
});

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  count('ApiFault');
  fault('api.fault', error);
  if (error instanceof ConfigurationError) return new Problem('misconfigured', { detail: error.message });
  return isFaultOfAws(error)
    ? new Problem('unavailable', {
        detail: 'A required AWS service did not respond. The request may not have been processed. Repeat it.',
        retryAfter: 1,
      })
    : new Problem('internal', { detail: 'The error is logged. It is safe to repeat the call.' });
}

/** SDK errors carry `$metadata`; a connection that failed or timed out has a system's code or the name TimeoutError. */
const isFaultOfAws = (error: unknown): boolean =>
  error instanceof Error &&
  ('$metadata' in error || error.name === 'TimeoutError' || ('code' in error && isSystemCode(error.code)));

/** ECONNRESET is the network's; ERR_INVALID_ARG_TYPE is Node's word for a bug of ours. */
const isSystemCode = (code: unknown): boolean => typeof code === 'string' && !code.startsWith('ERR_');
