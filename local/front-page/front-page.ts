import type { IncomingMessage, ServerResponse } from 'node:http';
import * as v from 'valibot';
import { recordOf } from '../../functions/contract/record-of.ts';
import type { PlainResponse } from '../http/front.ts';
import { type Listening, startListening } from '../http/start-listening.ts';
import { readBody } from '../shared/read-body.ts';
import { type PageFile, readPageFiles } from '../../operations/console/page-files.ts';
import { safetyHeaders } from '../../operations/console/page-headers.ts';
import { refusalOf } from '../../operations/console/request-guard.ts';
import { programFiles } from '../program-files.ts';
import { forwardRequest } from './forward-request.ts';

export interface FrontPageOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** The targets of forwarded calls; URLs without a slash at their end. */
  readonly api: string;
  readonly control: string;
  /** Klarna's address, where Klarna is the simulator. Another Klarna has no control surface. */
  readonly simulator: string | undefined;
  /** The secret `accounts`. The page learns only the names of the accounts and their ids at Klarna. */
  readonly accounts: () => string;
  /** The system's time, in milliseconds since 1970. */
  readonly now: () => number;
  /** How long to wait for a port that is in use, in milliseconds. */
  readonly waitLimitMillis?: number;
}

const accountsSchema = recordOf(v.string(), v.object({ partner_account_id: v.optional(v.string()) }));

/** The API accepts no longer body either. */
const bodyLimit = 16 * 1024;

/**
 * Serves the page and forwards its calls: `/api` to the API, `/klarna` to the simulator's control surface, `/control`
 * to the control address. It listens on the loopback interface and serves its own origin only.
 */
export async function startFrontPage(options: FrontPageOptions): Promise<Listening> {
  let files: Promise<ReadonlyMap<string, PageFile>> | undefined;
  const targets = new Map([
    ['api', options.api],
    ['control', options.control],
    ...(options.simulator === undefined ? [] : [['klarna', `${options.simulator}/_simulator`] as const]),
  ]);

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(safetyHeaders)) response.setHeader(name, value);
    const port = request.socket.localPort ?? 0;
    const path = pathOf(request);
    const [, first = '', rest = '', query = ''] = /^\/(\w+)(\/[^?]*)(\?.*)?$/.exec(path ?? '') ?? [];
    const target = targets.get(first);
    const isCall = target !== undefined || path === '/status';
    const refusal = refusalOf(request, port, isCall ? 'call' : 'page');
    if (refusal) {
      sendPlain(response, refusal);
      return;
    }
    if (target !== undefined) {
      const body = await readBody(request, bodyLimit);
      if (!body) {
        sendPlain(response, { status: 413, message: 'The body is too long.' });
        return;
      }
      return forwardRequest(request, body, `${target}${rest}${query}`, response);
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      sendPlain(response, { status: 405, message: 'This method is not supported; allowed: GET.' });
      return;
    }
    if (path === '/status') {
      sendJson(response, 200, statusOf(options, targets));
      return;
    }
    files ??= readPageFiles({ folder: programFiles.page, script: programFiles.pageScript });
    const file = (await files).get(path ?? '');
    if (!file) {
      sendPlain(response, { status: 404, message: 'There is no such page; allowed: /.' });
      return;
    }
    response.writeHead(200, { 'content-type': file.contentType }).end(file.bytes);
  }

  return startListening(
    options.port,
    (request, response) => {
      serve(request, response).catch(() => {
        if (response.headersSent) response.destroy();
        else sendPlain(response, { status: 502, message: 'This part of Lapse does not respond.' });
      });
    },
    options.waitLimitMillis,
  );
}

/**
 * What the page needs before any other call. Countdowns use the system's time. The addresses are for the code that the
 * reader copies.
 */
function statusOf({ accounts, simulator, now }: FrontPageOptions, addresses: ReadonlyMap<string, string>) {
  const known = v.parse(accountsSchema, JSON.parse(accounts()));
  return {
    now: new Date(now()).toISOString(),
    simulator: simulator !== undefined,
    addresses: Object.fromEntries(addresses),
    accounts: Object.entries(known).map(([name, { partner_account_id }]) => ({ name, partner_account_id })),
  };
}

/** Path and query, with every dot segment resolved; `undefined` for what is not a path. */
function pathOf({ url = '' }: IncomingMessage): string | undefined {
  if (!url.startsWith('/') || !URL.canParse(`http://page${url}`)) return undefined;
  const { pathname, search } = new URL(`http://page${url}`);
  return `${pathname}${search}`;
}

function sendPlain(response: ServerResponse, { status, message }: PlainResponse): void {
  sendJson(response, status, { message });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
