import type https from 'node:https';
import { Readable } from 'node:stream';
import { connectAhead } from './connect-ahead.ts';

interface Request {
  readonly hostname: string;
  readonly port?: number;
  readonly protocol: string;
}

/**
 * A request handler for a client of the SDK that has everything but a network: what the client is told to send is composed and
 * signed, a connection for the next real request to the same host is opened, and an answer is read that nobody gave. Nothing is sent.
 */
export function withoutNetwork(agent: https.Agent, answer: () => unknown = () => ({})) {
  let connecting: Promise<void> | undefined;
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle({ hostname, port, protocol }: Request) {
      // A client has one host; a plain one is a local stand-in, to which connecting costs nothing.
      if (protocol === 'https:') await (connecting ??= connectAhead(agent, hostname, port ?? 443));
      const headers = { 'content-type': 'application/x-amz-json-1.0' };
      const body = Readable.from([Buffer.from(JSON.stringify(answer()))]);
      return { response: { statusCode: 200, reason: 'OK', headers, body } };
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
}
