import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultAccounts } from '../../local/secrets/default-secrets.ts';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { SystemClient } from '../support/system-client.ts';

let system: LocalProcess;
let lapse: SystemClient;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapse-test-'));
  const accounts = join(folder, 'accounts.json');
  const demo = { ...defaultAccounts.demo, watch_authorization: true, cancel_unauthorized: true };
  await writeFile(accounts, JSON.stringify({ ...defaultAccounts, demo }));
  system = await startLocalProcess('--accounts', accounts);
  lapse = new SystemClient(system);
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toBe(0);
  await rm(folder, { recursive: true });
});

const minutes = (count: number) => lapse.control('POST', '/clock', { advanceMs: count * 60_000 });
const sweep = () => lapse.control('POST', '/sweep');

/** A session that the customer approved, and its id. */
async function approved(fields: Record<string, unknown> = {}): Promise<{ id: string; session: string }> {
  const session = `cart-${crypto.randomUUID()}`;
  const reference = `order-${crypto.randomUUID()}`;
  const id = await lapse.createAtKlarna({ announce: true, payment_request_reference: reference });
  await lapse.register(id, { session_timeout: 'PT2H', session_id: session, reference, ...fields });
  await lapse.customer(id, 'approve');
  await lapse.until(id, ({ state }) => state === 'COMPLETED');
  return { id, session };
}

const statusOf = async (session: string): Promise<unknown> =>
  (await lapse.api('GET', `/sessions/${session}`)).body['status'];

/** The types of the events of a request, in the order in which they were published. */
const eventsOf = async (id: string): Promise<readonly string[]> =>
  (await lapse.events())
    .filter(({ detail }) => (detail as Record<string, unknown>)['payment_request_id'] === id)
    .map((event) => String(event['detail-type']));

const namedBy = (transactionNames: string) => lapse.simulator('POST', '/settings', { transactionNames });

describe('an approved payment of an account that watches', () => {
  it('a payment without a report needs a person after 45 minutes, lapses after 60, and is not paid then', async () => {
    const { id, session } = await approved();
    expect(await lapse.record(id)).toMatchObject({ confirmation: 'awaiting', purpose: 'payment' });
    expect(await statusOf(session)).toBe('paid');
    await minutes(46);
    await sweep();
    expect(await lapse.record(id)).toMatchObject({ confirmation: 'awaiting', attention: 'not_authorized' });
    expect(await statusOf(session)).toBe('paid');
    await minutes(15);
    expect(await lapse.record(id)).toMatchObject({ confirmation: 'lapsed', state: 'COMPLETED' });
    expect(await statusOf(session)).toBe('ended');
    await sweep();
    // Klarna does not let this request be canceled, so it stays as it is.
    expect(await lapse.record(id)).toMatchObject({
      confirmation: 'lapsed',
      state: 'COMPLETED',
      cancellation: { cause: 'sweep', outcome: 'refused', reason: 'not_authorized' },
    });
    await expect
      .poll(
        async () => (await eventsOf(id)).filter((type) => type === 'Payment Request Not Authorized').length,
      )
      .toBe(2);
  });

  it.each(['payment_request_id', 'payment_request_reference'])(
    "Klarna's event of the authorization, which names the payment by its %s, is kept in the record",
    async (field) => {
      await namedBy(field);
      const { id, session } = await approved();
      await lapse.customer(id, 'authorize');
      await expect
        .poll(async () => {
          await sweep();
          return (await lapse.record(id))['confirmation'];
        })
        .toBe('authorized');
      await minutes(61);
      await sweep();
      expect(await lapse.record(id)).toMatchObject({ confirmation: 'authorized', attention: null });
      expect(await statusOf(session)).toBe('paid');
      await namedBy('payment_request_id');
    },
  );

  it('an event that names no payment is received, and the report of the shop does instead', async () => {
    await namedBy('neither');
    const { id } = await approved();
    await lapse.customer(id, 'authorize');
    const reported = await lapse.api('POST', `/payment-requests/${id}/authorized`);
    expect([reported.status, reported.body['confirmation']]).toEqual([200, 'authorized']);
    const again = await lapse.api('POST', `/payment-requests/${id}/authorized`, {});
    expect(again.body['version']).toBe(reported.body['version']);
    expect((await lapse.api('POST', `/payment-requests/${id}/authorized`, { at: 'now' })).status).toBe(400);
    await namedBy('payment_request_id');
  });

  it('a report after the lapse wins, and the session is paid again', async () => {
    const { id, session } = await approved();
    await minutes(46);
    await sweep();
    await minutes(15);
    await sweep();
    expect(await statusOf(session)).toBe('ended');
    await lapse.api('POST', `/payment-requests/${id}/authorized`);
    expect(await lapse.record(id)).toMatchObject({ confirmation: 'authorized', attention: null });
    expect(await statusOf(session)).toBe('paid');
  });

  it('a lapsed payment is canceled by name where Klarna allows that', async () => {
    await lapse.simulator('POST', '/settings', { completedCanBeCanceled: true });
    const { id } = await approved();
    await minutes(46);
    await sweep();
    await minutes(15);
    await sweep();
    expect(await lapse.until(id, ({ state }) => state === 'CANCELED')).toMatchObject({
      cancellation: { cause: 'sweep', outcome: 'canceled' },
    });
    await lapse.simulator('POST', '/settings', { completedCanBeCanceled: false });
  });

  it('a session that asks for a token only needs no authorization', async () => {
    const { id, session } = await approved({ purpose: 'token' });
    expect(await lapse.record(id)).toMatchObject({ confirmation: 'not_needed', confirm_by: null });
    await minutes(61);
    await sweep();
    expect(await lapse.record(id)).toMatchObject({ confirmation: 'not_needed', attention: null });
    expect(await statusOf(session)).toBe('paid');
  });
});
