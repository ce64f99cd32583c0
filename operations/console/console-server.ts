import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { Account } from '../../functions/domain/identifiers.ts';
import { parseAccount } from '../../functions/domain/identifiers.ts';
import type { EventSource } from '../events/event-source.ts';
import { type ConsoleClient, listAttention, listReferences, listSessions } from './console-data.ts';
import { type PageFile, type PagePlace, readPageFiles } from './page-files.ts';
import { safetyHeaders } from './page-headers.ts';
import { refusalOf } from './request-guard.ts';

/** What the console needs. */
export interface ConsoleOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** The name of the stack. */
  readonly stack: string;
  readonly accounts: readonly Account[];
  /** The API's address, without a slash at the end. It is shown, and not called by the page. */
  readonly apiUrl: string;
  readonly client: (account: Account) => Promise<ConsoleClient>;
  /** Sends a call with the operator's signature. */
  readonly send: (url: string, init: RequestInit) => Promise<Response>;
  readonly quarantine: () => AsyncIterable<object>;
  /** Opens the published events for one reader. */
  readonly events: () => Promise<EventSource>;
  readonly now: () => number;
  readonly page?: PagePlace;
}

/** A running console. */
export interface RunningConsole {
  /** Without a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

const here = fileURLToPath(import.meta.url);

/** Beside the bundled command line, or in the sources. */
const ownPage: PagePlace =
  extname(here) === '.ts'
    ? { folder: join(here, '..', '..', '..', 'local', 'front-page', 'browser'), script: undefined }
    : { folder: join(here, '..', '..', 'page'), script: join(here, '..', '..', 'page', 'page.js') };

/** The API accepts no longer body either. */
const bodyLimit = 16 * 1024;

/** How many deliveries in quarantine are shown. */
const mostDeliveries = 50;

/**
 * Serves the page of the local system for a deployed stack, on the loopback interface and to its own origin only. It forwards to the
 * paths of accounts and to nothing else. There is no simulator behind it, no fault and no clock.
 */
export async function startConsole(options: ConsoleOptions): Promise<RunningConsole> {
  const { page = ownPage } = options;
  const closing = new AbortController();
  let files: Promise<ReadonlyMap<string, PageFile>> | undefined;
  const server = createServer((request, response) => {
    files ??= readPageFiles(page);
    serve(options, { request, response, files, closing: closing.signal }).catch(() => {
      if (response.headersSent) response.destroy();
      else
        sendJson(response, 502, { message: 'This part of Lapse does not respond, or you may not call it.' });
    });
  });
  await once(server.listen(options.port, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      closing.abort();
      const closed = once(server.close(), 'close');
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly files: Promise<ReadonlyMap<string, PageFile>>;
  readonly closing: AbortSignal;
}

async function serve(options: ConsoleOptions, exchange: Exchange): Promise<void> {
  const { request, response, files } = exchange;
  for (const [name, value] of Object.entries(safetyHeaders)) response.setHeader(name, value);
  const { method = '', url = '' } = request;
  const whole =
    url.startsWith('/') && URL.canParse(`http://page${url}`) ? new URL(`http://page${url}`) : undefined;
  const path = whole?.pathname ?? '';
  const isCall = path === '/status' || /^\/(?:api|control)\//.test(path);
  const refusal = refusalOf(request, request.socket.localPort ?? 0, isCall ? 'call' : 'page');
  if (refusal) {
    sendJson(response, refusal.status, { message: refusal.message });
    return;
  }
  if (whole && path.startsWith('/api/')) return forward(options, exchange, whole);
  if (method !== 'GET' && method !== 'HEAD') {
    sendJson(response, 405, { message: 'This method is not supported; allowed: GET.' });
    return;
  }
  if (path === '/status') {
    sendJson(response, 200, statusOf(options));
    return;
  }
  if (whole && path.startsWith('/control/')) return read(options, exchange, whole);
  const file = (await files).get(path);
  if (!file) {
    sendJson(response, 404, { message: 'There is no such page; allowed: /.' });
    return;
  }
  response.writeHead(200, { 'content-type': file.contentType }).end(file.bytes);
}

const statusOf = ({ now, stack, accounts, apiUrl }: ConsoleOptions) => ({
  now: new Date(now()).toISOString(),
  simulator: false,
  deployed: stack,
  addresses: { api: apiUrl },
  accounts: accounts.map((name) => ({ name })),
});

/** Only paths of accounts: settings and other accounts' views are commands of their own. */
const forwarded = /^\/api(\/accounts\/[a-z0-9-]{1,32}\/(?:payment-requests|sessions|cancel-jobs)(?:\/.*)?)$/;

async function forward(options: ConsoleOptions, { request, response }: Exchange, url: URL): Promise<void> {
  const [, path] = forwarded.exec(url.pathname) ?? [];
  if (path === undefined) {
    sendJson(response, 404, { message: 'The console does not make this call.' });
    return;
  }
  const body = await bodyOf(request);
  if (!body) {
    sendJson(response, 413, { message: 'The body is too long.' });
    return;
  }
  const reply = await options.send(`${options.apiUrl}${path}${url.search}`, {
    method: request.method ?? 'GET',
    redirect: 'manual',
    ...(body.length > 0 && { headers: { 'content-type': 'application/json' }, body: body.toString('utf8') }),
  });
  const type = reply.headers.get('content-type') ?? 'application/json';
  response.writeHead(reply.status, { 'content-type': type }).end(await reply.text());
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bodyLimit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const statuses = ['open', 'paid', 'ended'] as const;

/** The lists of one account. */
const accountLists: readonly string[] = ['/control/sessions', '/control/references', '/control/attention'];

async function read(
  options: ConsoleOptions,
  exchange: Exchange,
  { pathname, searchParams }: URL,
): Promise<void> {
  const { response } = exchange;
  if (pathname === '/control/events') return sendEvents(options, exchange);
  if (pathname === '/control/quarantine') {
    sendJson(response, 200, await firstOf(options.quarantine(), mostDeliveries));
    return;
  }
  if (!accountLists.includes(pathname)) {
    sendJson(response, 404, { message: 'The console does not make this call.' });
    return;
  }
  const account = parseAccount(searchParams.get('account') ?? '');
  if (!account) {
    sendJson(response, 400, { message: 'The account is malformed; allowed: 1 to 32 of a-z, 0-9 and -.' });
    return;
  }
  const client = await options.client(account);
  if (pathname === '/control/attention') {
    sendJson(response, 200, await listAttention(client));
    return;
  }
  const search = searchParams.get('search')?.trim() ?? '';
  if (pathname === '/control/references') {
    sendJson(response, 200, await listReferences(client, search));
    return;
  }
  const status = statuses.find((each) => each === searchParams.get('status'));
  sendJson(response, 200, await listSessions(client, { status, search }));
}

async function firstOf(values: AsyncIterable<object>, most: number): Promise<readonly object[]> {
  const first: object[] = [];
  for await (const value of values) if (first.push(value) === most) break;
  return first;
}

/** The published events, one a line, until the reader or the console closes. */
async function sendEvents(options: ConsoleOptions, { response, closing }: Exchange): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const source = await options.events();
  try {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.flushHeaders();
    const signal = AbortSignal.any([gone.signal, closing]);
    await pipeline(Readable.from(linesOf(source.events(signal))), response);
  } finally {
    await source.close();
  }
}

async function* linesOf(texts: AsyncIterable<string>): AsyncGenerator<string, void> {
  for await (const text of texts) yield `${text}\n`;
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
