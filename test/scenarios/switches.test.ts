/** What an operator switches: which sessions end at their deadline, and which are only observed. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommand } from '../support/command-line.ts';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { SystemClient } from '../support/system-client.ts';

const acquirer = 'krn:partner:global:account:test:M5ACQUIRER';
let folder = '';
let system: LocalProcess;
let lapse: SystemClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapse-switches-'));
  const fileOf = async (name: string, content: object): Promise<string> => {
    const file = join(folder, `${name}.json`);
    await writeFile(file, JSON.stringify(content));
    return file;
  };
  const credential = {
    environment: 'test',
    api_key: 'klarna_test_api_of-acquirer-not-a-real-key',
    acquirer_account_id: acquirer,
    default_session_timeout: 'PT10M',
  };
  system = await startLocalProcess(
    '--accounts',
    await fileOf('accounts', {}),
    '--credentials',
    await fileOf('credentials', { acquirer: credential }),
  );
  lapse = new SystemClient(system);
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toBe(0);
  await rm(folder, { recursive: true });
});

/** One more minute, and the sweep would act beside the timer. */
const pass = (minutes: number) => lapse.control('POST', '/clock', { advanceMs: minutes * 60_000 });

const set = async (account: string, settings: object): Promise<void> => {
  expect((await lapse.api('PUT', '/settings', settings, account)).status).toBe(200);
  // Functions read the settings again after 30 seconds.
  await pass(1);
};

async function registered(account: string, body: object = {}): Promise<string> {
  const partner_account_id = `krn:partner:global:account:test:${account.toUpperCase()}`;
  const id = await lapse.createAtKlarna({ partner_account_id });
  expect((await lapse.api('PUT', `/payment-requests/${id}`, body, account)).status).toBe(201);
  return id;
}

const recordOf = async (account: string, id: string) =>
  (await lapse.api('GET', `/payment-requests/${id}`, undefined, account)).body;

const until = (account: string, id: string, expected: object) =>
  expect.poll(() => recordOf(account, id), { timeout: 20_000 }).toMatchObject(expected);

const listed = async (account: string, query: string) => {
  const { body } = await lapse.api('GET', `/payment-requests?${query}`, undefined, account);
  return (body['payment_requests'] as readonly Record<string, unknown>[]).map(
    (each) => each['payment_request_id'],
  );
};

it('an account that observes cancels nothing, publishes what it would have canceled, and lists it for good', async () => {
  const account = 'm5observes';
  await set(account, { observe: true, kinds: { 'pay-link': 'cancel' } });
  const id = await registered(account);
  const link = await registered(account, { kind: 'pay-link' });
  expect(await recordOf(account, id)).toMatchObject({ on_timeout: 'observe', observed_by: 'account' });
  await pass(10);
  await until(account, id, { timer: 'fired', state: null, would_cancel: { reason: 'account' } });
  await until(account, link, { state: 'CANCELED', kind: 'pay-link', would_cancel: null });
  expect(await lapse.callsAtKlarna(id)).toEqual([]);
  await expect
    .poll(async () => (await lapse.events()).map((event) => [event['detail-type'], event['detail']]), {
      timeout: 20_000,
    })
    .toContainEqual([
      'Payment Request Would Have Canceled',
      expect.objectContaining({ cause: 'account', account, payment_request_id: id }),
    ]);
  await expect.poll(() => listed(account, 'would_cancel=true'), { timeout: 10_000 }).toEqual([id]);
  // The customer whom the timeout would have cut off.
  await lapse.customer(id, 'start');
  await lapse.customer(id, 'approve');
  await lapse.api('GET', `/payment-requests/${id}?refresh=true`, undefined, account);
  expect(await listed(account, 'would_cancel=true&state=COMPLETED')).toEqual([id]);
});

it('a cut-off observes what was registered before it, and cancels what comes after it', async () => {
  const account = 'm5cutoff';
  const old = await registered(account, { on_timeout: 'cancel' });
  await pass(1);
  const { body } = await lapse.control('GET', '/clock');
  await set(account, { armed_from: new Date(Date.parse(String(body['now']))).toISOString() });
  const young = await registered(account, { on_timeout: 'cancel' });
  await pass(10);
  await until(account, young, { state: 'CANCELED', would_cancel: null });
  await until(account, old, { final: false, on_timeout: 'observe', would_cancel: { reason: 'armed_from' } });
  expect(await lapse.callsAtKlarna(old)).toEqual([]);
});

it('a rule for a kind of checkout that is set later counts for the sessions that are registered', async () => {
  const account = 'm5kinds';
  const id = await registered(account, { kind: 'invoice' });
  const other = await registered(account);
  await set(account, { kinds: { invoice: 'observe' } });
  await pass(10);
  await until(account, other, { state: 'CANCELED' });
  await until(account, id, { state: null, would_cancel: { reason: 'kind' } });
});

it('a dry run of the sweep tells what it would cancel and what it would only observe, and changes nothing', async () => {
  const account = 'm5preview';
  const kept = await registered(account, { on_timeout: 'observe', session_timeout: 'PT20M' });
  const ended = await registered(account, { session_timeout: 'PT20M' });
  const { body } = await lapse.control('GET', '/clock');
  const at = new Date(Date.parse(String(body['now'])) + 22 * 60_000).toISOString();
  const preview = async () => {
    const response = await fetch(`${system.api}/sweep-preview?limit=100&at=${at}`);
    expect(response.status).toBe(200);
    const { first } = (await response.json()) as { readonly first: readonly Record<string, unknown>[] };
    return first.filter((each) => each['account'] === account);
  };
  await expect.poll(preview, { timeout: 10_000 }).toHaveLength(2);
  expect(await preview()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ payment_request_id: kept, action: 'observe', reason: 'session' }),
      expect.objectContaining({ payment_request_id: ended, action: 'cancel', reason: null }),
    ]),
  );
  expect([await lapse.callsAtKlarna(kept), await lapse.callsAtKlarna(ended)]).toEqual([[], []]);
  expect((await recordOf(account, ended))['version']).toBe(1);
  const command = ['sweep', 'preview', '--at', at, '--limit', '100', '--json', '--control', system.control];
  const { lines, code } = await runCommand(command);
  expect([code, lines.length]).toEqual([0, 1]);
  expect(lines[0]).toContain(ended);
  const refused = await fetch(`${system.api}/sweep-preview?at=soon`);
  expect(refused.status).toBe(400);
});
