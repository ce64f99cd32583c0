import type { IncomingMessage } from 'node:http';
import { randomUUID } from 'node:crypto';
import { decodeComponent } from '../shared/decode-component.ts';

/** A body as AWS passes it on: text where that is lossless, else base64. */
export interface EventBody {
  readonly body?: string;
  readonly isBase64Encoded: boolean;
}

const textTypes =
  /^(text\/|application\/(json|javascript|xml|[^;]*\+json|[^;]*\+xml|x-www-form-urlencoded))/i;

/** Text types are passed on as text, all others as base64. Bytes that are not UTF-8 would not survive as text. */
export function eventBody(bytes: Buffer, contentType: string | undefined): EventBody {
  if (bytes.length === 0) return { isBase64Encoded: false };
  const text = bytes.toString('utf8');
  const lossless = textTypes.test(contentType ?? '') && Buffer.from(text, 'utf8').equals(bytes);
  return lossless
    ? { body: text, isBase64Encoded: false }
    : { body: bytes.toString('base64'), isBase64Encoded: true };
}

/** The route and the caller of a request, without its body. */
export interface EventTarget {
  readonly routeKey: string;
  readonly pathParameters?: Readonly<Record<string, string>>;
  readonly authorizer?: unknown;
}

/**
 * The event of payload format 2.0, which HTTP APIs and Lambda URLs share. Header names are in lower case; repeated
 * headers and query parameters are joined by commas; cookies are apart
 * (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).
 */
export function httpEvent(
  request: IncomingMessage,
  target: EventTarget,
  body: EventBody,
): Record<string, unknown> {
  const url = request.url ?? '/';
  const [path, query] = splitOnce(url, '?');
  const headers = joinedHeaders(request);
  const { cookie, ...others } = headers;
  const parameters = queryParameters(query);
  const now = new Date();
  return {
    version: '2.0',
    routeKey: target.routeKey,
    rawPath: decodeComponent(path) ?? path,
    rawQueryString: query,
    ...(cookie !== undefined && { cookies: cookie.split(/; */) }),
    headers: others,
    ...(Object.keys(parameters).length > 0 && { queryStringParameters: parameters }),
    ...(target.pathParameters && { pathParameters: target.pathParameters }),
    requestContext: {
      accountId: '000000000000',
      apiId: 'local',
      domainName: headers['host'] ?? 'localhost',
      domainPrefix: 'local',
      ...(target.authorizer !== undefined && { authorizer: target.authorizer }),
      http: {
        method: request.method,
        path: decodeComponent(path) ?? path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: target.routeKey,
      stage: '$default',
      time: now.toUTCString(),
      timeEpoch: now.getTime(),
    },
    ...body,
  };
}

export function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function joinedHeaders(request: IncomingMessage): Record<string, string> {
  const joined = Object.create(null) as Record<string, string>;
  for (const [name, values = []] of Object.entries(request.headersDistinct)) {
    joined[name] = values.join(name === 'cookie' ? '; ' : ',');
  }
  return { ...joined };
}

function queryParameters(query: string): Record<string, string> {
  const collected = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(query)) {
    collected.set(name, [...(collected.get(name) ?? []), value]);
  }
  return Object.fromEntries([...collected].map(([name, values]) => [name, values.join(',')]));
}
