import http from 'node:http';
import https from 'node:https';
import { Duplex } from 'node:stream';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { preconnect } from './preconnect.ts';

/**
 * A socket without a network behind it. It discards what is sent and returns one HTTP 200.
 *
 * @param response the body to return for a request that begins with this text.
 */
const offlineSocket = (response: (request: string) => unknown): Duplex => {
  let hasResponded = false;
  return new Duplex({
    read: () => undefined,
    write(this: Duplex, chunk: Buffer, _encoding, done) {
      if (!hasResponded) {
        const body = JSON.stringify(response(chunk.toString('latin1')));
        this.push(
          `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
        );
      }
      hasResponded = true;
      done();
    },
  });
};

type Connect = (host: string, port: number) => Promise<void>;

/** Makes an agent open an {@link offlineSocket} for each connection, after `connect` has settled. */
function takeOffline<Agent extends http.Agent>(
  agent: Agent,
  response: (request: string) => unknown,
  connect: Connect = () => Promise.resolve(),
): Agent {
  agent.createConnection = ({ host, port }, done) => {
    connect(host ?? '', Number(port)).then(
      () => done?.(null, offlineSocket(response)),
      (error: unknown) => done?.(error as Error, offlineSocket(response)),
    );
    return undefined;
  };
  return agent;
}

/** An agent for priming HTTPS calls. It opens no connection and sends nothing. */
export const offlineAgent = (response: (request: string) => unknown): https.Agent =>
  takeOffline(new https.Agent(), response);

/**
 * Copies an SDK client and takes the copy off the network. A command sent through the copy is serialized and signed, and a canned
 * response is parsed. Client and copy share their resolved configuration, so the first real call finds it ready.
 * The first command also opens the connection for the real client's next request to the same host.
 *
 * @param agent the agent of the real client.
 * @param response the body to return for a request that begins with this text; `{}` by default.
 */
export function offlineClient<Client extends { readonly config: object }>(
  client: Client,
  agent: https.Agent,
  response: (request: string) => unknown = () => ({}),
): Client {
  let connecting: Promise<void> | undefined;
  const requestHandler = new NodeHttpHandler({
    // A client calls one host only.
    httpsAgent: takeOffline(
      new https.Agent(),
      response,
      (host, port) => (connecting ??= preconnect(agent, host, port)),
    ),
    // Plain HTTP means a local stand-in. Connecting to it costs nothing, so nothing is opened ahead.
    httpAgent: takeOffline(new http.Agent(), response),
  });
  return Object.create(client, { config: { value: { ...client.config, requestHandler } } }) as Client;
}
