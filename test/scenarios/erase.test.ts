/** A person asks a shop to erase what is stored about a checkout. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommand } from '../support/command-line.ts';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { SystemClient } from '../support/system-client.ts';

let system: LocalProcess;
let lapse: SystemClient;

beforeAll(async () => {
  system = await startLocalProcess();
  lapse = new SystemClient(system);
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toBe(0);
});

const run = (...command: readonly string[]) =>
  runCommand([...command, '--control', system.control, '--account', 'demo']);

it('a session is erased once it has ended, and a late webhook does not bring it back', async () => {
  const session_id = `cart-${randomUUID()}`;
  const reference = `order-${randomUUID()}`;
  const id = await lapse.createAtKlarna({ payment_request_reference: reference });
  await lapse.register(id, { session_timeout: 'PT10M', session_id, reference });

  const refused = await run('erase', '--session', session_id, '--yes');
  expect(refused.code).toBe(1);
  expect(refused.lines.join('\n')).toContain('not erased, because the customer can still pay');

  await lapse.cancel(id, '?reason=Anna%20asked');
  const dryRun = await run('erase', '--session', session_id, '--dry-run');
  expect(dryRun.lines[0]).toBe(`demo/${id}: would be erased`);
  expect((await lapse.record(id))['session_id']).toBe(session_id);

  const job_id = `job-${randomUUID()}`;
  await lapse.api('PUT', `/cancel-jobs/${job_id}`, { session_id, reason: 'Anna asked', dry_run: true });
  await expect
    .poll(async () => (await lapse.api('GET', `/cancel-jobs/${job_id}`)).body['status'], { timeout: 30_000 })
    .toBe('done');

  const erased = await run('erase', '--session', session_id, '--yes');
  expect([erased.code, erased.lines[0]]).toEqual([0, `demo/${id}: erased`]);
  const gone = async (path: string) => expect((await lapse.api('GET', path)).status).toBe(404);
  await gone(`/payment-requests/${id}`);
  await gone(`/payment-requests/${id}/history`);
  await expect.poll(async () => (await lapse.api('GET', `/sessions/${session_id}`)).status).toBe(404);

  const { body: job } = await lapse.api('GET', `/cancel-jobs/${job_id}`);
  expect(job).toMatchObject({ done: 1, reason: null, selected: { by: 'session_id', session_id: null } });
  const { body: report } = await lapse.api('GET', `/cancel-jobs/${job_id}/report`);
  expect(report).toMatchObject({ payment_requests: [] });

  const late = await lapse.deliver(id, 'COMPLETED', {
    occurredAt: new Date(Date.now() + 60_000).toISOString(),
    payload: { payment_request_reference: reference },
  });
  expect(late.status).toBe(200);
  await gone(`/payment-requests/${id}`);
  await gone(`/references/${reference}`);
  expect((await lapse.register(id, { session_timeout: 'PT10M', session_id })).status).toBe(409);
  expect((await run('erase', '--id', id, '--yes')).lines[0]).toBe(`demo/${id}: was erased before`);
});

it('a session that was registered by reference is found by its id, and stays while it waits', async () => {
  const session_id = `cart-${randomUUID()}`;
  const reference = `order-${randomUUID()}`;
  await lapse.api('PUT', `/references/${reference}`, { session_timeout: 'PT10M', session_id });
  const { code, lines } = await run('erase', '--session', session_id, '--yes');
  expect([code, lines[0]]).toEqual([
    1,
    `reference ${reference}: not erased, because a session or a cancel still waits for it. Try again when that is over`,
  ]);
});

it('a command that names nothing, or two things, is refused', async () => {
  expect((await run('erase', '--yes')).code).toBe(2);
  expect((await run('erase', '--session', 'a', '--reference', 'b', '--yes')).code).toBe(2);
  expect((await run('erase', '--reference', 'no such order', '--yes')).lines).toEqual([
    'There is no record of this.',
  ]);
});
