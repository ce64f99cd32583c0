import http from 'node:http';
import https from 'node:https';
import type { KlarnaCredentials } from '../../domain/account-settings.ts';

/** A complete response, with its body as text. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** Klarna's own limit for a body is 1 MB. A longer body is not read. */
const bodyLimit = 1_048_576;

type ClientCertificate = Pick<KlarnaCredentials, 'clientCertificate' | 'clientKey'>;

const agents = new Map<string, http.Agent>();

/** Agents that stay open. More client certificates than these share no connections between calls. */
const mostAgents = 100;

/**
 * Returns one agent per certificate and key, so that connections are reused and a corrected key takes effect with its
 * first call. A certificate of one account never affects the calls of another.
 */
export function agentFor(protocol: string, { clientCertificate, clientKey }: ClientCertificate): http.Agent {
  const name = JSON.stringify([protocol, clientCertificate, clientKey]);
  const agent = agents.get(name) ?? newAgent(protocol, { clientCertificate, clientKey });
  // The map keeps the order of use: the agent that was used longest ago is removed first.
  agents.delete(name);
  agents.set(name, agent);
  const [oldest] = agents.keys();
  if (agents.size > mostAgents && oldest !== undefined) agents.delete(oldest);
  return agent;
}

const newAgent = (protocol: string, { clientCertificate, clientKey }: ClientCertificate): http.Agent =>
  protocol === 'https:'
    ? new https.Agent({ keepAlive: true, cert: clientCertificate, key: clientKey })
    : new http.Agent({ keepAlive: true });

/** One request to Klarna. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A JSON text. */
  readonly body?: string | undefined;
  readonly agent: http.Agent;
  /** Milliseconds for the whole exchange, with the connection and the body. */
  readonly timeoutMillis: number;
}

/** An exchange that ended without a complete response. Whether Klarna acted on the request is not known. */
export class IncompleteExchange extends Error {
  override readonly name = 'IncompleteExchange';
  readonly code: string;
  /** Whether a connection was closed that was open before the request. The peer may have closed it while the process was frozen. */
  readonly wasClosed: boolean;

  constructor(code: string, wasClosed: boolean, options?: ErrorOptions) {
    super(`no complete response: ${code}`, options);
    this.code = code;
    this.wasClosed = wasClosed;
  }
}

/** The codes of a connection that the peer has closed before or while the request was sent. */
const closedCodes = ['ECONNRESET', 'EPIPE'];

/** Closes the connections that wait for a request: what closed one of them has closed the others too. */
function closeIdle({ freeSockets }: http.Agent): void {
  for (const sockets of Object.values(freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

/**
 * Sends one request and reads its whole response. Settles within the time limit, whatever the peer does. Rejects with an
 * {@link IncompleteExchange} where the response is refused, reset, cut off, too long, too late, or switches to another protocol.
 * Rejects with Node's own error where the request cannot be composed.
 */
export function exchange(request: HttpRequest): Promise<HttpResponse> {
  let limit: NodeJS.Timeout | undefined;
  const promise = new Promise<HttpResponse>((resolve, reject) => {
    limit = send(request, resolve, reject);
  });
  return promise.finally(() => clearTimeout(limit));
}

/** Sends a request and settles by one of the functions. Returns the timer of the time limit. */
function send(
  { method, url, headers, body, agent, timeoutMillis }: HttpRequest,
  resolve: (response: HttpResponse) => void,
  reject: (error: IncompleteExchange) => void,
): NodeJS.Timeout {
  // Not fetch: at a cold start it takes ten times as long as node:http and node:https.
  const { request } = url.protocol === 'https:' ? https : http;
  const outgoing = request(url, {
    method,
    headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
    agent,
  });
  let wasOpen = false;
  outgoing.on('socket', ({ connecting }) => (wasOpen = !connecting));
  const fail = (code: string, cause?: Error): void => {
    const wasClosed = wasOpen && closedCodes.includes(code);
    if (wasClosed) closeIdle(agent);
    reject(new IncompleteExchange(code, wasClosed, { cause }));
    outgoing.destroy();
  };
  const failWith = (error: NodeJS.ErrnoException): void => fail(error.code ?? error.name, error);
  // Not an AbortSignal, which has no effect on a request that Node has ended without an event, such as after a 101 response.
  const limit = setTimeout(() => fail('ETIMEDOUT'), timeoutMillis);
  outgoing.on('error', failWith);
  outgoing.on('close', () => fail('ECONNRESET'));
  outgoing.on('response', (incoming) => {
    // Node takes a 101 without an upgrade for a response. The connection is not one for HTTP any more.
    if (incoming.statusCode === 101) fail('ECONNRESET');
    const chunks: Buffer[] = [];
    let length = 0;
    incoming.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > bodyLimit) fail('EMSGSIZE');
      else chunks.push(chunk);
    });
    incoming.on('error', failWith);
    incoming.on('end', () =>
      resolve({
        status: incoming.statusCode ?? 0,
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      }),
    );
  });
  outgoing.end(body);
  return limit;
}
