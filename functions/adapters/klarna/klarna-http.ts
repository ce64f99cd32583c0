import http from 'node:http';
import https from 'node:https';
import type { KlarnaCredentials } from '../../application/ports.ts';

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

/** One agent per client certificate, kept for the life of the process so that connections are reused. */
export function agentFor(protocol: string, { clientCertificate, clientKey }: ClientCertificate): http.Agent {
  const name = `${protocol}|${clientCertificate ?? ''}`;
  const existing = agents.get(name);
  if (existing) return existing;
  const agent =
    protocol === 'https:'
      ? new https.Agent({ keepAlive: true, cert: clientCertificate, key: clientKey })
      : new http.Agent({ keepAlive: true });
  agents.set(name, agent);
  return agent;
}

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
