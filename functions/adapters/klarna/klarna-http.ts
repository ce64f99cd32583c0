import http from 'node:http';
import https from 'node:https';
import type { KlarnaCredentials } from '../../domain/account-settings.ts';

/** A complete answer, its body still text. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** Klarna's own limit for a body is 1 MB; what is longer is not read. */
const bodyLimit = 1_048_576;

type ClientCertificate = Pick<KlarnaCredentials, 'clientCertificate' | 'clientKey'>;

const agents = new Map<string, http.Agent>();

/** Agents that stay open. More client certificates than these share no connections between calls. */
const mostAgents = 100;

/**
 * One agent for each certificate and key, so that connections are reused and a corrected key takes effect with its first call.
 * One account's certificate never serves, and never breaks, another account's calls.
 */
export function agentFor(protocol: string, { clientCertificate, clientKey }: ClientCertificate): http.Agent {
  const name = JSON.stringify([protocol, clientCertificate, clientKey]);
  const agent = agents.get(name) ?? newAgent(protocol, { clientCertificate, clientKey });
  // The map keeps the order of use: the agent that was used longest ago goes first.
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

/**
 * One request, with a JSON body if one is given, and with a time limit for the whole of it. Rejects when no complete answer came: refused, reset,
 * cut off, too long or too late; whether Klarna acted on it is then not known.
 */
export function exchange(
  method: 'GET' | 'DELETE' | 'PATCH',
  url: URL,
  headers: Readonly<Record<string, string>>,
  agent: http.Agent,
  timeoutMillis: number,
  body?: string,
): Promise<HttpResponse> {
  // node:http and node:https and not fetch, which costs ten times as much at a cold start.
  const { request } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      agent,
      signal: AbortSignal.timeout(timeoutMillis),
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      let length = 0;
      incoming.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > bodyLimit) incoming.destroy(new Error('the answer is longer than 1 MB'));
        else chunks.push(chunk);
      });
      incoming.on('error', reject);
      incoming.on('end', () =>
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    outgoing.end(body);
  });
}
