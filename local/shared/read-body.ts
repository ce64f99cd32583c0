import type { IncomingMessage } from 'node:http';

/**
 * The whole body of a request, or `undefined` when it is longer than `limit` bytes; the rest is then read and dropped.
 * Rejects when the caller closes the connection before the end.
 */
export async function readBody(
  request: IncomingMessage,
  limit = Number.POSITIVE_INFINITY,
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= limit) chunks.push(chunk);
  }
  return length <= limit ? Buffer.concat(chunks) : undefined;
}

/** The whole body, however long it is. Rejects when the caller closes the connection before the end. */
export async function readWholeBody(request: IncomingMessage): Promise<Buffer> {
  return (await readBody(request)) ?? Buffer.alloc(0);
}
