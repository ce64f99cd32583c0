import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { key } from './fixtures.ts';

export interface KlarnaCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export interface KlarnaReply {
  readonly status: number;
  readonly body?: unknown;
}

/** Klarna's API on a port of this machine: what it was asked, and what it says to each method. */
export class KlarnaServer {
  readonly calls: KlarnaCall[] = [];
  /** One reply a call, the last one for ever. */
  replies: Record<string, readonly KlarnaReply[]> = {};
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<KlarnaServer> {
    const server = createServer();
    const klarna = new KlarnaServer(server);
    server.on('request', ({ method = '', url = '', headers }, response) => {
      klarna.calls.push({ method, path: url, headers });
      const { status, body } = klarna.#replyTo(method);
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(typeof body === 'string' ? body : JSON.stringify(body ?? {}));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return klarna;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get methods(): readonly string[] {
    return this.calls.map(({ method }) => method);
  }

  /** Forgets the calls, and says this from now on. */
  says(replies: Record<string, readonly KlarnaReply[]>): void {
    this.calls.splice(0);
    this.replies = replies;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await once(this.#server.close(), 'close');
  }

  #replyTo(method: string): KlarnaReply {
    const [next, ...rest] = this.replies[method] ?? [];
    if (rest.length > 0) this.replies[method] = rest;
    return next ?? { status: 500, body: { error_code: 'NOTHING_SCRIPTED' } };
  }
}

/** Klarna's object in a state. */
export const shownAs = (state: string): KlarnaReply => ({
  status: 200,
  body: { payment_request_id: key.paymentRequestId, state, expires_at: '2099-01-01T00:00:00Z' },
});

/** Klarna's error in one of its envelopes. */
export const refusedAs = (status: number, error_code: string): KlarnaReply => ({
  status,
  body: { error_id: '0d5f5c1e-0000-4000-8000-000000000000', error_code, error_message: 'not for logs' },
});
