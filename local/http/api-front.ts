import type { IncomingMessage } from 'node:http';
import { decodeComponent } from '../shared/decode-component.ts';
import type { InvocationResult } from '../lambda/invoke.ts';
import type { RouteDescription } from '../template/stack-description.ts';
import { type PlainResponse, startFront } from './front.ts';
import { eventBody, httpEvent, splitOnce } from './http-event.ts';
import { matchRoute, routePathOf } from './route-table.ts';
import type { Listening } from './start-listening.ts';

export interface ApiFrontOptions {
  readonly port: number;
  readonly routes: readonly RouteDescription[];
  readonly invoke: (functionId: string, payload: unknown) => Promise<InvocationResult>;
}

/** API Gateway takes 10 MB and waits 30 seconds. */
const bodyLimit = 10 * 1024 * 1024;
const integrationLimitMillis = 30_000;

/**
 * Serves an HTTP API of API Gateway, as a function behind it sees one. Signatures are not checked: every local caller
 * is allowed.
 */
export function startApiFront({ port, routes, invoke }: ApiFrontOptions): Promise<Listening> {
  return startFront(port, bodyLimit, async (request, bytes) => {
    const [path] = splitOnce(request.url ?? '/', '?');
    const decoded = decodeComponent(path);
    if (decoded === undefined) return { status: 400, message: 'Bad Request' };
    const match = matchRoute(routes, request.method ?? '', routePathOf(decoded));
    if (!match) return { status: 404, message: 'Not Found' };
    const target = {
      routeKey: match.routeKey,
      pathParameters: match.pathParameters,
      ...(match.route.authorization === 'AWS_IAM' && { authorizer: { iam: callerOf(request) } }),
    };
    const event = httpEvent(request, target, eventBody(bytes, request.headers['content-type']));
    return within(integrationLimitMillis, invoke(match.route.functionId, event));
  });
}

/** The caller of a signed request, by its access key; `local` for a request that is not signed. */
function callerOf(request: IncomingMessage) {
  const accessKey = /Credential=([\w-]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? 'local';
  return { accessKey, accountId: '000000000000', userArn: `arn:aws:iam::000000000000:user/${accessKey}` };
}

/** The response of API Gateway: 500 when the function failed, 503 when it is throttled or takes too long. */
async function within(
  limitMillis: number,
  invocation: Promise<InvocationResult>,
): Promise<PlainResponse | { readonly payload: unknown }> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<InvocationResult>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'throttled' }), limitMillis);
  });
  const result = await Promise.race([invocation, late]);
  clearTimeout(timer);
  switch (result.kind) {
    case 'response':
      return { payload: result.payload };
    case 'error':
      return { status: 500, message: 'Internal Server Error' };
    case 'throttled':
      return { status: 503, message: 'Service Unavailable' };
  }
}
