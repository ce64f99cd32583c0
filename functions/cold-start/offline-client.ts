import http from 'node:http';
import https from 'node:https';
import { Duplex } from 'node:stream';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { connectAhead } from './preconnect.ts';

/**
 * A connection that leads nowhere: whatever is sent over it stays here, and is answered 200 with this body, once.
 *
 * @param answer what to answer a request that begins with this text.
 */
const nowhere = (response: (request: string) => unknown): Duplex => {
  let isResolved = false;
  return new Duplex({
    read: () => undefined,
    write(this: Duplex, chunk: Buffer, _encoding, done) {
      if (!isResolved) {
        const body = JSON.stringify(response(chunk.toString('latin1')));
        this.push(
          `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
        );
      }
      isResolved = true;
      done();
    },
  });
};

type Connect = (host: string, port: number) => Promise<void>;

/** An agent all of whose connections lead {@link nowhere}, each once `connect` is done. */
function leadingNowhere<Agent extends http.Agent>(
  agent: Agent,
  response: (request: string) => unknown,
  connect: Connect = () => Promise.resolve(),
): Agent {
  agent.createConnection = ({ host, port }, done) => {
    connect(host ?? '', Number(port)).then(
      () => done?.(null, nowhere(response)),
      (error: unknown) => done?.(error as Error, nowhere(response)),
    );
    return undefined;
  };
  return agent;
}

/** An agent for rehearsing HTTPS calls: nothing is connected and nothing sent. */
export const agentToNowhere = (response: (request: string) => unknown): https.Agent =>
  leadingNowhere(new https.Agent(), response);

/**
 * A client of the SDK that is the same as this one, with all that it has worked out of its settings and will work out, but has no
 * network: what it is told to send is composed, signed and written, a connection for the real client's next request to the same
 * host is opened, and an answer is read that nobody gave.
 *
 * @param agent the one with which the real client connects.
 */
export function withoutNetwork<Client extends { readonly config: object }>(
  client: Client,
  agent: https.Agent,
  response: (request: string) => unknown = () => ({}),
): Client {
  let connecting: Promise<void> | undefined;
  const requestHandler = new NodeHttpHandler({
    // A client has one host.
    httpsAgent: leadingNowhere(
      new https.Agent(),
      response,
      (host, port) => (connecting ??= connectAhead(agent, host, port)),
    ),
    // A plain one is a local stand-in, to which connecting costs nothing.
    httpAgent: leadingNowhere(new http.Agent(), response),
  });
  return Object.create(client, { config: { value: { ...client.config, requestHandler } } }) as Client;
}
