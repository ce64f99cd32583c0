import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that a server received. */
export interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** What a server does with a request. */
export type Behaviour = (response: ServerResponse, request: ReceivedRequest) => void;

/** An HTTP server on a port of this machine. A test says what it does with each request. */
export async function startMisbehavingServer() {
  const requests: ReceivedRequest[] = [];
  const connections = new Set<number | undefined>();
  let behaviour: Behaviour = responding(500);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const received = { method, url, headers, body: Buffer.concat(chunks).toString() };
      requests.push(received);
      connections.add(request.socket.remotePort);
      behaviour(response, received);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    /** How many connections carried a request since the last `behaves`. */
    connections: () => connections.size,
    /** Forgets the requests, and does this from now on. */
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

/** A complete response. A text is sent as it is, anything else as JSON. `undefined`: no body. */
export const responding =
  (status: number, body?: unknown, headers: Readonly<Record<string, string>> = {}): Behaviour =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
  };

/** No response. The connection stays open. */
export const hanging: Behaviour = () => undefined;

/** Resets the connection before any response. */
export const resetting: Behaviour = (response) => {
  response.socket?.resetAndDestroy();
};

/** Sends the headers and half of the body, then closes the connection. */
export const breakingOff =
  (body: string): Behaviour =>
  (response) => {
    response.writeHead(200, { 'content-length': String(body.length) });
    response.write(body.slice(0, body.length / 2), () => response.socket?.destroy());
  };

/** A body that never ends: a character every 20 milliseconds. */
export const dripping: Behaviour = (response) => {
  response.writeHead(200);
  const timer = setInterval(() => response.write(' '), 20);
  response.on('close', () => {
    clearInterval(timer);
  });
};

/** A body of so many bytes, as fast as the client reads them. */
export const pouring =
  (bytes: number): Behaviour =>
  (response) => {
    response.writeHead(200);
    response.end(Buffer.alloc(bytes, ' '));
  };

/** Sends these bytes as they are, then nothing more. The connection stays open. */
export const sending =
  (bytes: string): Behaviour =>
  (response) => {
    response.socket?.write(bytes);
  };

/** Sends these bytes once, and some others every 20 milliseconds for as long as the connection lasts. */
export const repeating =
  (first: string, next: string): Behaviour =>
  ({ socket }) => {
    socket?.write(first);
    const timer = setInterval(() => socket?.write(next), 20);
    socket?.on('error', () => undefined);
    socket?.on('close', () => clearInterval(timer));
  };

/** Sends these bytes, then closes its half of the connection and keeps reading. */
export const halfClosing =
  (bytes: string): Behaviour =>
  (response) => {
    response.socket?.end(bytes);
  };

/** Serves one request of each connection, and resets the connection with the second. */
export const servingOnce = (then: Behaviour): Behaviour => {
  const served = new WeakSet<object>();
  return (response, request) => {
    const { socket } = response;
    const isFirst = socket && !served.has(socket);
    if (socket) served.add(socket);
    (isFirst ? then : resetting)(response, request);
  };
};
