import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import type { HttpResponse } from '../../functions/http/response.ts';
import { bodyOf, contractViolations } from './api-contract.ts';
import { lambdaContext } from './lambda-events.ts';

type Handler = (event: APIGatewayProxyEventV2, context: Context) => Promise<HttpResponse>;

/** Calls a function behind the HTTP API. Throws if its response differs from docs/api.yaml. */
export async function callApi(handler: Handler, event: APIGatewayProxyEventV2) {
  const response = await handler(event, lambdaContext());
  const body = bodyOf(response.body);
  const [method = '', route = ''] = event.routeKey.split(' ');
  const wrong = contractViolations(method, route, {
    status: response.statusCode,
    contentType: response.headers['content-type'] ?? null,
    retryAfter: response.headers['retry-after'] ?? null,
    body,
  });
  if (wrong.length > 0) throw new Error(`${event.routeKey} is not as documented: ${wrong.join('; ')}`);
  return { ...response, document: (body ?? {}) as Readonly<Record<string, unknown>> };
}
