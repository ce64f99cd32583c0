import type { ServerResponse } from 'node:http';
import type { SimulatorResponse } from './simulator-response.ts';

/** Sends a response, with the headers that every response of the caller's kind has. */
export function sendResponse(
  response: ServerResponse,
  { status, headers, json, html }: SimulatorResponse,
  furtherHeaders: Readonly<Record<string, string>> = {},
): void {
  const [type, body] =
    json !== undefined
      ? ['application/json', JSON.stringify(json)]
      : html !== undefined
        ? ['text/html; charset=utf-8', html]
        : [undefined, ''];
  response.writeHead(status, {
    ...furtherHeaders,
    ...headers,
    ...(type !== undefined && { 'content-type': type }),
    ...(status !== 204 && { 'content-length': Buffer.byteLength(body) }),
  });
  response.end(body);
}
