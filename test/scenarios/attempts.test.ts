import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oneCancel, SystemClient } from '../support/system-client.ts';
import { openLocalTarget, type Target } from '../support/target.ts';

let system: Target;
let lapse: SystemClient;

beforeAll(async () => {
  system = await openLocalTarget();
  lapse = new SystemClient(system);
}, 120_000);

afterAll(async () => {
  expect(await system.stop()).toBe(0);
});

const newSession = (): string => `cart ${randomUUID()}`;

/** A Payment Request at Klarna that is registered in the session. */
async function attempt(session: string, fields: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const id = await lapse.createAtKlarna();
  const { status } = await lapse.register(id, { session_timeout: 'PT10M', session_id: session, ...fields });
  expect(status).toBe(201);
  return id;
}

async function pay(id: string): Promise<void> {
  await lapse.customer(id, 'start');
  await lapse.customer(id, 'approve');
  await lapse.until(id, ({ state }) => state === 'COMPLETED');
}

/** The details of the published events of one type about these requests. */
const eventsOf = async (type: string, ...ids: readonly string[]) =>
  (await lapse.events())
    .filter(({ 'detail-type': name }) => name === type)
    .map(({ detail }) => detail as Record<string, unknown>)
    .filter(({ payment_request_id: id }) => ids.includes(String(id)));

describe('the attempts of a session', () => {
  it('an attempt with supersedes ends the older open ones, and leaves the paid one', async () => {
    const session = newSession();
    const [paid, older] = [await attempt(session), await attempt(session)];
    await pay(paid);
    const newer = await attempt(session, { supersedes: true });
    const ended = await lapse.until(older, ({ state }) => state === 'CANCELED');
    expect(ended['cancellation']).toMatchObject({ outcome: 'canceled', cause: 'superseded', reason: newer });
    expect((await lapse.record(newer))['state']).not.toBe('CANCELED');
    expect(await lapse.record(paid)).toMatchObject({ state: 'COMPLETED', attention: null });
    // Each DELETE follows a read.
    expect((await lapse.callsAtKlarna(older)).join(' ')).toMatch(oneCancel);
    expect(await lapse.callsAtKlarna(paid)).not.toContain('DELETE');
  });

  it('an attempt without supersedes leaves the older ones open', async () => {
    const session = newSession();
    const [older, newer] = [await attempt(session), await attempt(session)];
    await lapse.control('POST', '/sweep');
    for (const id of [older, newer]) expect((await lapse.record(id))['cancellation']).toBeNull();
  });

  it('two payments in one session mark both records, and make one event that names both', async () => {
    const session = newSession();
    const [first, second, open] = [await attempt(session), await attempt(session), await attempt(session)];
    await pay(first);
    await pay(second);
    for (const id of [first, second])
      await lapse.until(id, ({ attention }) => attention === 'paid_twice', 5_000);
    await expect
      .poll(async () => (await eventsOf('Payment Request Needs Attention', first, second)).length)
      .toBe(2);
    const events = await eventsOf('Session Paid Twice', first, second);
    expect(events).toMatchObject([
      { payment_request_id: second, session_id: session, open_attempts: [open] },
    ]);
    expect((events[0]?.['paid_attempts'] as string[]).toSorted()).toEqual([first, second].toSorted());
    expect((await lapse.record(open))['cancellation']).toBeNull();
  });

  it('the event of a payment names the attempts that are still open', async () => {
    const session = newSession();
    const [paid, open] = [await attempt(session), await attempt(session)];
    await pay(paid);
    await expect
      .poll(async () =>
        (await eventsOf('Payment Request State Changed', paid)).filter(({ state }) => state === 'COMPLETED'),
      )
      .toMatchObject([{ paid_attempts: [paid], open_attempts: [open] }]);
  });

  it('an attempt that follows one that has ended tells from which it recovers', async () => {
    const session = newSession();
    const [ended, alone] = [await attempt(session), await attempt(newSession())];
    await lapse.cancel(ended);
    await expect.poll(async () => (await lapse.record(await attempt(session)))['recovered_from']).toBe(ended);
    expect((await lapse.record(alone))['recovered_from']).toBeNull();
  });

  it('supersedes needs a session', async () => {
    const id = await lapse.createAtKlarna();
    const { status, body } = await lapse.register(id, { session_timeout: 'PT10M', supersedes: true });
    expect({ status, body }).toMatchObject({ status: 400, body: { field: 'supersedes' } });
  });
});
