import { afterAll, beforeAll, expect, it } from 'vitest';
import { type KlarnaSimulator, startKlarnaSimulator } from '../../local/klarna-simulator/klarna-simulator.ts';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';

let klarna: KlarnaSimulator;
let system: LocalProcess;

beforeAll(async () => {
  klarna = await startKlarnaSimulator();
  system = await startLocalProcess('--klarna-url', `${klarna.url}/`);
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toBe(0);
  await klarna.close();
});

async function call(method: string, url: string, body?: unknown) {
  const response = await fetch(url, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  return { status: response.status, body: (await response.json()) as Readonly<Record<string, unknown>> };
}

it('with --klarna-url, sessions end at that Klarna, and the ready line names it', async () => {
  expect(system.klarna).toBe(klarna.url);
  const { body: created } = await call('POST', `${klarna.url}/_simulator/payment-requests`, {
    partner_account_id: 'krn:partner:global:account:test:M4CIYH2N',
  });
  const id = String(created['payment_request_id']);
  const record = `${system.api}/accounts/demo/payment-requests/${id}`;
  expect((await call('PUT', record, { session_timeout: 'PT1S' })).status).toBe(201);
  await expect.poll(async () => (await call('GET', record)).body['state']).toBe('CANCELED');
  const { body } = await call('GET', `${klarna.url}/_simulator/payment-requests/${id}`);
  expect(body).toMatchObject({ payment_request: { state: 'CANCELED' } });
});

it('with --klarna-url, faults of Klarna are refused, because there is no simulator to inject them into', async () => {
  const { status, body } = await call('POST', `${system.control}/faults`, { target: 'klarna', kind: 'hang' });
  expect([status, body['error']]).toEqual([400, expect.stringContaining('target is "klarna"; allowed:')]);
});
