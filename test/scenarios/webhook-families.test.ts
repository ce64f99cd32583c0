import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newPaymentRequestId, SystemClient } from '../support/system-client.ts';
import { openLocalTarget, type Target } from '../support/target.ts';

let system: Target;
let lapse: SystemClient;

beforeAll(async () => {
  system = await openLocalTarget();
  lapse = new SystemClient(system);
}, 60_000);

afterAll(() => system.stop());

const sweep = () => lapse.control('POST', '/sweep');

/** The event ids of all quarantined deliveries, with the reason. */
async function quarantined(): Promise<Readonly<Record<string, unknown>>> {
  const { body } = await lapse.control('GET', '/quarantine');
  const all = body as unknown as readonly { delivery_id: string; reason: string }[];
  return Object.fromEntries(all.map(({ delivery_id, reason }) => [delivery_id, reason]));
}

it.each([
  ['payment.transaction.state-change.captured', 'v2'],
  ['payment.dispute.state-change.pre-arbitration', 'v2'],
  ['payment.funding.state-change.paid', 'v2'],
  ['partner.account.state-change.operational', 'v1'],
])(
  'a webhook %s of version %s returns 200, is not quarantined, and changes no record',
  async (type, version) => {
    const [id, eventId] = [newPaymentRequestId(), randomUUID()];
    const metadata = { event_type: type, event_version: version };
    expect((await lapse.deliver(id, 'COMPLETED', { eventId, metadata })).status).toBe(200);
    expect(await quarantined()).not.toHaveProperty(eventId);
    expect((await lapse.api('GET', `/payment-requests/${id}`)).status).toBe(404);
  },
);

it('an update without a state returns 200, is not quarantined, and leaves the record as it was', async () => {
  const [id, eventId] = [newPaymentRequestId(), randomUUID()];
  await lapse.deliver(id, 'IN_PROGRESS');
  const before = await lapse.record(id);
  const metadata = { event_type: 'payment.request.updated' };
  const payload = { state: undefined };
  expect((await lapse.deliver(id, 'SUBMITTED', { eventId, metadata, payload })).status).toBe(200);
  expect(await quarantined()).not.toHaveProperty(eventId);
  expect(await lapse.record(id)).toEqual(before);
});

it.each(['v1', 'v3', undefined])(
  'a webhook of event_version %s is quarantined and not read as v2',
  async (version) => {
    const [id, eventId] = [newPaymentRequestId(), randomUUID()];
    const metadata = { event_version: version };
    expect((await lapse.deliver(id, 'COMPLETED', { eventId, metadata })).status).toBe(200);
    expect(await quarantined()).toHaveProperty(
      eventId,
      version === undefined ? 'malformed' : 'unknown_version',
    );
    expect((await lapse.api('GET', `/payment-requests/${id}`)).status).toBe(404);
  },
);

it('what Klarna sends of other families reaches nothing', async () => {
  const event = { event_type: 'payment.dispute.opened', payload: { dispute_id: 'krn:payment:dispute:1' } };
  const { status, body } = await lapse.simulator('POST', '/events', event);
  expect(status).toBe(202);
  await expect
    .poll(async () => {
      const { body: sent } = await lapse.simulator('GET', '/deliveries');
      const all = sent['deliveries'] as readonly { event_id: string; status: string }[];
      return all.find(({ event_id }) => event_id === body['event_id'])?.status;
    })
    .toBe('delivered');
  expect(await quarantined()).not.toHaveProperty(String(body['event_id']));
});

it('an open state with a time in the far future keeps no later state out, and the sweep asks Klarna', async () => {
  const id = await lapse.createAtKlarna();
  await lapse.deliver(id, 'SUBMITTED', { occurredAt: '2999-01-01T00:00:00Z' });
  expect(await lapse.record(id)).toMatchObject({ state: 'SUBMITTED', occurred_at: null });
  await lapse.customer(id, 'start');
  await lapse.until(id, ({ state }) => state === 'IN_PROGRESS');
  await lapse.deliver(id, 'SUBMITTED', { occurredAt: '2999-01-01T00:00:00Z' });
  expect(await lapse.record(id)).toMatchObject({ state: 'IN_PROGRESS' });
  await sweep();
  expect(await lapse.record(id)).toMatchObject({ state: 'IN_PROGRESS' });
  expect(await lapse.callsAtKlarna(id)).toContain('GET');
  const { body } = await lapse.api('GET', `/payment-requests/${id}/history`);
  expect(JSON.stringify(body)).toContain('2999-01-01T00:00:00Z');
});

it.each(['COMPLETED', 'EXPIRED'])(
  '%s with a time in the far future happened when it was received',
  async (state) => {
    const id = newPaymentRequestId();
    const began = Date.now();
    await lapse.deliver(id, state, { occurredAt: '2999-01-01T00:00:00Z' });
    const record = await lapse.record(id);
    expect(record).toMatchObject({ state });
    expect(Date.parse(String(record['occurred_at']))).toBeGreaterThanOrEqual(began);
    expect(Date.parse(String(record['occurred_at']))).toBeLessThanOrEqual(Date.now() + 1_000);
  },
);

it("an event has Klarna's reason for the state", async () => {
  const id = await lapse.createAtKlarna();
  await lapse.customer(id, 'start');
  await lapse.customer(id, 'step-back');
  const reasons = async () =>
    (await lapse.events())
      .map(({ detail }) => detail as Readonly<Record<string, unknown>>)
      .filter(({ payment_request_id }) => payment_request_id === id)
      .map(({ state, state_reason }) => [state, state_reason]);
  await expect.poll(reasons).toContainEqual(['SUBMITTED', 'PURCHASE_FLOW_ABORTED']);
});

it.each<[string, (id: string) => Promise<{ status: number; body: unknown }>]>([
  ['unknown_key', (id) => lapse.deliver(id, 'COMPLETED', { key: { id: 'unknown', key: 'x' } })],
  [
    'signature_mismatch',
    (id) => lapse.deliver(id, 'COMPLETED', { headers: { 'klarna-signature': 'a'.repeat(64) } }),
  ],
  ['missing_header', (id) => lapse.deliver(id, 'COMPLETED', { headers: { 'klarna-signature': '' } })],
])('a webhook that is refused for %s learns one sentence', async (reason, deliver) => {
  const { status, body } = await deliver(newPaymentRequestId());
  expect(status).toBe(400);
  const { detail } = body as { readonly detail: string };
  expect(detail).toMatch(/^[^.?]+[.?]$/);
  expect(JSON.stringify(body)).not.toContain(reason);
});
