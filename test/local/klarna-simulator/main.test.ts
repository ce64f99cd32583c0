import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { signDelivery } from '../../../local/klarna-simulator/sign-delivery.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { signingKey, SimulatorClient, subscribed } from './running-simulator.ts';
import { startWebhookReceiver } from './webhook-receiver.ts';

/** The simulator in a process of its own, with its configuration in a file. */
async function startProcess(folder: string, configuration: object, ...options: readonly string[]) {
  const file = path.join(folder, 'configuration.json');
  await writeFile(file, JSON.stringify(configuration));
  const child = spawn(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    'local/klarna-simulator/main.ts',
    ...['--port', '0', '--data', path.join(folder, 'data'), '--config', file],
    ...options,
  ]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const violations: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => violations.push(chunk.toString()));
  const ended = once(child, 'close') as Promise<[number | null]>;
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    ended.then(() => [undefined]),
  ])) as [string | undefined];
  const { listening = '' } = JSON.parse(line ?? '{}') as { listening?: string };
  return {
    child,
    klarna: new SimulatorClient(listening),
    ended: async () => (await ended)[0],
    violation: () => violations.join(''),
  };
}

const noWebhooks = { signingKeys: {}, webhooks: [] };

describe('the simulator’s end', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('the simulator ends cleanly on %s during calls', async (signal) => {
    const { child, klarna, ended } = await startProcess(await temporaryFolder(), noWebhooks);
    await klarna.fault({ kind: 'hang' });
    const hanging = expect(klarna.read('x')).rejects.toThrow('fetch failed');
    await expect.poll(() => klarna.list('calls')).toHaveLength(1);
    child.kill(signal);
    expect(await ended()).toBe(0);
    await hanging;
  });

  it('the simulator ends when its parent does', async () => {
    const { child, ended } = await startProcess(await temporaryFolder(), noWebhooks);
    child.stdin.end();
    expect(await ended()).toBe(0);
  });
});

it.each<[object, readonly string[], string]>([
  [{ speed: 1 }, [], 'speed is not a field; allowed: completedCanBeCanceled,'],
  [
    { webhooks: [{ url: 'http://127.0.0.1/', signing_key_id: 'k' }] },
    [],
    'signing_key_id is k; allowed: an id in',
  ],
  [
    { webhooks: [{ url: 'here', signing_key_id: 'k' }] },
    [],
    'webhooks.0.url is "here"; allowed: an http or https URL.',
  ],
  [{}, ['--port', 'x'], '--port is x; allowed: 0 to 65535.'],
  [{}, ['--speed', '1'], "Unknown option '--speed'"],
])('one sentence says what is wrong with %j %j', async (configuration, options, sentence) => {
  const { ended, violation } = await startProcess(await temporaryFolder(), configuration, ...options);
  expect(await ended()).toBe(1);
  expect(violation()).toContain(sentence);
  expect(violation().trim().split('\n')).toHaveLength(1);
});

