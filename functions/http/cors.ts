import type { APIGatewayProxyEventV2 } from 'aws-lambda';

/**
 * The headers by which a browser lets a page of a configured origin read a response (https://fetch.spec.whatwg.org/#http-cors-protocol).
 * A page of another origin gets none. A cache must keep the responses for different origins apart.
 */
export function corsHeaders(
  { headers }: APIGatewayProxyEventV2,
  origins: ReadonlySet<string> = new Set(),
): Readonly<Record<string, string>> {
  const origin = headers['origin'];
  return {
    vary: 'Origin',
    ...(origin !== undefined &&
      origins.has(origin) && {
        'access-control-allow-origin': origin,
        'access-control-expose-headers': 'etag, retry-after',
      }),
  };
}

/** The further headers of the response to a preflight: what the call itself may be. */
export const preflightHeaders = (
  event: APIGatewayProxyEventV2,
  origins: ReadonlySet<string> | undefined,
): Record<string, string> =>
  'access-control-allow-origin' in corsHeaders(event, origins)
    ? {
        'access-control-allow-methods': 'GET',
        'access-control-allow-headers': 'authorization, if-none-match',
        'access-control-max-age': '7200',
      }
    : {};
