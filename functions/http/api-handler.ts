import middy, { type MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { ConfigurationError } from '../domain/configuration-error.ts';
import { callerTraceIdOf } from './caller.ts';
import { Problem, problemResponse } from './problem.ts';
import type { HttpResponse } from './response.ts';
import { faultKindOf } from '../telemetry/fault-kind.ts';
import { continueTrace, fault, telemetry } from '../telemetry/telemetry.ts';

type ApiHandler = (event: APIGatewayProxyEventV2, context: Context) => Promise<HttpResponse>;

/** Headers for the response to a call. */
export type HeadersOf = (event: APIGatewayProxyEventV2) => Readonly<Record<string, string>>;

const noHeaders: HeadersOf = () => ({});

/**
 * A function behind the HTTP API, with telemetry. Every error becomes a problem.
 *
 * @param headersOf headers that every response gets, also one to an error.
 */
export const apiHandler = (handle: ApiHandler, headersOf = noHeaders) =>
  middy<APIGatewayProxyEventV2, HttpResponse>()
    .use(telemetry())
    .use(tracing())
    .use(problems(headersOf))
    .handler(async (event, context) => withHeaders(await handle(event, context), headersOf(event)));

/** Log lines and calls to Klarna continue the trace of the caller. */
const tracing = (): MiddlewareObj<APIGatewayProxyEventV2, HttpResponse> => ({
  before: ({ event }) => continueTrace(callerTraceIdOf(event)),
});

/** A problem is the response. Any other error is a fault: it is logged, and the response shows nothing of it. */
const problems = (headersOf: HeadersOf): MiddlewareObj<APIGatewayProxyEventV2, HttpResponse> => ({
  onError: (request) => {
    request.response = withHeaders(problemResponse(problemOf(request.error)), headersOf(request.event));
  },
});

const withHeaders = (response: HttpResponse, headers: Readonly<Record<string, string>>): HttpResponse => ({
  ...response,
  headers: { ...response.headers, ...headers },
});

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  fault('api.fault', error);
  switch (faultKindOf(error)) {
    case 'transient':
      return new Problem('unavailable', {
        detail: 'A required AWS service did not respond. The request may not have been processed. Repeat it.',
        retryAfter: 1,
      });
    case 'misconfigured':
      // The message of a ConfigurationError is ours. That of AWS may name accounts, roles and keys.
      return new Problem('misconfigured', {
        detail:
          error instanceof ConfigurationError
            ? error.message
            : 'AWS refuses a call of this deployment. The log names the error. The operator must correct it.',
      });
    case 'internal':
      return new Problem('internal', {
        detail: 'The error is logged. Repeating the call does not help until it is corrected.',
      });
  }
}
