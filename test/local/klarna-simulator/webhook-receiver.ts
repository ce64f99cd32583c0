import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect, onTestFinished } from 'vitest';

export interface ReceivedDelivery {
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** A real HTTP server that receives deliveries. */
export interface WebhookReceiver {
  readonly url: string;
  readonly received: readonly ReceivedDelivery[];
  /** The states in the deliveries, in the order of arrival. */
  states(): readonly unknown[];
  /** One status for each delivery, `'silence'` for no response; then 200. */
  responses(...statuses: readonly (number | 'silence')[]): void;
  /** Resolves when this many deliveries have arrived. */
  hasReceived(count: number): Promise<void>;
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedDelivery[] = [];
  let scripted: readonly (number | 'silence')[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((bytes) => {
      const { metadata, payload } = JSON.parse(bytes.toString('utf8')) as ReceivedDelivery;
      received.push({ headers: request.headers, bytes, metadata, payload });
      const [status = 200, ...rest] = scripted;
      scripted = rest;
      if (status !== 'silence') response.writeHead(status).end('taken');
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`,
    received,
    states: () => received.map(({ payload }) => payload['state']),
    responses: (...statuses) => void (scripted = statuses),
    hasReceived: (count) =>
      expect.poll(() => received.length, { timeout: 5_000, interval: 5 }).toBeGreaterThanOrEqual(count),
  };
}
