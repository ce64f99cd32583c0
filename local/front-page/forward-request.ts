import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** The response headers that reach the page. */
const responseHeaders = ['content-type', 'retry-after'] as const;

/** Forwards a call to another address of the system, and streams the response back while the page is connected. */
export async function forwardRequest(
  request: IncomingMessage,
  body: Buffer,
  url: string,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const reply = await fetch(url, {
    method: request.method ?? 'GET',
    ...(body.length > 0 && {
      headers: { 'content-type': request.headers['content-type'] ?? 'application/octet-stream' },
      body,
    }),
    redirect: 'manual',
    signal: gone.signal,
  });
  for (const name of responseHeaders) {
    const value = reply.headers.get(name);
    if (value !== null) response.setHeader(name, value);
  }
  response.writeHead(reply.status);
  response.flushHeaders();
  if (reply.body) await pipeline(Readable.fromWeb(reply.body), response);
  else response.end();
}
