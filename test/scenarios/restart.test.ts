import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { newPaymentRequestId, SystemClient } from '../support/system-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let system: LocalProcess | undefined;

afterEach(async () => {
  await system?.stop();
});

/** Starts on the same data, for the first time or again. */
async function start(data: string): Promise<SystemClient> {
  system = await startLocalProcess('--data', data);
  return new SystemClient(system);
}

const entriesOf = async (lapse: SystemClient, id: string): Promise<readonly Record<string, unknown>[]> =>
  ((await lapse.api('GET', `/payment-requests/${id}/history`)).body['entries'] ?? []) as Record<
    string,
    unknown
  >[];

/** A webhook that got a 200. */
interface Acknowledged {
  readonly id: string;
  readonly eventId: string;
}

/** Delivers webhooks about new requests, four at a time, until the system ends. */
async function deliverUntilGone(lapse: SystemClient, acknowledged: Acknowledged[]): Promise<void> {
  const lane = async (): Promise<void> => {
    for (;;) {
      const id = newPaymentRequestId();
      const eventId = `event-of-${id.slice(-12)}`;
      const response = await lapse.deliver(id, 'COMPLETED', { eventId }).catch(() => undefined);
      if (!response) return;
      if (response.status === 200) acknowledged.push({ id, eventId });
    }
  };
  await Promise.all(Array.from({ length: 4 }, lane));
}

it('after three kills of everything, nothing acknowledged is lost, every session ends and every fact is published', async () => {
  const data = await temporaryFolder();
  const acknowledged: Acknowledged[] = [];
  const sessions: string[] = [];
  for (const killAfter of [20, 60, 150]) {
    const lapse = await start(data);
    for (const session_timeout of ['PT1S', 'PT3S', 'PT8S']) {
      const id = await lapse.createAtKlarna();
      expect((await lapse.register(id, { session_timeout })).status).toBe(201);
      sessions.push(id);
    }
    const delivering = deliverUntilGone(lapse, acknowledged);
    await expect.poll(() => acknowledged.length, { timeout: 20_000, interval: 5 }).toBeGreaterThan(killAfter);
    await system?.killAll();
    await delivering;
  }

  const lapse = await start(data);
  for (const { id, eventId } of acknowledged) {
    const applied = (await entriesOf(lapse, id)).filter((entry) => entry['event_id'] === eventId);
    expect(applied).toMatchObject([{ effect: 'applied', state: 'COMPLETED' }]);
  }
  for (const id of sessions) {
    const record = await lapse.until(id, ({ final }) => final === true, 90_000);
    expect(record).toMatchObject({ state: 'CANCELED', cancellation: { cause: 'timeout' } });
    const deletes = (await lapse.callsAtKlarna(id)).filter((method) => method === 'DELETE');
    expect(deletes.length).toBeLessThanOrEqual(2);
  }
  const published = async () => {
    const details = (await lapse.events()).map(({ detail }) => detail as Record<string, unknown>);
    return new Set(
      details.map((detail) => `${String(detail['payment_request_id'])} ${String(detail['state'])}`),
    );
  };
  const wanted = [
    ...acknowledged.map(({ id }) => `${id} COMPLETED`),
    ...sessions.map((id) => `${id} CANCELED`),
  ];
  await expect
    .poll(
      async () => {
        const have = await published();
        return wanted.filter((fact) => !have.has(fact));
      },
      { timeout: 20_000, interval: 500 },
    )
    .toEqual([]);
}, 240_000);

it('after a stop and a start everything is there, and a session that timed out meanwhile ends soon', async () => {
  const data = await temporaryFolder();
  let lapse = await start(data);
  const id = await lapse.createAtKlarna();
  await lapse.register(id, { session_timeout: 'PT2S', reference: 'order-7' });
  expect(await system?.stop()).toBe(0);
  await wait(2_000);
  lapse = await start(data);
  expect(await lapse.until(id, ({ final }) => final === true)).toMatchObject({
    state: 'CANCELED',
    reference: 'order-7',
  });
}, 60_000);

it('a data folder that is a file is named with its option', async () => {
  const file = import.meta.filename;
  await expect(startLocalProcess('--data', file)).rejects.toThrow(
    `--data is ${file}; allowed: a folder that can be written.`,
  );
});
