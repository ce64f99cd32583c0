import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { klarnaExpiry, LapseClient } from '../../client/lapse-client.ts';
import { checkedFetch } from '../support/api-contract.ts';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { newPaymentRequestId, SystemClient } from '../support/system-client.ts';

let system: LocalProcess;
let klarna: SystemClient;
let lapse: LapseClient;
/** Differences between responses and docs/api.yaml. */
const violations: string[] = [];

beforeAll(async () => {
  system = await startLocalProcess();
  klarna = new SystemClient(system);
  const fetch = checkedFetch(violations);
  lapse = new LapseClient({ url: system.api, account: 'demo', authorization: 'none', fetch });
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toBe(0);
});

afterEach(() => {
  expect(violations.splice(0)).toEqual([]);
});

it('the client registers, extends and cancels a session', async () => {
  const session_id = `cart ${randomUUID()} ö`;
  const id = await klarna.createAtKlarna();
  expect(await lapse.get(id)).toBeUndefined();
  expect(await lapse.register(id, { session_timeout: 'PT20M', session_id })).toMatchObject({
    outcome: 'registered',
    record: { session_id, timer: 'armed' },
  });
  expect(await lapse.register(id, { session_timeout: 'PT20M', session_id })).toMatchObject({
    outcome: 'updated',
  });
  expect(await lapse.extend(id, { session_timeout: 'PT30M' })).toMatchObject({ outcome: 'updated' });
  expect(await lapse.session(session_id)).toMatchObject({ status: 'open' });
  expect(await lapse.cancel(id, { dry_run: true })).toMatchObject({ outcome: 'would_cancel' });
  expect(await lapse.get(id, { refresh: true })).toMatchObject({ state: 'SUBMITTED', refresh: 'refreshed' });
  expect(await lapse.cancel(id, { reason: 'basket emptied' })).toMatchObject({
    outcome: 'canceled',
    record: { state: 'CANCELED', cancellation: { reason: 'basket emptied' } },
  });
  expect(await lapse.cancel(id)).toMatchObject({ outcome: 'already_canceled' });
  expect(await lapse.register(id, { session_timeout: 'PT20M' })).toEqual({
    outcome: 'already_final',
    state: 'CANCELED',
  });
  const history = await lapse.history(id);
  expect(history?.entries.map(({ kind }) => kind)).toContain('cancel_request');
  const listed = [];
  for await (const record of lapse.list({ session_id, state: 'CANCELED' }))
    listed.push(record.payment_request_id);
  expect(listed).toContain(id);
});

it('the client refuses an empty id with one short sentence', async () => {
  const message = await lapse.register('', { session_timeout: 'PT20M' }).catch(String);
  expect(message).toBe(
    'LapseProblem: payment_request_id is ""; allowed: 1 to 255 characters, no control characters and none of / \\ ? # %, and not . or .. alone.',
  );
});

it('the client returns already_final for a paid request and not_found for an unknown one', async () => {
  const session_id = randomUUID();
  const id = await klarna.createAtKlarna();
  await lapse.register(id, { session_timeout: 'PT20M', session_id });
  await klarna.customer(id, 'start');
  await klarna.customer(id, 'approve');
  await klarna.until(id, ({ state }) => state === 'COMPLETED');
  expect(await lapse.cancel(id)).toEqual({ outcome: 'already_final', state: 'COMPLETED' });
  expect(await lapse.cancelSession(session_id)).toMatchObject({
    status: 'paid',
    payment_requests: [{ payment_request_id: id, outcome: 'already_final' }],
  });
  const unknown = newPaymentRequestId();
  expect(await lapse.cancel(unknown)).toEqual({ outcome: 'not_found' });
  expect(await lapse.extend(unknown, { session_timeout: 'PT20M' })).toEqual({ outcome: 'not_found' });
});

it('the client starts a job, tells it from another one, and reads its report to the end', async () => {
  const id = await klarna.createAtKlarna();
  const job = `job-${randomUUID()}`;
  const request = { payment_request_ids: [id], dry_run: false };
  expect(await lapse.startCancelJob(job, request)).toMatchObject({ outcome: 'started' });
  expect(await lapse.startCancelJob(job, request)).toMatchObject({ outcome: 'unchanged' });
  expect(await lapse.startCancelJob(job, { payment_request_ids: [id] })).toEqual({ outcome: 'taken' });
  await expect
    .poll(
      async () => {
        await klarna.control('POST', '/sweep');
        return (await lapse.cancelJob(job))?.status;
      },
      { timeout: 20_000 },
    )
    .toBe('done');
  const outcomes = [];
  for await (const { outcome } of lapse.cancelJobReport(job)) outcomes.push(outcome);
  expect(outcomes).toEqual(['canceled']);
  expect(await lapse.stopCancelJob(job)).toMatchObject({ status: 'done' });
  expect((await lapse.listCancelJobs()).map(({ job_id }) => job_id)).toContain(job);
});

it('the client throws the field and what is allowed for a wrong call', async () => {
  await expect(lapse.register(newPaymentRequestId(), { session_timeout: 'P1Y' })).rejects.toMatchObject({
    name: 'LapseProblem',
    type: 'invalid-request',
    errors: [{ field: 'session_timeout', given: '"P1Y"' }],
  });
});

