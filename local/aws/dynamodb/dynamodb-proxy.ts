import http from 'node:http';
import https from 'node:https';
import { internalError } from '../faults/fault-errors.ts';
import type { HttpResponse } from '../wire/http-response.ts';

/** Forwards calls to a DynamoDB, byte for byte in both directions. */
export interface DynamoDbProxy {
  /** Rejects with InternalServerError, which every SDK retries, when DynamoDB does not respond. */
  call(headers: http.IncomingHttpHeaders, body: Buffer, signal: AbortSignal): Promise<HttpResponse>;
  /** Closes its connections. */
  close(): void;
}

/** Headers that belong to the connection and not to the call, and those that Node sets itself. */
const ownHeaders = new Set([
  'connection',
  'content-length',
  'date',
  'host',
  'keep-alive',
  'transfer-encoding',
]);

/** Connects lazily and keeps its connections open between calls. */
export function openDynamoDbProxy(url: string): DynamoDbProxy {
  const transport = url.startsWith('https:') ? https : http;
  const agent = new transport.Agent({ keepAlive: true });

  return {
    call: (headers, body, signal) =>
      new Promise((resolve, reject) => {
        const fail = (error: Error) =>
          reject(internalError('dynamodb', `DynamoDB at ${url} does not respond: ${error.message}`));
        const request = transport.request(
          url,
          {
            agent,
            method: 'POST',
            signal,
            headers: { ...withoutOwn(headers), 'content-length': body.length },
          },
          (response) => {
            const chunks: Buffer[] = [];
            response.on('data', (chunk: Buffer) => chunks.push(chunk));
            response.on('error', fail);
            response.on('end', () => {
              const responseHeaders = withoutOwn(response.headers);
              resolve({
                status: response.statusCode ?? 500,
                headers: responseHeaders,
                body: Buffer.concat(chunks),
              });
            });
          },
        );
        request.on('error', fail);
        request.end(body);
      }),
    close: () => agent.destroy(),
  };
}

const withoutOwn = (headers: http.IncomingHttpHeaders): Record<string, string | string[]> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || ownHeaders.has(name) ? [] : [[name, value]],
    ),
  );
