import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { SystemClient } from '../support/system-client.ts';

let system: LocalProcess;
let lapse: SystemClient;

beforeAll(async () => {
  system = await startLocalProcess();
  lapse = new SystemClient(system);
}, 120_000);

afterAll(() => system.stop());

const setClocks = (order: object) => lapse.control('POST', '/clock', order);

it('a session of two hours ends when the clock moves, on every clock at the same time', async () => {
  const id = await lapse.createAtKlarna({ announce: true });
  await lapse.register(id, { session_timeout: 'PT2H' });
  await setClocks({ advanceMs: 2 * 3_600_000 });
  const { deadline_at: deadline, evidence } = await lapse.until(id, ({ state }) => state === 'CANCELED');
  const { observed_at: observedAt } = evidence as { observed_at: string };
  expect(Date.parse(observedAt)).toBeGreaterThanOrEqual(Date.parse(String(deadline)));
  const { body } = await lapse.control('GET', '/clock');
  expect(body['ahead_ms']).toBe(2 * 3_600_000);
});

it('a skewed clock affects its owner only', async () => {
  await setClocks({ skewMs: { 'register-payment-request': 30_000 } });
  const id = await lapse.createAtKlarna();
  const { body } = await lapse.register(id, { session_timeout: 'PT1S' });
  const { body: clock } = await lapse.control('GET', '/clock');
  expect(Date.parse(String(body['deadline_at'])) - Date.parse(String(clock['now']))).toBeGreaterThan(20_000);
  await setClocks({ skewMs: {} });
  const refused = await setClocks({ skewMs: { unknown: 1 } });
  expect(refused).toMatchObject({
    status: 400,
    body: { error: expect.stringContaining('klarna') as string },
  });
});

it('Klarna refuses connections until it starts again on its data', async () => {
  const id = await lapse.createAtKlarna();
  const wrong = await lapse.control('POST', '/faults', { target: 'klarna', kind: 'refuse', times: 3 });
  expect(wrong).toMatchObject({
    status: 400,
    body: { error: 'times is 3; allowed: a whole number from 0 to 0.' },
  });
  expect(await lapse.control('POST', '/faults', { target: 'klarna', kind: 'refuse' })).toMatchObject({
    status: 201,
  });
  await expect(lapse.simulator('GET', '/payment-requests')).rejects.toMatchObject({
    cause: { code: 'ECONNREFUSED' },
  });
  await lapse.control('DELETE', '/faults');
  expect((await lapse.cancel(id)).body['outcome']).toBe('canceled');
  expect((await lapse.simulator('GET', '/settings')).body['clockAheadMs']).toBe(2 * 3_600_000);
});
