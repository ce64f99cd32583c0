import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';
import { identifyCall } from '../../local/aws/wire/identify-call.ts';
import { responseOf, type World } from './responses.ts';
import type { Identity } from './certificate.ts';
import type { Latencies, StandInName } from './latencies.ts';

/** One call that a function made. */
export interface LoggedCall {
  /** For example `dynamodb.GetItem` or `klarna.DELETE`. */
  readonly call: string;
  /** Milliseconds of performance.now. */
  readonly from: number;
  readonly to: number;
}

export interface StandIns {
  /** The address of each service, `https://localhost:…`. */
  readonly urls: Readonly<Record<StandInName, string>>;
  /** Sets the stored data. */
  serve(world: World): void;
  /** The calls since the last read. */
  takeLog(): readonly LoggedCall[];
  stop(): Promise<void>;
}

/** The services that the functions call. Each is a TLS server of its own, as each has its own host in AWS. */
export async function startStandIns(latencies: Latencies, identity: Identity): Promise<StandIns> {
  let log: LoggedCall[] = [];
  let world: World = { tables: {}, secrets: {}, indexes: {}, seen: () => false };
  const names = Object.keys(latencies) as StandInName[];
  const started = await Promise.all(
    names.map(async (name) => {
      const server = https.createServer(
        { key: identity.key, cert: identity.certificate, keepAlive: true, noDelay: true },
        (request, response) => {
          const from = performance.now();
          const chunks: Buffer[] = [];
          request.on('data', (chunk: Buffer) => chunks.push(chunk));
          request.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            const action = actionOf(name, request);
            const { url = '' } = request;
            const input: unknown = name === 'klarna' || text === '' ? undefined : JSON.parse(text);
            const reply = responseOf(world, { service: name, action, url, input });
            setTimeout(
              () => {
                log.push({ call: `${name}.${action}`, from, to: performance.now() });
                send(response, reply.status, JSON.stringify(reply.body), name);
              },
              Math.max(0, latencies[name] - (performance.now() - from)),
            );
          });
        },
      );
      server.keepAliveTimeout = 60_000;
      server.listen(0, 'localhost');
      await once(server, 'listening');
      return { name, server, url: `https://localhost:${(server.address() as AddressInfo).port}` };
    }),
  );
  return {
    urls: Object.fromEntries(started.map(({ name, url }) => [name, url])) as Record<StandInName, string>,
    serve(next) {
      world = next;
    },
    takeLog() {
      const taken = log;
      log = [];
      return taken;
    },
    async stop() {
      await Promise.all(
        started.map(({ server }) => {
          const closed = once(server, 'close');
          server.close();
          server.closeAllConnections();
          return closed;
        }),
      );
    },
  };
}

/** Klarna's calls are named by their method, AWS's by their action. */
function actionOf(name: StandInName, request: IncomingMessage): string {
  if (name === 'klarna') return request.method ?? '';
  return identifyCall(request)?.action ?? `${request.method ?? ''} ${request.url ?? ''}`;
}

const contentTypes: Readonly<Record<StandInName, string>> = {
  dynamodb: 'application/x-amz-json-1.0',
  sqs: 'application/x-amz-json-1.0',
  secretsmanager: 'application/x-amz-json-1.1',
  eventbridge: 'application/x-amz-json-1.1',
  scheduler: 'application/json',
  klarna: 'application/json',
};

function send(response: ServerResponse, status: number, text: string, name: StandInName): void {
  response.writeHead(status, {
    'content-type': contentTypes[name],
    'content-length': Buffer.byteLength(text),
    'x-amzn-requestid': '0H2L2N8A9F5BVF5C0G9P1Q2R3S',
    ...(name === 'dynamodb' && { 'x-amz-crc32': String(crc32(text)) }),
  });
  response.end(text);
}
