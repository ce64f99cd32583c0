import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultAccounts } from '../../local/secrets/default-secrets.ts';
import { runCommand, startCommand } from '../support/command-line.ts';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { newPaymentRequestId, SystemClient } from '../support/system-client.ts';

let system: LocalProcess;
let lapse: SystemClient;

beforeAll(async () => {
  system = await startLocalProcess();
  lapse = new SystemClient(system);
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toBe(0);
});

/** Runs a command as an operator does. */
const run = (...command: readonly string[]) => runCommand([...command, '--control', system.control]);

/** The lines of a command that succeeds, as JSON. */
async function json(...command: readonly string[]): Promise<Record<string, unknown>[]> {
  const { lines, errors, code } = await run(...command, '--json');
  expect({ errors, code }).toMatchObject({ code: 0 });
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A request at Klarna and in the system, with a session of its own. */
async function registered(fields: Record<string, unknown> = {}): Promise<string> {
  const id = await lapse.createAtKlarna();
  expect((await lapse.register(id, { session_timeout: 'PT10M', ...fields })).status).toBe(201);
  return id;
}

describe('reading', () => {
  it('show prints the record, and reads it at Klarna first with --refresh', async () => {
    const id = await registered({ reference: 'order-1' });
    const shown = await run('show', `demo/${id}`);
    expect(shown).toMatchObject({ code: 0, errors: [] });
    expect(shown.lines).toContainEqual(expect.stringMatching(/^reference +order-1$/));
    const [record] = await json('show', id, '--account', 'demo', '--refresh');
    expect(record).toMatchObject({ payment_request_id: id, state: 'SUBMITTED', refresh: 'refreshed' });
  });

  it('explain says what the state is known from, when the deadline is, and what happened', async () => {
    const id = await registered({ session_id: 'cart-explained' });
    await json('show', `demo/${id}`, '--refresh');
    const { lines, code } = await run('explain', `demo/${id}`);
    expect(code).toBe(0);
    const text = lines.join('\n');
    expect(text).toMatch(/SUBMITTED since \S+, known by .*The customer can still pay\./);
    expect(text).toContain('It belongs to session cart-explained.');
    expect(text).toMatch(/Its deadline is \S+ \(in PT(?:9M\d+S|10M)\)\. Its timer is set\./);
    expect(text).toMatch(/History:\n {2}\S+ {2}/);
  });

  it('history lists each entry with its explanation', async () => {
    const id = await registered();
    const { lines } = await run('history', `demo/${id}`);
    expect(lines[0]).toMatch(/^RECORDED AT +KIND +EFFECT +STATE +EXPLANATION/);
    const entries = await json('history', `demo/${id}`);
    expect(entries.map(({ kind }) => kind)).toContain('register');
  });

  it.each(['show', 'explain', 'history'])(
    '%s of an unknown request ends with exit code 2',
    async (command) => {
      const name = `demo/${newPaymentRequestId()}`;
      expect(await run(command, name)).toEqual({
        code: 2,
        lines: [],
        errors: [`There is no record of ${name}.`],
      });
    },
  );
});

describe('canceling and extending', () => {
  it('a dry run of cancel says what would happen, and cancels nothing', async () => {
    const id = await registered();
    expect((await run('cancel', `demo/${id}`, '--dry-run')).lines).toEqual([
      expect.stringMatching(/would be canceled/),
    ]);
    expect((await lapse.record(id))['state']).not.toBe('CANCELED');
  });

  it('cancel asks first, and does nothing where the operator declines or is not there', async () => {
    const id = await registered();
    const command = ['cancel', `demo/${id}`, '--control', system.control];
    expect(await runCommand(command, { response: 'n' })).toMatchObject({ lines: ['Nothing was done.'] });
    expect(await runCommand(command)).toMatchObject({ code: 2, lines: [] });
    expect((await lapse.record(id))['state']).not.toBe('CANCELED');
    expect(await runCommand(command, { response: 'y' })).toMatchObject({
      code: 0,
      lines: [`demo/${id}: canceled.`],
    });
    expect(await run('cancel', `demo/${id}`, '--yes')).toMatchObject({
      code: 0,
      lines: [`demo/${id}: was canceled before.`],
    });
  });

  it('cancel leaves a paid request as it is, and fails with exit code 1', async () => {
    const id = await registered();
    await lapse.customer(id, 'approve');
    const result = await run('cancel', `demo/${id}`, `demo/${newPaymentRequestId()}`, '--yes');
    expect(result.code).toBe(1);
    expect(result.lines).toEqual([
      expect.stringContaining('left as it is, because it is COMPLETED'),
      expect.stringContaining('Klarna does not know it'),
    ]);
    expect((await lapse.record(id))['state']).toBe('COMPLETED');
  });

  it('one malformed name leaves the others unchanged', async () => {
    const id = await registered();
    for (const wrong of ['demo/x', `Demo/${id}`, `demo/${id}/more`, id, '/']) {
      expect(await run('cancel', `demo/${id}`, wrong, '--yes')).toMatchObject({ code: 2, lines: [] });
    }
    expect((await lapse.record(id))['state']).not.toBe('CANCELED');
  });

  it('the reason of a cancel is in the history', async () => {
    const id = await registered();
    await json('cancel', `demo/${id}`, '--yes', '--reason', 'ordered by telephone');
    expect((await lapse.record(id))['cancellation']).toMatchObject({ reason: 'ordered by telephone' });
    expect(await run('cancel', `demo/${id}`, '--yes', '--reason', 'a\u0007b')).toMatchObject({ code: 2 });
  });

  it('extend moves the deadline, and refuses what the limits do not allow', async () => {
    const id = await registered();
    const wanted = new Date(Date.now() + 1_200_000).toISOString();
    expect((await run('extend', `demo/${id}`, '--deadline-at', wanted, '--dry-run')).lines).toEqual([
      expect.stringContaining(`would move from`),
    ]);
    expect((await lapse.record(id))['extensions']).toBe(0);
    expect(await run('extend', `demo/${id}`, '--deadline-at', wanted)).toMatchObject({
      code: 0,
      lines: [expect.stringContaining('the deadline is 20')],
    });
    expect(await run('extend', `demo/${id}`, '--session-timeout', 'PT60H')).toMatchObject({ code: 1 });
    for (const wrong of [[], ['--session-timeout', 'soon'], ['--deadline-at', 'tomorrow']])
      expect(await run('extend', `demo/${id}`, ...wrong)).toMatchObject({ code: 2, lines: [] });
  });
});

describe('lists, sessions, references and jobs', () => {
  const session = 'cart-of-two';
  let ids: readonly string[];
  beforeAll(async () => {
    const fields = { session_id: session, reference: 'order-of-two' };
    ids = [await registered(fields), await registered(fields)];
  });

  it('list shows open requests, or those of a session, at most as many as --limit', async () => {
    const found = await json('list', '--account', 'demo', '--session', session);
    expect(found.map((each) => each['payment_request_id']).toSorted()).toEqual([...ids].toSorted());
    const { lines } = await run('list', '--account', 'demo', '--session', session, '--limit', '1');
    expect(lines).toHaveLength(3);
    expect(lines[2]).toBe('There are more: --limit is 1.');
    for (const wrong of [
      ['--state', 'CANCELED'],
      ['--limit', '0'],
      ['--due-before', 'soon'],
      ['--session', 'a/b'],
    ])
      expect(await run('list', '--account', 'demo', ...wrong)).toMatchObject({ code: 2, lines: [] });
  });

  it.each([
    ['list', '--account', 'dmeo'],
    ['attention', 'list', '--account', 'dmeo'],
    ['jobs', 'list', '--account', 'dmeo'],
    ['insight', 'timeouts', '--account', 'dmeo'],
    ['erase', '--account', 'dmeo', '--session', 'cart-7', '--dry-run'],
  ])('%s refuses an account that nothing serves', async (...command) => {
    const { errors, code } = await run(...command);
    expect([errors, code]).toEqual([
      ['--account is dmeo; allowed: an account with an entry or on a credential.'],
      2,
    ]);
  });

  it('cancel goes on after a name that the API refuses, and fails with exit code 1', async () => {
    const ids = [await lapse.createAtKlarna(), await lapse.createAtKlarna()] as const;
    const names = [`demo/${ids[0]}`, `dmeo/${ids[0]}`, `demo/${ids[1]}`];
    const { lines, code } = await run('cancel', ...names, '--yes');
    expect(lines.join('\n')).toMatch(/dmeo\/\S+: refused\. account is "dmeo"/);
    expect([lines.length, code]).toEqual([3, 1]);
    for (const id of ids) expect((await lapse.record(id))['state']).toBe('CANCELED');
  });

  it('what the API refuses as invalid is a sentence, and the exit code is 2', async () => {
    const start = ['jobs', 'start', 'in-the-future', '--account', 'demo'];
    const { errors, code } = await run(...start, '--created-before', '2999-01-01T00:00:00Z', '--dry-run');
    expect(errors.join()).toMatch(/^created_before is "2999-01-01T00:00:00Z"; allowed: a time in the past/);
    expect(code).toBe(2);
  });

  it('a job in a dry run reports what it would cancel, and a real one cancels', async () => {
    const job = ['--account', 'demo', '--request', ...ids];
    expect(await run('jobs', 'start', 'try-1', ...job, '--dry-run')).toMatchObject({ code: 0 });
    await lapse.control('POST', '/sweep');
    await expect
      .poll(async () => (await json('jobs', 'show', 'try-1', '--account', 'demo'))[0]?.['status'])
      .toBe('done');
    const report = await json('jobs', 'report', 'try-1', '--account', 'demo');
    expect(report.map(({ outcome }) => outcome)).toEqual(['would_cancel', 'would_cancel']);
    expect((await json('jobs', 'list', '--account', 'demo'))[0]).toMatchObject({ job_id: 'try-1' });
    expect(await run('jobs', 'start', 'try-1', ...job, '--yes')).toMatchObject({ code: 1 });
    expect((await run('jobs', 'stop', 'try-1', '--account', 'demo', '--yes')).code).toBe(0);
    for (const wrong of [
      ['jobs', 'start', 'try-2', '--account', 'demo', '--yes'],
      ['jobs', 'start', 'a/b', '--account', 'demo', '--session', session, '--yes'],
      ['jobs', 'show', 'unknown', '--account', 'demo'],
      ['jobs', 'report', 'unknown', '--account', 'demo'],
      ['jobs', 'start', 'try-3', '--account', 'demo', '--request', `other/${ids[0]}`, '--yes'],
    ])
      expect(await run(...wrong)).toMatchObject({ code: 2, lines: [] });
  });

  it('sessions and references show a status, and cancel what is open', async () => {
    expect((await run('references', 'show', 'order-of-two', '--account', 'demo')).lines[0]).toBe(
      'The reference order-of-two is open.',
    );
    const dryRun = await json('sessions', 'cancel', session, '--account', 'demo', '--dry-run');
    expect(dryRun[0]).toMatchObject({ status: 'open' });
    const canceled = await run('sessions', 'cancel', session, '--account', 'demo', '--yes');
    expect(canceled.lines.at(-1)).toBe(`The session ${session} is ended.`);
    expect((await json('sessions', 'show', session, '--account', 'demo'))[0]).toMatchObject({
      status: 'ended',
    });
    expect(await run('references', 'cancel', 'order-of-two', '--account', 'demo', '--yes')).toMatchObject({
      code: 0,
    });
    expect(await run('sessions', 'show', 'unknown', '--account', 'demo')).toMatchObject({ code: 2 });
  });
});

describe('following', () => {
  it('tail follows the lines of all functions about one request, and ends when it is interrupted', async () => {
    const id = await lapse.createAtKlarna();
    const tail = await startCommand(['tail', '--id', id, '--control', system.control]);
    await lapse.register(id, { session_timeout: 'PT10M' });
    await lapse.cancel(id);
    await expect.poll(() => tail.lines.length).toBeGreaterThan(0);
    expect(await tail.interrupt()).toBe(0);
    expect(tail.errors).toEqual([]);
    expect(tail.lines[0]).toMatch(/^\d{4}-\S+Z {2}[a-z-]+ +(?:INFO|WARN) {3}\S+ .*payment_request_id=krn/);
    const all = await json('tail', '--no-follow', '--account', 'demo');
    expect(all).toContainEqual(expect.objectContaining({ payment_request_id: id, account: 'demo' }));
  });

  it('listen shows the events of a session, and posts them to this machine with the key', async () => {
    const received: { body: string; key: unknown }[] = [];
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        received.push({ body, key: request.headers['x-api-key'] });
        response.writeHead(received.length === 1 ? 200 : 500).end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const words = ['--session', 'cart-heard', '--forward-to', `http://127.0.0.1:${port}/`, '--forward-key'];
    const command = ['listen', ...words, '--control', system.control];
    const listening = await startCommand(command, { secret: 'planted-key' });
    await expect.poll(() => listening.lines.length).toBe(1);
    const other = await registered({ session_id: 'cart-not-heard' });
    const id = await registered({ session_id: 'cart-heard' });
    await lapse.cancel(other);
    await lapse.cancel(id);
    await expect.poll(() => received.length).toBeGreaterThan(1);
    await expect.poll(() => listening.lines.at(-1)).toMatch(/: 500$/);
    // A delivery that the endpoint refused is a problem.
    expect(await listening.interrupt()).toBe(1);
    server.close();
    const shown = [...listening.lines, ...listening.errors].join('\n');
    expect(shown).toMatch(/Payment Request Registered {2}demo\/krn.*cart-heard/);
    expect(shown).toContain(`http://127.0.0.1:${port}/: 200`);
    expect(shown).not.toContain('planted-key');
    expect(shown).not.toContain(other);
    expect(received.every(({ key }) => key === 'planted-key')).toBe(true);
    expect(received.map(({ body }) => JSON.parse(body) as unknown)).toContainEqual(
      expect.objectContaining({ source: 'lapse', 'detail-type': 'Payment Request Registered' }),
    );
  });
});

describe('try', () => {
  const { api_key: key, partner_account_id: partner } = defaultAccounts.demo;
  const creation = { target: 'klarna', call: `POST /v2/accounts/${partner}/payment/requests` };

  it('ends a real test request by its timeout, and sees its webhook', async () => {
    const { lines, errors, code } = await run('try', '--timeout', 'PT2S');
    expect({ errors, code }).toEqual({ errors: [], code: 0 });
    expect(lines[0]).toMatch(/^Created at Klarna: krn:payment:/);
    expect(lines.join('\n')).toMatch(/Canceled by its timeout\.[^]*Its webhook arrived[^]*It works: demo/);
    expect(lines.join('\n')).not.toContain(key);
  });

  it('cancels the request where it is interrupted', async () => {
    const trial = await startCommand(['try', '--control', system.control]);
    await expect.poll(() => trial.lines.length).toBeGreaterThan(1);
    expect(await trial.interrupt()).toBe(1);
    const id = /krn:\S+/.exec(trial.lines[0] ?? '')?.[0] ?? '';
    expect(await lapse.record(id)).toMatchObject({ state: 'CANCELED', timer: 'removed' });
    const { body } = await lapse.simulator('GET', `/payment-requests/${id}`);
    expect(body['payment_request']).toMatchObject({ state: 'CANCELED' });
  });

  it('finds one request where the response to its creation was lost', async () => {
    const lost = { ...creation, kind: 'unavailable', effect: true };
    const injected = await lapse.control('POST', '/faults', lost);
    expect(injected.status, JSON.stringify(injected.body)).toBe(201);
    const { lines, code } = await run('try', '--timeout', 'PT1S');
    expect({ code, lines }).toMatchObject({ code: 0 });
    const { body } = await lapse.simulator('GET', '/calls');
    const posts = (body['calls'] as Record<string, unknown>[]).filter(({ method }) => method === 'POST');
    // The first response was lost, and the second call got it again.
    expect(posts.slice(-2).map(({ fault }) => fault)).toEqual(['unavailable', null]);
  });

  it('says why Klarna refused the creation, without the key', async () => {
    await lapse.control('POST', '/faults', { ...creation, kind: 'unauthorized' });
    const { lines, errors, code } = await run('try');
    expect({ lines, code }).toEqual({ lines: [], code: 1 });
    expect(errors.join()).toMatch(
      /^Klarna responded 401 UNAUTHORIZED .*to the creation of a Payment Request\.$/,
    );
    expect(errors.join()).not.toContain(key);
  });

  it.each([
    ['--timeout', 'PT2H'],
    ['--timeout', 'soon'],
    ['--currency', 'euro'],
    ['--amount', '0'],
    ['--account', 'unknown'],
  ])('refuses %s %s, and creates nothing', async (...option) => {
    expect(await run('try', ...option)).toMatchObject({ code: 2, lines: [] });
  });
});

describe('trigger', () => {
  it('sends a delivery that is signed with the key of the account', async () => {
    const id = await registered();
    const { lines, code } = await run('trigger', 'IN_PROGRESS', '--account', 'demo', '--id', id);
    expect({ lines, code }).toEqual({
      code: 0,
      lines: [`IN_PROGRESS of demo/${id} was accepted. The record is IN_PROGRESS.`],
    });
    const [created] = await json('trigger', 'COMPLETED', '--account', 'demo');
    expect(created).toMatchObject({ outcome: 'accepted', status: 200, record: { state: 'COMPLETED' } });
    const [dryRun] = await json('trigger', 'CANCELED', '--account', 'demo', '--id', id, '--dry-run');
    expect(dryRun).toMatchObject({ outcome: 'would_send' });
    expect((await lapse.record(id))['state']).toBe('IN_PROGRESS');
  });

  it.each([
    ['an unknown account', ['COMPLETED', '--account', 'unknown']],
    ['a malformed id', ['COMPLETED', '--account', 'demo', '--id', 'x']],
    ['another state', ['PAID', '--account', 'demo']],
    ['an id with a credential', ['COMPLETED', '--id', 'x', '--credential', 'c']],
  ])('refuses %s', async (_, words) => {
    expect(await run('trigger', ...words)).toMatchObject({ code: 2, lines: [] });
  });
});

describe('accounts', () => {
  const planted = 'klarna_test_api_planted-in-accounts';
  const control = () => ['--control', system.control];

  it('an entry is added, listed, changed and removed, and no output has its key', async () => {
    const output: string[] = [];
    const step = async (...words: string[]) => {
      const result = await runCommand(['accounts', ...words, ...control()], { secret: planted });
      output.push(...result.lines, ...result.errors);
      return result;
    };
    expect(await step('add', 'second', '--env', 'test', 'observe=true', '--dry-run')).toMatchObject({
      code: 0,
      lines: ['secret accounts: + second: observe, environment, api_key', 'Nothing was written.'],
    });
    expect(await step('set', 'second', 'observe=false')).toMatchObject({ code: 2 });
    expect(await step('add', 'second', '--env', 'test', '--yes')).toMatchObject({ code: 0 });
    expect(await step('add', 'second', '--env', 'test', '--yes')).toMatchObject({ code: 2 });
    expect((await step('list')).lines.join('\n')).toMatch(/^second +test/m);
    expect(await step('set', 'second', 'max_sessions=PT2H', '--yes')).toMatchObject({ code: 2 });
    expect(await step('set', 'second', 'max_session=PT2H', '--yes')).toMatchObject({ code: 0 });
    expect(await step('set', 'second', 'max_session=PT2H', '--yes')).toMatchObject({
      lines: ['Nothing changes.'],
    });
    expect(await step('remove', 'second', '--yes')).toMatchObject({ code: 0 });
    expect((await step('list')).lines.join('\n')).not.toMatch(/^second/m);
    expect(output.join()).not.toContain('planted');
  });

  it('import takes entries with keys from standard input only, all or none', async () => {
    const entry = { environment: 'test', api_key: planted };
    const run = (value: object) =>
      runCommand(['accounts', 'import', '-', '--yes', ...control()], { secret: JSON.stringify(value) });
    const refused = await run({ third: entry, fourth: { ...entry, api_kee: 'planted' } });
    expect(refused).toMatchObject({ code: 2, lines: [] });
    expect(refused.errors.join()).toMatch(/entry fourth: api_kee is not a setting; did you mean api_key/);
    expect(refused.errors.join()).not.toContain('planted');
    expect(await run({ third: entry, fourth: entry })).toMatchObject({
      code: 0,
      lines: expect.arrayContaining(['secret accounts: + third: environment, api_key']) as unknown,
    });
    const { lines } = await runCommand(['accounts', 'list', '--json', ...control()]);
    expect(lines.map((line) => (JSON.parse(line) as { name: string }).name)).toEqual(
      expect.arrayContaining(['third', 'fourth']),
    );
    for (const name of ['third', 'fourth'])
      expect(await runCommand(['accounts', 'remove', name, '--yes', ...control()])).toMatchObject({
        code: 0,
      });
  });
});

describe('console', () => {
  it('serves the page for a system to its own origin, and ends when it is interrupted', async () => {
    const id = await registered({ session_id: 'cart-in-console' });
    const words = ['console', '--port', '0', '--account', 'demo', '--json', '--control', system.control];
    const running = await startCommand(words);
    await expect.poll(() => running.lines.length).toBe(1);
    const { url } = JSON.parse(running.lines[0] ?? '') as { url: string };
    const ask = async (path: string, init: RequestInit = {}) => {
      const response = await fetch(`${url}${path}`, { headers: { 'x-lapse-page': '1' }, ...init });
      return { status: response.status, text: await response.text() };
    };
    expect((await ask('/page.js')).text.length).toBeGreaterThan(10_000);
    expect((await ask('/control/sessions?account=demo')).text).toContain(id);
    expect((await ask('/control/sessions?account=demo&search=cart-in-console')).text).toContain(id);
    const path = `/api/accounts/demo/payment-requests/${id}`;
    expect((await ask(path, { method: 'DELETE', headers: {} })).status).toBe(403);
    expect((await lapse.record(id))['state']).not.toBe('CANCELED');
    expect((await ask(path, { method: 'DELETE' })).status).toBe(200);
    expect((await lapse.record(id))['state']).toBe('CANCELED');
    expect(await running.interrupt()).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  });
});
