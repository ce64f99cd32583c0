import { readFileSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { request as send } from 'node:http';
import { join } from 'node:path';
import { mapConcurrently } from '../../functions/application/map-concurrently.ts';
import { Draws } from '../simulation/draws.ts';
import { routePathOf } from '../../local/http/route-table.ts';
import { decodeComponent } from '../../local/shared/decode-component.ts';
import { contractViolations } from '../support/api-contract.ts';
import type { LocalProcess } from '../support/local-process.ts';
import { newPaymentRequestId, SystemClient } from '../support/system-client.ts';
import { drawApiRequest, partnerAccounts, type WireRequest } from './api-requests.ts';
import { drawWebhookRequest } from './webhook-requests.ts';

export interface FuzzReport {
  readonly requests: number;
  /** How often each route returned each status. */
  readonly responses: ReadonlyMap<string, ReadonlyMap<number, number>>;
  /** Milliseconds of the slowest response of each route. */
  readonly slowest: ReadonlyMap<string, number>;
  /** Violations, each with the number of its request. */
  readonly findings: readonly string[];
  /** Megabytes of a function's process, on average, after each fifth of the requests. */
  readonly memory: readonly number[];
}

/** API Gateway gives a function 30 seconds. */
const longestMillis = 30_000;

/**
 * Sends so many requests in a few lanes, three to the API for each one to the webhook. Each is drawn from the seed and its number
 * alone, so that it can be sent again. Valid and malformed requests go to the same system.
 */
export async function fuzz(
  system: LocalProcess,
  { seed, from, requests }: { readonly seed: number; readonly from: number; readonly requests: number },
  onProgress: (done: number) => void = () => undefined,
): Promise<FuzzReport> {
  const ids = await someIds(new SystemClient(system), seed);
  const responses = new Map<string, Map<number, number>>();
  const slowest = new Map<string, number>();
  const findings: string[] = [];
  const memory: number[] = [];
  let done = 0;

  const one = async (number: number): Promise<void> => {
    const draws = new Draws(seed, `request ${number}`);
    const isWebhook = number % 4 === 0;
    const request = isWebhook ? drawWebhookRequest(draws, ids) : drawApiRequest(draws, ids);
    const start = performance.now();
    const reply = await exchange(isWebhook ? system.webhook : system.api, request);
    const millis = performance.now() - start;
    const { route } = request;
    const ofRoute = responses.get(route) ?? new Map<number, number>();
    ofRoute.set(reply.status, (ofRoute.get(reply.status) ?? 0) + 1);
    responses.set(route, ofRoute);
    slowest.set(route, Math.max(slowest.get(route) ?? 0, millis));
    const report = (what: string): void => void findings.push(`request ${number}, ${route}: ${what}`);
    // Klarna refuses calls for the rate of one account. While it does, the others on its credential wait.
    const isHeld = reply.status === 503 && reply.text.includes('Klarna gave no clear response');
    if (reply.status >= 500 && !isHeld) report(`returned ${reply.status} ${reply.text.slice(0, 200)}`);
    if (millis > longestMillis) report(`took ${Math.round(millis)} ms`);
    if (request.allowed) {
      if (!request.allowed.includes(reply.status)) report(`returned ${reply.status}`);
    } else if (reply.status < 500) {
      for (const wrong of violationsOf(request, reply)) report(wrong);
    }
    done += 1;
    if (done % Math.ceil(requests / 5) === 0) memory.push(megabytesOfFunctions(system));
    onProgress(done);
  };

  await mapConcurrently(Array(requests).keys(), 4, (index) => one(from + index));
  return { requests, responses, slowest, findings, memory };
}

/** Payment Requests of every kind: open, paid, canceled, registered or not, and unknown ones. */
async function someIds(lapse: SystemClient, seed: number): Promise<readonly string[]> {
  const draws = new Draws(seed, 'ids');
  const ids: string[] = [];
  for (let number = 0; number < 20; number += 1) {
    const id = await lapse.createAtKlarna();
    ids.push(id);
    if (draws.chance(0.6))
      await lapse.register(id, { session_timeout: 'PT2H', session_id: `cart ${number} ö` });
    if (draws.chance(0.3)) {
      await lapse.customer(id, 'start');
      await lapse.customer(id, 'approve');
    }
  }
  return [...ids, ...(await someIdsOfPartners(lapse)), newPaymentRequestId(), newPaymentRequestId()];
}

/** Payment Requests of two accounts on one credential, of which Klarna refuses calls for those of the first. */
async function someIdsOfPartners(lapse: SystemClient): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const account of partnerAccounts) {
    for (let number = 0; number < 5; number += 1) {
      const partner_account_id = `krn:partner:global:account:test:${account.toUpperCase()}`;
      const id = await lapse.createAtKlarna({ partner_account_id });
      ids.push(id);
      await lapse.api('PUT', `/payment-requests/${id}`, { session_timeout: 'PT2H' }, account);
      if (account === 'm4noisy')
        await lapse.simulator('POST', '/faults', { kind: 'rate-limit', payment_request_id: id, times: 20 });
    }
  }
  return ids;
}

