import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultAccounts } from '../../local/secrets/default-secrets.ts';
import { oneCancel, SystemClient } from '../support/system-client.ts';
import { startLocalTarget, type Target } from '../support/target.ts';

let folder: string;
let system: Target;
let lapse: SystemClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapse-test-'));
  const accounts = join(folder, 'accounts.json');
  const policies = { arm_on_submitted: true, in_progress_grace: 'PT5M', max_extensions: 1 };
  await writeFile(accounts, JSON.stringify({ demo: { ...defaultAccounts.demo, ...policies } }));
  system = await startLocalTarget('--accounts', accounts);
  lapse = new SystemClient(system);
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toBe(0);
  await rm(folder, { recursive: true });
});

/** One more minute, and the sweep would act beside the timer. */
const pass = (minutes: number) => lapse.control('POST', '/clock', { advanceMs: minutes * 60_000 });

const sweep = () => lapse.control('POST', '/sweep');

const extend = (id: string, timeout: string) =>
  lapse.api('PATCH', `/payment-requests/${id}`, { session_timeout: timeout });

const historyOf = async (id: string) =>
  (await lapse.api('GET', `/payment-requests/${id}/history`)).body['entries'] as readonly Record<
    string,
    unknown
  >[];

const deadlineOf = (record: Record<string, unknown>): number => Date.parse(String(record['deadline_at']));

it("arm_on_submitted: Klarna's webhook alone, without a call of the shop, leads to a cancel", async () => {
  const id = await lapse.createAtKlarna({ announce: true });
  await lapse.until(id, ({ state }) => state === 'SUBMITTED');
  await sweep();
  const armed = await lapse.record(id);
  expect(['armed', 'sweep']).toContain(armed['timer']);
  // The account's default.
  expect(deadlineOf(armed) - Date.parse(String(armed['created_at']))).toBeLessThan(31 * 60_000);
  await pass(30);
  expect(await lapse.until(id, ({ final }) => final === true)).toMatchObject({
    state: 'CANCELED',
    cancellation: { cause: 'timeout' },
  });
  expect((await lapse.callsAtKlarna(id)).join(' ')).toMatch(oneCancel);
});

it('on_timeout observe: nothing is canceled at the deadline, and the history says what would have been', async () => {
  const id = await lapse.createAtKlarna();
  await lapse.register(id, { session_timeout: 'PT10M', on_timeout: 'observe' });
  await pass(10);
  await lapse.until(id, ({ timer }) => timer === 'fired');
  await pass(10);
  await sweep();
  expect(await lapse.record(id)).toMatchObject({ state: null, final: false, cancellation: null });
  expect(await lapse.callsAtKlarna(id)).toEqual([]);
  const observed = (await historyOf(id)).filter(({ kind }) => kind === 'timer');
  expect(observed).toEqual([
    expect.objectContaining({
      explanation: expect.stringContaining(
        'would have canceled the request, but the session is in observe mode',
      ) as string,
    }),
  ]);
});

it('in_progress_grace: a paying customer gets more time once, and is canceled after it', async () => {
  const id = await lapse.createAtKlarna();
  await lapse.customer(id, 'start');
  const { body: registered } = await lapse.register(id, { session_timeout: 'PT10M' });
  await pass(10);
  const graced = await lapse.until(id, (record) => deadlineOf(record) > deadlineOf(registered));
  expect(graced).toMatchObject({ final: false, cancellation: null });
  expect(deadlineOf(graced) - deadlineOf(registered)).toBeGreaterThanOrEqual(5 * 60_000);
  expect(await lapse.callsAtKlarna(id)).toEqual(['GET']);
  await pass(5);
  expect(await lapse.until(id, ({ final }) => final === true)).toMatchObject({
    state: 'CANCELED',
    deadline_at: graced['deadline_at'],
  });
  expect((await lapse.callsAtKlarna(id)).join(' ')).toMatch(oneCancel);
});

describe('a deadline that does not move', () => {
  it('an extension beyond the number that the account allows returns 409 extension-limit', async () => {
    const id = await lapse.createAtKlarna();
    await lapse.register(id, { session_timeout: 'PT10M' });
    expect((await extend(id, 'PT20M')).status).toBe(200);
    const before = (await lapse.record(id))['deadline_at'];
    const refused = await extend(id, 'PT30M');
    expect([refused.status, refused.body['type']]).toEqual([409, 'urn:lapse:problem:extension-limit']);
    expect(refused.body['detail']).toContain('at most 1 extensions');
    expect(await lapse.record(id)).toMatchObject({
      deadline_at: before,
      timer: expect.any(String) as string,
    });
    expect((await historyOf(id)).at(-1)).toMatchObject({ kind: 'extend', effect: 'refused' });
    // An earlier deadline is not an extension.
    expect((await extend(id, 'PT5M')).status).toBe(200);
  });

  it('an extension while a cancel is running returns 409 cancellation-pending', async () => {
    const id = await lapse.createAtKlarna();
    await lapse.register(id, { session_timeout: 'PT10M' });
    const slow = { kind: 'slow', on: 'read', payment_request_id: id, delayMs: 2_000 };
    await lapse.simulator('POST', '/faults', slow);
    const canceling = lapse.cancel(id);
    await lapse.until(id, ({ cancellation }) => cancellation !== null);
    const refusals = [await extend(id, 'PT20M'), await lapse.register(id, { session_timeout: 'PT20M' })];
    for (const { status, body, headers } of refusals) {
      expect([status, body['type']]).toEqual([409, 'urn:lapse:problem:cancellation-pending']);
      expect(headers.get('retry-after')).toBe('5');
    }
    expect((await canceling).body['outcome']).toBe('canceled');
    const late = await extend(id, 'PT20M');
    expect([late.status, late.body['type']]).toEqual([409, 'urn:lapse:problem:already-final']);
  });
});
