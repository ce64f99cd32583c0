import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import type { HttpAnswer } from '../../functions/http/problem.ts';
import { contractViolations } from './api-contract.ts';
import { lambdaContext } from './lambda-events.ts';

type Handler = (event: APIGatewayProxyEventV2, context: Context) => Promise<HttpAnswer>;

/** Calls a function behind the HTTP API. Whatever it answers must be as docs/api.yaml has it of this route. */
export async function callApi(handler: Handler, event: APIGatewayProxyEventV2) {
  const answer = await handler(event, lambdaContext());
  const document = JSON.parse(answer.body) as Readonly<Record<string, unknown>>;
  const [method = '', route = ''] = event.routeKey.split(' ');
  const wrong = contractViolations(method, route, {
    status: answer.statusCode,
    contentType: answer.headers['content-type'] ?? null,
    retryAfter: answer.headers['retry-after'] ?? null,
    body: document,
  });
  if (wrong.length > 0) throw new Error(`${event.routeKey} is not as documented: ${wrong.join('; ')}`);
  return { ...answer, document };
}
