import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { SystemClient } from '../support/system-client.ts';

/** Deliveries at the same time: they arrive slightly out of order, as in production. */
const senders = 4;

let system: LocalProcess;
let lapse: SystemClient;

beforeAll(async () => {
  system = await startLocalProcess();
  lapse = new SystemClient(system);
});

afterAll(async () => {
  await system.stop();
});

/** Signed webhooks of a customer who opens and closes Klarna's window, all in the last hour. */
async function storm(id: string, toggles: number): Promise<void> {
  const begin = Date.now() - 3_600_000;
  let next = 0;
  const send = async (): Promise<void> => {
    for (;;) {
      const toggle = next;
      next += 1;
      if (toggle >= toggles) return;
      const occurredAt = new Date(begin + toggle * 1_000).toISOString();
      const state = toggle % 2 === 0 ? 'IN_PROGRESS' : 'SUBMITTED';
      expect((await lapse.deliver(id, state, { occurredAt })).status).toBe(200);
    }
  };
  await Promise.all(Array.from({ length: senders }, send));
}

/** The published events of a request, each once, in the order of their sequence. The system keeps the newest ones only. */
async function eventsOf(
  id: string,
): Promise<readonly { readonly sequence: number; readonly state: unknown }[]> {
  const details = (await lapse.events()).map(({ detail }) => detail as Record<string, unknown>);
  const own = details.filter((detail) => detail['payment_request_id'] === id);
  const bySequence = new Map(own.map((detail) => [Number(detail['sequence']), detail['state']]));
  return [...bySequence]
    .map(([sequence, state]) => ({ sequence, state }))
    .toSorted((one, other) => one.sequence - other.sequence);
}

const endings: readonly [number, string, string, (id: string) => Promise<unknown>][] = [
  [2_000, 'canceled by a caller', 'CANCELED', (id) => lapse.cancel(id)],
  [500, 'timed out', 'CANCELED', (id) => lapse.register(id, { session_timeout: 'PT1S' })],
  [500, 'paid', 'COMPLETED', (id) => lapse.deliver(id, 'COMPLETED')],
];

it.each(endings)(
  'a record of %i toggles can be %s, and its events have no gaps',
  { timeout: 240_000 },
  async (toggles, _, end, act) => {
    const id = await lapse.createAtKlarna();
    const registration = { session_timeout: 'PT1H', session_id: 'cart-1' };
    expect((await lapse.register(id, registration)).status).toBe(201);
    await storm(id, toggles);
    await act(id);
    await lapse.until(id, ({ state }) => state === end, 60_000);
    const { body } = await lapse.api('GET', `/payment-requests/${id}/history`);
    const entries = body['entries'] as readonly { readonly kind: string }[];
    expect(Number(body['dropped'])).toBeGreaterThan(toggles / 2);
    expect(entries.map(({ kind }) => kind)).toContain('register');
    expect(entries.length).toBeLessThan(100);
    await expect.poll(async () => (await eventsOf(id)).at(-1)?.state, { timeout: 60_000 }).toBe(end);
    const sequences = (await eventsOf(id)).map(({ sequence }) => sequence);
    const [first = 0] = sequences;
    expect(sequences).toEqual(sequences.map((__, index) => first + index));
    expect(sequences.length).toBeGreaterThan(toggles / 4);
  },
);
