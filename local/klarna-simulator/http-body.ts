import type { IncomingMessage } from 'node:http';

/** Klarna's own limit. */
const mostBytes = 1_048_576;

/** The body of a request; `undefined` if it is longer than Klarna takes. The rest of a longer one is read and dropped. */
export async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= mostBytes) chunks.push(chunk);
  }
  return length <= mostBytes ? Buffer.concat(chunks) : undefined;
}