describe('a simulator with a data folder', () => {
  it('the simulator has its data after a kill', async () => {
    const folder = await temporaryFolder();
    const first = await startProcess(folder, noWebhooks);
    const id = await first.klarna.place({ payment_request_reference: 'kept' });
    await first.klarna.do(id, 'start');
    const canceled = await first.klarna.place();
    await first.klarna.cancel(canceled);
    const { json: key } = await first.klarna.api('POST', '/v2/notification/signing-keys');
    const { json: webhook } = await first.klarna.api('POST', '/v2/notification/webhooks', {
      url: 'http://127.0.0.1:2/',
      event_types: ['payment.*'],
      event_version: 'v2',
      signing_key_id: key['signing_key_id'],
    });
    const before = await Promise.all([first.klarna.list('payment-requests'), first.klarna.list('calls')]);
    first.child.kill('SIGKILL');
    await first.ended();

    const { klarna } = await startProcess(folder, noWebhooks);
    expect(await Promise.all([klarna.list('payment-requests'), klarna.list('calls')])).toEqual(before);
    expect((await klarna.read(id)).json).toMatchObject({
      state: 'IN_PROGRESS',
      payment_request_reference: 'kept',
    });
    const { json } = await klarna.api('GET', '/v2/notification/webhooks');
    expect(json).toEqual({ webhooks: [webhook] });
  });

  it('the simulator continues an undelivered webhook after a kill, at its place in the schedule', async () => {
    const folder = await temporaryFolder();
    const down = { ...subscribed('http://127.0.0.1:2/'), clockScale: 100 };
    const first = await startProcess(folder, down);
    await first.klarna.do(await first.klarna.place(), 'start');
    await expect
      .poll(() => first.klarna.list('deliveries'), { timeout: 5_000 })
      .toMatchObject([{ attempts: [{ error: 'ECONNREFUSED' }, { error: 'ECONNREFUSED' }] }]);
    const [before] = await first.klarna.list('deliveries');
    first.child.kill('SIGKILL');
    await first.ended();

    // The same subscription by its place in the list, although the port differs.
    const receiver = await startWebhookReceiver();
    const { klarna } = await startProcess(folder, { ...subscribed(receiver.url), clockScale: 100 });
    await receiver.hasReceived(1);
    const [delivery] = receiver.received;
    expect(delivery?.headers['klarna-signature']).toBe(signDelivery(delivery?.bytes ?? '', signingKey));
    await expect
      .poll(() => klarna.list('deliveries'))
      .toMatchObject([
        {
          event_id: before?.['event_id'],
          status: 'delivered',
          attempts: [{ error: 'ECONNREFUSED' }, { error: 'ECONNREFUSED' }, { status: 200 }],
        },
      ]);
    const [after] = await klarna.list('deliveries');
    const [, , third] = after?.['attempts'] as { at: string }[];
    expect(third?.at.localeCompare(String(before?.['next_attempt_at']))).toBeGreaterThanOrEqual(0);
  });

  it('the simulator applies after a kill what expired meanwhile, and deletes what had expired', async () => {
    const folder = await temporaryFolder();
    const settings = { deletionDelayMs: 100 };
    const first = await startProcess(folder, { ...noWebhooks, ...settings });
    await first.klarna.place({ expires_at: new Date(Date.now() + 1_000).toISOString() });
    first.child.kill('SIGKILL');
    await first.ended();

    const receiver = await startWebhookReceiver();
    const { klarna } = await startProcess(folder, { ...subscribed(receiver.url), ...settings });
    await receiver.hasReceived(1);
    expect(receiver.states()).toEqual(['EXPIRED']);
    await expect
      .poll(() => klarna.list('payment-requests'))
      .toMatchObject([{ state: 'EXPIRED', deleted_at: expect.any(String) as string }]);
  });

  it('a restart undoes no call that was made about configured keys and webhooks', async () => {
    const folder = await temporaryFolder();
    const configuration = (url: string) => ({
      apiKeys: { first: {}, second: {} },
      signingKeys: { old: 'one', unused: 'two' },
      webhooks: [{ url, signing_key_id: 'old' }],
    });
    const first = await startProcess(folder, configuration('http://127.0.0.1:2/'));
    const call = (klarna: SimulatorClient, method: string, path: string, body?: unknown) =>
      klarna.api(method, path, body, { authorization: 'Basic first' });
    const webhooksIn = async (klarna: SimulatorClient) =>
      (await call(klarna, 'GET', '/v2/notification/webhooks')).json['webhooks'] as { webhook_id: string }[];
    const [webhook] = await webhooksIn(first.klarna);
    const { json: key } = await call(first.klarna, 'POST', '/v2/notification/signing-keys');
    const { signing_key_id } = key as { signing_key_id: string };
    const item = `/v2/notification/webhooks/${String(webhook?.webhook_id)}`;
    await call(first.klarna, 'PATCH', item, { signing_key_id });
    await call(first.klarna, 'DELETE', '/v2/notification/signing-keys/old');
    const apiKeyPath = '/v2/account/integration/credentials/api-key';
    const listed = (await call(first.klarna, 'GET', apiKeyPath)).json['credentials'] as {
      credential_id: string;
    }[];
    await call(first.klarna, 'DELETE', `${apiKeyPath}/${String(listed[1]?.credential_id)}`);
    first.child.kill('SIGKILL');
    await first.ended();

    const { klarna } = await startProcess(folder, configuration('http://127.0.0.1:3/'));
    expect(await webhooksIn(klarna)).toMatchObject([{ url: 'http://127.0.0.1:3/', signing_key_id }]);
    const { json } = await call(klarna, 'GET', '/v2/notification/signing-keys');
    expect(json['signing_keys']).toMatchObject([{ signing_key_id: 'unused' }, { signing_key_id }]);
    const refused = { authorization: 'Basic second' };
    expect((await klarna.api('GET', '/v2/notification/webhooks', undefined, refused)).status).toBe(401);
  });
});
