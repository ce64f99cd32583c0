import middy, { type MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { ConfigurationError } from '../domain/configuration-error.ts';
import { type HttpResponse, Problem, problemResponse } from './problem.ts';
import { count, fault, telemetry } from '../telemetry/telemetry.ts';

type ApiHandler = (event: APIGatewayProxyEventV2, context: Context) => Promise<HttpResponse>;

/** A function behind the HTTP API, with telemetry. Every error becomes a problem. */
export const apiHandler = (handle: ApiHandler) =>
  middy<APIGatewayProxyEventV2, HttpResponse>().use(telemetry()).use(problems()).handler(handle);

/** A problem is the response; a fault of AWS is 503; any other error is a bug: 500, and the body shows nothing of it. */
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

/** SDK errors have `$metadata`. A failed connection has a system's error code, and a late one the name TimeoutError. */
const isFaultOfAws = (error: unknown): boolean =>
  error instanceof Error &&
  ('$metadata' in error || error.name === 'TimeoutError' || ('code' in error && isSystemCode(error.code)));

/** ECONNRESET comes from the network. ERR_INVALID_ARG_TYPE comes from Node and means a bug of ours. */
const isSystemCode = (code: unknown): boolean => typeof code === 'string' && !code.startsWith('ERR_');
