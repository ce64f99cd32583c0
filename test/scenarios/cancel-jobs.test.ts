import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mapConcurrently } from '../../functions/application/map-concurrently.ts';
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

/**
 * Payment Requests at Klarna, all registered for one session. A few at a time, because each concurrent call takes a
 * process of its own.
 */
async function registered(count: number, session: string): Promise<readonly string[]> {
  const ids = await Promise.all(Array.from({ length: count }, () => lapse.createAtKlarna()));
  await mapConcurrently(ids, 3, (id) =>
    lapse.register(id, { session_timeout: 'PT10M', session_id: session }),
  );
  return ids;
}

const pathOf = (job: string): string => `/cancel-jobs/${job}`;
const newJob = (): string => `job-${randomUUID()}`;

/** Sweeps until the job is done. */
async function finished(job: string) {
  const end = Date.now() + 60_000;
  for (;;) {
    await lapse.control('POST', '/sweep');
    const { body } = await lapse.api('GET', pathOf(job));
    if (body['status'] !== 'running') return body;
    if (Date.now() > end) throw new Error(`never over: ${JSON.stringify(body)}`);
    await wait(100);
  }
}

async function reportOf(job: string): Promise<ReadonlyMap<string, string>> {
  const outcomes = new Map<string, string>();
  let cursor: unknown = '0';
  while (typeof cursor === 'string') {
    const { body } = await lapse.api('GET', `${pathOf(job)}/report?cursor=${cursor}`);
    for (const line of body['payment_requests'] as readonly Record<string, string>[]) {
      outcomes.set(line['payment_request_id'] ?? '', line['outcome'] ?? '');
    }
    cursor = body['next_cursor'];
  }
  return outcomes;
}

describe('a cancel job', () => {
  it('a cancel job runs dry first, then cancels open requests, leaves paid ones and reports each', async () => {
    const session = randomUUID();
    const [first = '', second = '', paid = ''] = await registered(3, session);
    await lapse.customer(paid, 'start');
    await lapse.customer(paid, 'approve');
    await lapse.until(paid, ({ state }) => state === 'COMPLETED');
    const wanted = { payment_request_ids: [first, second, paid], reason: 'shop closed' };

    const dryRun = newJob();
    const started = await lapse.api('PUT', pathOf(dryRun), wanted);
    expect(started).toMatchObject({ status: 201, body: { status: 'running', dry_run: true, total: 3 } });
    expect(await finished(dryRun)).toMatchObject({ outcomes: { would_cancel: 2, already_final: 1 } });
    expect(await lapse.record(first)).toMatchObject({ final: false, cancellation: null });

    const job = newJob();
    await lapse.api('PUT', pathOf(job), { ...wanted, dry_run: false });
    const repeated = await lapse.api('PUT', pathOf(job), { ...wanted, dry_run: false });
    expect(repeated).toMatchObject({ status: 200, body: { job_id: job } });
    expect(await lapse.api('PUT', pathOf(job), wanted)).toMatchObject({ status: 409 });
    expect(await finished(job)).toMatchObject({ done: 3, outcomes: { canceled: 2, already_final: 1 } });
    expect(await reportOf(job)).toEqual(
      new Map([
        [first, 'canceled'],
        [second, 'canceled'],
        [paid, 'already_final'],
      ]),
    );
    const { state, cancellation } = await lapse.record(second);
    expect(state).toBe('CANCELED');
    expect(cancellation).toMatchObject({ cause: 'job', reason: 'shop closed' });
    expect((cancellation as Record<string, unknown>)['requested_by']).toContain(`cancel job ${job}`);
    expect((await lapse.record(paid))['state']).toBe('COMPLETED');

    const { body } = await lapse.api('GET', '/cancel-jobs');
    const listed = (body['cancel_jobs'] as readonly Record<string, unknown>[]).map((each) => each['job_id']);
    expect(listed.slice(0, 2)).toEqual([job, dryRun]);
  });

  it('a job by session leaves other sessions unchanged, and a stopped job cancels nothing', async () => {
    const mine = randomUUID();
    const [id = ''] = await registered(1, mine);
    const [other = ''] = await registered(1, randomUUID());
    const stopped = newJob();
    await lapse.api('PUT', pathOf(stopped), { session_id: mine, dry_run: false });
    expect(await lapse.api('DELETE', pathOf(stopped))).toMatchObject({ body: { status: 'stopped' } });
    await lapse.control('POST', '/sweep');
    expect((await lapse.record(id))['final']).toBe(false);

    const job = newJob();
    await lapse.api('PUT', pathOf(job), { session_id: mine, dry_run: false });
    expect(await finished(job)).toMatchObject({ total: 1, outcomes: { canceled: 1 } });
    expect((await lapse.record(other))['final']).toBe(false);
    await expect
      .poll(async () => (await lapse.events()).filter((event) => JSON.stringify(event).includes(id)), {
        timeout: 10_000,
      })
      .toContainEqual(expect.objectContaining({ 'detail-type': 'Payment Request State Changed' }));
  });

  it('a job by age cancels older requests, over more than one page, and no younger one', async () => {
    const older = await registered(52, randomUUID());
    await wait(5);
    const moment = new Date().toISOString();
    await wait(5);
    const [younger = ''] = await registered(1, randomUUID());
    const job = newJob();
    await lapse.api('PUT', pathOf(job), { created_before: moment, dry_run: false });
    await finished(job);
    const report = await reportOf(job);
    for (const id of older) expect(report.get(id)).toBe('canceled');
    expect(report.has(younger)).toBe(false);
    expect((await lapse.record(younger))['final']).toBe(false);
  });
});