it('a registration with the times of klarnaExpiry is accepted, also one that comes later', async () => {
  for (const timeout of ['PT2M', 'PT20M', 'PT48H']) {
    const expiry = klarnaExpiry({ timeout });
    const { customer_interaction_config, deadline_at, klarna_expires_at } = expiry;
    const id = await klarna.createAtKlarna({ customer_interaction_config });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await lapse.register(id, { deadline_at, klarna_expires_at })).toMatchObject({
      outcome: 'registered',
      record: { timer: 'armed' },
    });
  }
});

/** Runs a function of examples/klarna-expiry.ts against the running system, and returns its result. */
async function example(call: string): Promise<unknown> {
  const script = `import * as example from './examples/klarna-expiry.ts'; console.log(JSON.stringify(await example.${call}))`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import=./test/support/from-sources.ts', '--input-type=module', '--eval', script],
    { env: { ...process.env, LAPSE_API_URL: system.api, KLARNA_URL: system.klarna } },
  );
  return JSON.parse(stdout);
}

const order = JSON.stringify({ currency: 'EUR', amount: 1000 });

it('the example that creates a Payment Request gives Klarna and Lapse the same times', async () => {
  const id = String(await example(`createPaymentRequest(${order})`));
  const record = await lapse.get(id, { refresh: true });
  const expiry = Date.parse(String(record?.klarna_expires_at));
  expect(expiry - Date.parse(String(record?.deadline_at))).toBe(5 * 60_000);
  expect(record).toMatchObject({ state: 'SUBMITTED', refresh: 'refreshed', timer: 'armed' });
});

it('the example that authorizes first registers the Payment Request of the step-up, with the same times', async () => {
  const { paymentRequestId: id } = (await example(`authorizePayment(${order})`)) as {
    paymentRequestId: string;
  };
  const record = await lapse.get(id, { refresh: true });
  const expiry = Date.parse(String(record?.klarna_expires_at));
  expect(expiry - Date.parse(String(record?.deadline_at))).toBe(5 * 60_000);
  expect(record).toMatchObject({ state: 'SUBMITTED', timer: 'armed' });
});

it('many sessions are registered in one call, a wrong one does not hold up the others, and again nothing changes', async () => {
  const ids = await Promise.all(Array.from({ length: 30 }, () => klarna.createAtKlarna()));
  const deadline_at = new Date(Date.now() + 600_000).toISOString();
  const registrations = ids.map((payment_request_id, index) => ({
    payment_request_id,
    deadline_at,
    session_id: `migrated-${index}`,
  }));
  const wrong = { payment_request_id: newPaymentRequestId(), session_timeout: 'soon' };
  const first = await lapse.registerMany([...registrations, wrong]);
  expect(first.map(({ outcome }) => outcome)).toEqual([...ids.map(() => 'registered'), 'refused']);
  expect(first.at(-1)?.problem).toMatchObject({
    type: 'urn:lapse:problem:invalid-request',
    field: 'session_timeout',
  });
  expect(first[0]).toEqual({ payment_request_id: ids[0], outcome: 'registered', problem: null });
  const again = await lapse.registerMany(registrations);
  expect(new Set(again.map(({ outcome }) => outcome))).toEqual(new Set(['updated']));
  expect(await lapse.get(ids[7] ?? '')).toMatchObject({
    session_id: 'migrated-7',
    version: 1,
    timer: 'armed',
  });
});

it('many registrations that are repeated with their key move no deadline back, and another call is refused', async () => {
  const ids = await Promise.all([klarna.createAtKlarna(), klarna.createAtKlarna()]);
  const [first] = ids;
  const idempotencyKey = randomUUID();
  const register = (session_timeout: string) =>
    lapse.registerMany(
      ids.map((payment_request_id) => ({ payment_request_id, session_timeout })),
      { idempotencyKey },
    );
  const outcomes = async (timeout: string) => (await register(timeout)).map(({ outcome }) => outcome);
  expect(await outcomes('PT10M')).toEqual(['registered', 'registered']);
  await lapse.extend(first, { session_timeout: 'PT20M' });
  const moved = await lapse.get(first);
  expect(await outcomes('PT10M')).toEqual(['registered', 'registered']);
  const refused = await register('PT11M');
  expect(refused.map(({ problem }) => problem?.type)).toEqual([
    'urn:lapse:problem:idempotency-key-reused',
    'urn:lapse:problem:idempotency-key-reused',
  ]);
  expect(await lapse.get(first)).toEqual(moved);
});

it('a Payment Request that one call names twice is registered as it is named first', async () => {
  const id = await klarna.createAtKlarna();
  const [first, second] = await lapse.registerMany([
    { payment_request_id: id, session_timeout: 'PT10M' },
    { payment_request_id: id, session_timeout: 'PT40M' },
  ]);
  expect(first?.outcome).toBe('registered');
  expect(second).toMatchObject({
    outcome: 'refused',
    problem: {
      field: 'payment_request_id',
      given: `"${id}"`,
      allowed: 'each Payment Request once in a call',
    },
  });
});
