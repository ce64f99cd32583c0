import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a server was asked. */
export interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Behaviour = (response: ServerResponse) => void;

/** An HTTP server of this machine that answers as a test tells it to, and be it not at all. */
export async function startMisbehavingServer() {
  const requests: ReceivedRequest[] = [];
  const connections = new Set<number | undefined>();
  let behaviour: Behaviour = responding(500);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      requests.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      connections.add(request.socket.remotePort);
      behaviour(response);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    /** How many connections have carried a request. */
    connections: () => connections.size,
    behaves(next: Behaviour): void {
      requests.splice(0);
      connections.clear();
      behaviour = next;
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

/** A complete answer: a text as it is, anything else as JSON, nothing for nothing. */
export const responding =
  (status: number, body?: unknown, headers: Readonly<Record<string, string>> = {}): Behaviour =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
  };

/** No answer, the connection left open. */
export const hanging: Behaviour = () => undefined;

/** The connection is gone before anything was said. */
export const resetting: Behaviour = (response) => {
  response.socket?.resetAndDestroy();
};

/** The headers, half of what they promise, and the connection is gone. */
export const breakingOff =
  (body: string): Behaviour =>
  (response) => {
    response.writeHead(200, { 'content-length': String(body.length) });
    response.write(body.slice(0, body.length / 2), () => response.socket?.destroy());
  };

/** A character now and then, for ever. */
export const dripping: Behaviour = (response) => {
  response.writeHead(200);
  const timer = setInterval(() => response.write(' '), 20);
  response.on('close', () => {
    clearInterval(timer);
  });
};

/** So many bytes, as fast as they are read. */
export const pouring =
  (bytes: number): Behaviour =>
  (response) => {
    response.writeHead(200);
    response.end(Buffer.alloc(bytes, ' '));
  };