/** The files of a system with two accounts on one credential, besides the account of the local system. */
export async function partnerOptions(folder: string): Promise<readonly string[]> {
  const credential = {
    environment: 'test',
    api_key: 'klarna_test_api_of-acquirer-not-a-real-key',
    acquirer_account_id: 'krn:partner:global:account:test:M4ACQUIRER',
    default_session_timeout: 'PT30M',
  };
  const file = join(folder, 'credentials.json');
  await writeFile(file, JSON.stringify({ acquirer: credential }));
  return ['--credentials', file];
}

interface WireResponse {
  readonly status: number;
  readonly contentType: string | null;
  readonly retryAfter: string | null;
  readonly text: string;
}

/** Sends the bytes unchanged. A browser or `fetch` would correct some of them. */
function exchange(url: string, { method, path, headers, body }: WireRequest): Promise<WireResponse> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const outgoing = send(
      {
        hostname,
        port,
        method,
        path,
        headers: { ...headers, ...(body && { 'content-length': body.length }) } as Record<string, string>,
        timeout: longestMillis + 10_000,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            contentType: response.headers['content-type'] ?? null,
            retryAfter: response.headers['retry-after'] ?? null,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.on('timeout', () => outgoing.destroy(new Error('no response')));
    outgoing.end(body);
  });
}

/** How a response of the API differs from docs/api.yaml. A request that the front refuses before routing has no contract. */
function violationsOf({ method, path }: WireRequest, reply: WireResponse): readonly string[] {
  if (method === 'HEAD') return [];
  const body = jsonOf(reply.text);
  if (isGateways(reply.status, body)) return [];
  const decoded = decodeComponent(path.replace(/\?.*/s, '')) ?? '';
  return contractViolations(method, routePathOf(decoded), { ...reply, body });
}

/** API Gateway's own responses have only a message, as for a path that it cannot decode. */
const isGateways = (status: number, body: unknown): boolean =>
  (status === 400 || status === 404 || status === 431) &&
  JSON.stringify(Object.keys(body ?? {})) === '["message"]';

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The average memory of the functions' processes, in megabytes. */
export function megabytesOfFunctions({ child }: LocalProcess): number {
  const found: number[] = [];
  for (const pid of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const isOurs = status.includes(`\nPPid:\t${String(child.pid)}\n`);
      if (isOurs && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('bootstrap.ts'))
        found.push(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024);
    } catch {
      // The process has ended meanwhile.
    }
  }
  return found.reduce((sum, each) => sum + each, 0) / found.length;
}

/** Lines of the system's log about anything unhandled. */
export function unhandledIn(log: string): readonly string[] {
  return log
    .split('\n')
    .filter((line) => /unhandled|uncaught|Task timed out|heap out of memory|FATAL|ELIFECYCLE/i.test(line));
}
