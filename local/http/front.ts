import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody } from '../shared/read-body.ts';
import { type Listening, startListening } from './start-listening.ts';

/** A response of the front itself, where no function responds. */
export interface PlainResponse {
  readonly status: number;
  readonly message: string;
}

/** Serves on the loopback interface. No request can end the process. */
export function startFront(
  port: number,
  bodyLimit: number,
  handle: (request: IncomingMessage, body: Buffer) => Promise<PlainResponse | { readonly payload: unknown }>,
): Promise<Listening> {
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const body = await readBody(request, bodyLimit);
      const reply = body ? await handle(request, body) : { status: 413, message: 'Request Too Long' };
      if ('payload' in reply) sendPayload(response, reply.payload);
      else sendPlain(response, reply);
    } catch {
      if (response.headersSent) response.destroy();
      else sendPlain(response, { status: 500, message: 'Internal Server Error' });
    }
  };
  return startListening(port, (request, response) => {
    void serve(request, response);
  });
}

function sendPlain(response: ServerResponse, { status, message }: PlainResponse): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
}

/** Sends a function's response in format 2.0; a value without a status code is the body of a 200. */
function sendPayload(response: ServerResponse, payload: unknown): void {
  const isObject = typeof payload === 'object' && payload !== null;
  if (!isObject || !('statusCode' in payload)) {
    const body = typeof payload === 'string' ? payload : JSON.stringify(payload ?? null);
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    return;
  }
  const { statusCode, headers, body, isBase64Encoded, cookies } = payload as {
    readonly statusCode: number;
    readonly headers?: Record<string, string>;
    readonly body?: string;
    readonly isBase64Encoded?: boolean;
    readonly cookies?: string[];
  };
  const bytes = Buffer.from(body ?? '', isBase64Encoded === true ? 'base64' : 'utf8');
  response.writeHead(statusCode, { ...headers, ...(cookies && { 'set-cookie': cookies }) }).end(bytes);
}
