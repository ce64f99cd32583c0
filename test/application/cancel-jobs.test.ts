import { describe, expect, it, vi } from 'vitest';
import { cancelPaymentRequest, dryRunCancel } from '../../functions/application/cancel-payment-request.ts';
import { runCancelJobs } from '../../functions/application/run-cancel-jobs.ts';
import {
  type CancelJobRequest,
  startCancelJob,
  stopCancelJob,
} from '../../functions/application/start-cancel-job.ts';
import {
  type CancelJob,
  type CancelJobEntry,
  type CancelJobKey,
  putOff,
  withPage,
  withStop,
} from '../../functions/domain/cancel-job.ts';
import { ConfigurationError } from '../../functions/domain/configuration-error.ts';
import type { CancelJobId, Reference, SessionId } from '../../functions/domain/identifiers.ts';
import { instantFromMillis, plusMillis } from '../../functions/domain/instant.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { account, noon, recordWith, settingsWith } from '../support/fixtures.ts';
import { InMemoryCancelJobs } from '../support/in-memory-cancel-jobs.ts';
import { InMemoryPaymentRequestStore } from '../support/in-memory-payment-request-store.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { CountingIds, retries, VirtualClock } from '../support/virtual-clock.ts';
import { InMemoryTimer, withFaults, type FaultInjector } from '../support/world.ts';

const key = { account, jobId: 'nightly-1' as CancelJobId };
const requestedBy = 'arn:aws:iam::000000000000:user/operations';
const asked = { dryRun: false, reason: undefined, requestedBy } as const;

/** Cancel jobs and everything they need, in memory. */
class Jobs {
  readonly store = new InMemoryPaymentRequestStore();
  readonly jobs = new InMemoryCancelJobs();
  readonly klarna = new ScriptedKlarna(undefined);
  /** Starts after the creation of every request that {@link have} makes. */
  readonly clock = new VirtualClock('2026-03-01T12:15:00Z');
  readonly faults: unknown[] = [];
  /** The request or the job that each fault concerns. */
  readonly untried: unknown[] = [];
  hasAccount = true;
  isTurn = true;
  injectFault: FaultInjector = () => undefined;

  /** Saves `count` Payment Requests, one second apart, the first at noon, with the same state at Klarna. */
  async have(count: number, state: PaymentRequestState = 'SUBMITTED', sessionId?: SessionId): Promise<void> {
    for (let number = 0; number < count; number += 1) {
      const paymentRequestId = requestId(this.klarna.states.size);
      this.klarna.states.set(paymentRequestId, state);
      const createdAt = plusMillis(noon, number * 1_000);
      await this.store.save(undefined, recordWith({ paymentRequestId, state, createdAt, sessionId }));
    }
  }

  start(request: Partial<CancelJobRequest> & Pick<CancelJobRequest, 'by'>, of: CancelJobKey = key) {
    const starting = startCancelJob({
      jobs: this.jobs,
      sessions: this.store,
      references: this.store,
      clock: this.clock,
    });
    const { requestedBy: _, ...what } = { ...asked, ...request };
    const requestSha256 = JSON.stringify(what);
    return starting(of, { ...asked, requestSha256, ...request } as CancelJobRequest);
  }

  stop() {
    return stopCancelJob(this)(key);
  }

  /** One run of the sweep. Its share is half a minute unless a test gives it less. */
  run(millis = 35_000) {
    const store = withFaults('store', this.store, (...call) => this.injectFault(...call));
    const cancelling = {
      store,
      timer: new InMemoryTimer(),
      klarna: withFaults('klarna', this.klarna, (...call) => this.injectFault(...call)),
      clock: this.clock,
      ids: new CountingIds(),
      ...retries,
      onTimerFault: (error: unknown) => void this.faults.push(error),
    };
    return runCancelJobs({
      jobs: withFaults('jobs', this.jobs, (...call) => this.injectFault(...call)),
      list: store,
      accounts: { find: () => Promise.resolve(this.hasAccount ? settingsWith() : undefined) },
      clock: this.clock,
      cancel: cancelPaymentRequest(cancelling),
      dryRun: dryRunCancel(cancelling),
      pace: { turn: () => Promise.resolve(this.isTurn) },
      perSecond: 10,
      onFault: (what, error) => {
        this.untried.push(what);
        this.faults.push(error);
      },
    })(this.clock.now() + millis);
  }

  /** Runs the sweep once a minute until the job has ended. */
  async finish(): Promise<CancelJob> {
    for (let sweeps = 0; sweeps < 200; sweeps += 1) {
      await this.run().catch(() => undefined);
      const job = await this.job();
      if (job.status !== 'running') return job;
      this.clock.advance(60_000);
    }
    throw new Error('the job never ends');
  }

  async job(): Promise<CancelJob> {
    const job = await this.jobs.read(key);
    if (!job) throw new Error('there is no job');
    return job;
  }

  async report(): Promise<readonly CancelJobEntry[]> {
    const { pages } = await this.job();
    const read = Array.from({ length: pages }, (_, page) => this.jobs.readPage(key, page));
    return (await Promise.all(read)).flat();
  }
}

const listOf = (...numbers: readonly number[]) =>
  ({ by: 'payment_request_ids', paymentRequestIds: numbers.map(requestId) }) as const;

/** A list of the first `count` requests. */
const listOfFirst = (count: number) => listOf(...Array.from({ length: count }, (_, number) => number));

/** Selects every request that {@link Jobs.have} made. */
const byAge = { by: 'created_before', createdBefore: plusMillis(noon, 600_000) } as const;

describe('a job by list', () => {
  it('a job by list cancels open requests, spares paid ones, and reports each outcome in order', async () => {
    const world = new Jobs();
    await world.have(2);
    await world.have(1, 'COMPLETED');
    await world.have(1, 'CANCELED');
    expect(await world.start(listOf(3, 0, 2, 99, 1))).toMatchObject({ kind: 'started' });
    const job = await world.finish();
    expect(job).toMatchObject({ status: 'done', done: 5, dueAt: undefined });
    expect(job.outcomes).toEqual({ already_canceled: 1, canceled: 2, already_final: 1, not_found: 1 });
    expect(await world.report()).toEqual([
      { paymentRequestId: requestId(3), outcome: 'already_canceled', state: 'CANCELED' },
      { paymentRequestId: requestId(0), outcome: 'canceled', state: 'CANCELED' },
      { paymentRequestId: requestId(2), outcome: 'already_final', state: 'COMPLETED' },
      { paymentRequestId: requestId(99), outcome: 'not_found', state: undefined },
      { paymentRequestId: requestId(1), outcome: 'canceled', state: 'CANCELED' },
    ]);
    expect(world.klarna.canceled.toSorted()).toEqual([requestId(0), requestId(1)]);
  });

  it('a job whose last page is full ends with that page', async () => {
    const world = new Jobs();
    await world.have(100);
    await world.start(listOfFirst(100));
    expect(await world.run()).toEqual({ pages: 2 });
    expect(await world.job()).toMatchObject({ status: 'done', done: 100, pages: 2 });
  });

  it('a job is written once with each of its pages', async () => {
    const world = new Jobs();
    await world.have(100);
    await world.start(listOfFirst(100));
    await world.run();
    expect(await world.job()).toMatchObject({ chosen: undefined, version: 3 });
  });

  it('a job reports a request that another job canceled as already_canceled', async () => {
    const world = new Jobs();
    await world.have(1);
    await world.start(listOf(0));
    await world.finish();
    const other = { account, jobId: 'nightly-2' as CancelJobId };
    await world.start(listOf(0), other);
    await world.run();
    expect(await world.jobs.read(other)).toMatchObject({ outcomes: { already_canceled: 1 } });
  });

  it('a job by list cancels a request once, however often the list names it', async () => {
    const world = new Jobs();
    await world.have(1);
    await world.start(listOf(0, 0, 0));
    expect(await world.finish()).toMatchObject({ selection: { total: 1 }, done: 1 });
  });

  it('a record that a job cancels names the caller, the job and the reason', async () => {
    const world = new Jobs();
    await world.have(1);
    await world.start({ ...listOf(0), reason: 'shop closed' });
    await world.finish();
    const [record] = world.store.records.values();
    expect(record?.cancellation).toMatchObject({
      cause: 'job',
      reason: 'shop closed',
      requestedBy: `${requestedBy}, cancel job nightly-1`,
    });
  });

  it('a job spares paid requests even if the callers of the account may cancel them', async () => {
    const world = new Jobs();
    await world.have(1, 'COMPLETED');
    await world.start(listOf(0));
    await world.finish();
    expect(world.klarna.canceled).toEqual([]);
  });
});

describe('a dry run of a job', () => {
  it('a dry run of a job reads Klarna, reports what it would cancel, and cancels nothing', async () => {
    const world = new Jobs();
    await world.have(2);
    await world.have(1, 'COMPLETED');
    world.klarna.states.set(requestId(1), 'COMPLETED');
    const writes = world.store.writes;
    await world.start({ ...listOf(0, 1, 2), dryRun: true });
    const job = await world.finish();
    expect(job.outcomes).toEqual({ would_cancel: 1, already_final: 2 });
    expect(world.klarna.canceled).toEqual([]);
    expect(world.store.writes).toBe(writes);
  });
});

describe('a job by session', () => {
  it('a job by session cancels only the requests of that session', async () => {
    const world = new Jobs();
    await world.have(2, 'SUBMITTED', 'cart-17' as SessionId);
    await world.have(1, 'SUBMITTED', 'cart-18' as SessionId);
    await world.start({ by: 'session_id', sessionId: 'cart-17' as SessionId });
    expect((await world.finish()).outcomes).toEqual({ canceled: 2 });
    expect(world.klarna.states.get(requestId(2))).toBe('SUBMITTED');
  });

  it('a job by session is not started if the session has no requests', async () => {
    const world = new Jobs();
    expect(await world.start({ by: 'session_id', sessionId: 'cart-17' as SessionId })).toEqual({
      kind: 'empty',
    });
    expect(await world.jobs.read(key)).toBeUndefined();
  });
});

describe('a job by reference', () => {
  it('a job by reference cancels only the requests with that reference', async () => {
    const world = new Jobs();
    await world.have(1, 'SUBMITTED');
    for (const [index, reference] of ['order 1', 'order 1', 'order 2'].entries()) {
      const paymentRequestId = requestId(index + 1);
      world.klarna.states.set(paymentRequestId, 'SUBMITTED');
      await world.store.save(undefined, recordWith({ paymentRequestId, state: 'SUBMITTED', reference }));
    }
    await world.start({ by: 'reference', reference: 'order 1' as Reference });
    const job = await world.finish();
    expect(job).toMatchObject({ outcomes: { canceled: 2 }, selection: { by: 'reference', total: 2 } });
    expect(world.klarna.canceled.toSorted()).toEqual([requestId(1), requestId(2)]);
  });

  it('a job by reference is not started if no request has the reference', async () => {
    const world = new Jobs();
    expect(await world.start({ by: 'reference', reference: 'order 1' as Reference })).toEqual({
      kind: 'empty',
    });
  });
});

describe('a job by age', () => {
  it('a job by age cancels all older open requests page by page, and no younger ones', async () => {
    const world = new Jobs();
    await world.have(130);
    const job = await world
      .start({ by: 'created_before', createdBefore: plusMillis(noon, 120_000) })
      .then(() => world.finish());
    expect(job).toMatchObject({ done: 120, pages: 3, outcomes: { canceled: 120 } });
    expect(world.klarna.canceled).toHaveLength(120);
    const spared = Array.from({ length: 10 }, (_, number) => requestId(120 + number));
    for (const id of spared) expect(world.klarna.states.get(id)).toBe('SUBMITTED');
    expect(new Set((await world.report()).map(({ paymentRequestId }) => paymentRequestId)).size).toBe(120);
  });

  it('a page of a report has at most fifty requests', async () => {
    const world = new Jobs();
    await world.have(101);
    await world.start(byAge);
    expect(await world.finish()).toMatchObject({ done: 101, pages: 3 });
    const pages = await Promise.all([0, 1, 2].map((page) => world.jobs.readPage(key, page)));
    expect(pages.map(({ length }) => length)).toEqual([50, 50, 1]);
  });

  it('a job by age whose only page is full ends with that page', async () => {
    const world = new Jobs();
    await world.have(50);
    await world.start(byAge);
    expect(await world.run()).toEqual({ pages: 1 });
    expect(await world.job()).toMatchObject({ status: 'done', done: 50 });
  });

  it('a dry run of a job by age reports each request once and leaves all of them open', async () => {
    const world = new Jobs();
    await world.have(120);
    await world.start({ ...byAge, dryRun: true });
    await world.run();
    expect(await world.job()).toMatchObject({ status: 'done', outcomes: { would_cancel: 120 } });
    expect(new Set((await world.report()).map(({ paymentRequestId }) => paymentRequestId)).size).toBe(120);
  });

  it('a job by age leaves paid and final requests out of its report', async () => {
    const world = new Jobs();
    await world.have(1);
    for (const state of ['COMPLETED', 'CANCELED', 'EXPIRED', 'DECLINED'] as const) await world.have(1, state);
    await world.start(byAge);
    expect(await world.finish()).toMatchObject({ done: 1, outcomes: { canceled: 1 } });
  });

  it('a job by age chooses the requests of a page once, even if the page is retried', async () => {
    const world = new Jobs();
    await world.have(1);
    await world.start(byAge);
    world.klarna.instead = () => unclear;
    await world.run();
    expect(await world.job()).toMatchObject({ chosen: { ids: [requestId(0)] }, attempts: 1, version: 3 });
    world.klarna.instead = undefined;
    expect(await world.finish()).toMatchObject({ outcomes: { canceled: 1 }, version: 4 });
  });

  it('a job by age is refused for a time in the future, beyond one minute of clock difference', async () => {
    const world = new Jobs();
    const now = instantFromMillis(world.clock.now());
    const started = (ahead: number) =>
      world.start({ by: 'created_before', createdBefore: plusMillis(now, ahead), given: 'soon' });
    expect(await started(60_001)).toEqual({ kind: 'not_yet', given: 'soon' });
    expect(await world.jobs.read(key)).toBeUndefined();
    expect(await started(60_000)).toMatchObject({ kind: 'started' });
  });

  it('a job by age that finds no request ends at once', async () => {
    const world = new Jobs();
    let pages = 0;
    world.injectFault = (call) => {
      if (call === 'jobs.writePage') pages += 1;
    };
    await world.start({ by: 'created_before', createdBefore: noon });
    expect(await world.finish()).toMatchObject({ status: 'done', done: 0, pages: 0 });
    expect(pages).toBe(0);
  });
});

describe('the start of a job', () => {
  const cart = { by: 'session_id', sessionId: 'cart-17' as SessionId } as const;

  it.each([
    [listOf(0, 1, 0), { by: 'payment_request_ids', total: 2 }],
    [cart, { ...cart, total: 2 }],
    [byAge, byAge],
  ])('a job that starts records what it selects: %j', async (what, selection) => {
    const world = new Jobs();
    await world.have(2, 'SUBMITTED', cart.sessionId);
    expect(await world.start(what)).toMatchObject({ kind: 'started' });
    expect((await world.job()).selection).toEqual(selection);
  });

  it('a repeated start returns the existing job, even if the session has no requests any more', async () => {
    const world = new Jobs();
    await world.have(1, 'SUBMITTED', cart.sessionId);
    await world.start(cart);
    world.store.records.clear();
    expect(await world.start(cart)).toMatchObject({ kind: 'unchanged', job: { selection: cart } });
  });

  it('two identical starts at the same time create one job, and both return it', async () => {
    const world = new Jobs();
    await world.have(1);
    const [first, second] = await Promise.all([world.start(byAge), world.start(byAge)]);
    expect(first).toEqual({ kind: 'started', job: await world.job() });
    expect(second).toEqual({ kind: 'unchanged', job: await world.job() });
  });

  it.each([
    ['a list and another list', listOf(0), listOf(1)],
    ['a job by age and its dry run', byAge, { ...byAge, dryRun: true }],
  ])('the second of two different jobs with the same id is refused: %s', async (_, one, other) => {
    const world = new Jobs();
    await world.have(2);
    const [first, second] = await Promise.all([world.start(one), world.start(other)]);
    expect([first.kind, second]).toEqual(['started', { kind: 'taken' }]);
  });

  it('a repeated start by another caller returns the same job', async () => {
    const world = new Jobs();
    await world.have(1);
    await world.start(listOf(0));
    await world.finish();
    expect(await world.start({ ...listOf(0), requestedBy: 'another caller' })).toMatchObject({
      kind: 'unchanged',
      job: { status: 'done', requestedBy },
    });
  });

  it.each<[string, Partial<CancelJobRequest>]>([
    ['another list', listOf(1)],
    ['a dry run of the same list', { dryRun: true }],
    ['another reason', { reason: 'shop closed' }],
  ])('a start with the same id is refused for %s', async (_, difference) => {
    const world = new Jobs();
    await world.have(1);
    await world.start(listOf(0));
    expect(await world.start({ ...listOf(0), ...difference })).toEqual({ kind: 'taken' });
  });
});

describe('the rate of a job', () => {
  it('the rate of a job holds within a page and from page to page', async () => {
    const world = new Jobs();
    await world.have(100);
    await world.start(listOfFirst(100));
    const begin = world.clock.now();
    await world.run();
    expect((await world.job()).done).toBe(100);
    expect(world.clock.now() - begin).toBeGreaterThanOrEqual(98 * 100);
  });

  it('a job leaves to the next sweep what does not fit into the time of this one', async () => {
    const world = new Jobs();
    await world.have(130);
    await world.start(listOfFirst(130));
    expect(await world.run(5_500)).toEqual({ pages: 2 });
    const { done, pages } = await world.job();
    // The first page, and the part of the second for which there was time.
    expect([done > 50 && done < 100, pages]).toEqual([true, 2]);
    expect(await world.report()).toHaveLength(done);
    expect(await world.run(0)).toEqual({ pages: 0 });
    await world.run();
    expect(await world.job()).toMatchObject({ status: 'done', done: 130, pages: 4 });
    expect(new Set((await world.report()).map(({ paymentRequestId }) => paymentRequestId)).size).toBe(130);
  });
});

describe('a sweep that runs jobs', () => {
  const later = { account, jobId: 'nightly-2' as CancelJobId };

  const twoJobs = async () => {
    const world = new Jobs();
    await world.have(2);
    await world.start(listOf(0));
    await world.start(listOf(1), later);
    return world;
  };

  it('a sweep continues every job that is due', async () => {
    const world = await twoJobs();
    expect(await world.run()).toEqual({ pages: 2 });
    expect(await world.job()).toMatchObject({ status: 'done' });
    expect(await world.jobs.read(later)).toMatchObject({ status: 'done' });
  });

  it('a sweep without time left reads no job', async () => {
    const world = await twoJobs();
    let reads = 0;
    world.injectFault = (call, moment) => {
      if (call === 'jobs.read' && moment === 'before') reads += 1;
    };
    expect(await world.run(0)).toEqual({ pages: 0 });
    expect(reads).toBe(0);
  });

  it('a long job does not keep another waiting: each gets a page in turn', async () => {
    const world = new Jobs();
    await world.have(150);
    await world.start(listOfFirst(120));
    await world.start(listOf(120, 121, 122), later);
    // Time for one page of the long job, and for the short one.
    await world.run(6_000);
    expect(await world.jobs.read(later)).toMatchObject({ status: 'done', done: 3 });
    expect(await world.job()).toMatchObject({ status: 'running' });
  });

  it('a job whose account has no turn begins nothing, and goes on where it was', async () => {
    const world = new Jobs();
    await world.have(2);
    await world.start(listOf(0, 1));
    world.isTurn = false;
    await world.run();
    expect(await world.job()).toMatchObject({ status: 'running', done: 0, attempts: 0, pages: 0 });
    expect(world.klarna.calls).toEqual([]);
    world.isTurn = true;
    await world.run();
    expect(await world.job()).toMatchObject({ status: 'done', done: 2 });
  });

  it('a job starts nothing at the moment when its time is over', async () => {
    const world = new Jobs();
    await world.have(2);
    await world.start(listOf(0, 1));
    // A tenth of a second: the second request of the list would start exactly at its end.
    await world.run(100);
    expect(world.klarna.canceled).toEqual([requestId(0)]);
    expect(await world.job()).toMatchObject({ status: 'running', done: 1 });
  });
});

it('a long wait for one request ends the page before it, so the report has no gap', async () => {
  const world = new Jobs();
  await world.have(3);
  await world.start(listOf(0, 1, 2));
  const begin = world.clock.now();
  vi.spyOn(world.clock, 'wait').mockImplementation(async (millis) => {
    const isLate = millis === 100;
    for (let semaphore = isLate ? 2 : 1; semaphore > 0; semaphore -= 1) {
      await new Promise((next) => setImmediate(next));
    }
    world.clock.advance(begin + (isLate ? 300 : millis) - world.clock.now());
  });
  const told = async () => (await world.report()).map(({ paymentRequestId }) => paymentRequestId);
  // Each request waits a tenth of a second. The second one wakes up too late, and the third does not begin before it.
  await world.run(250);
  expect(await told()).toEqual([requestId(0)]);
  await world.finish();
  expect(world.faults).toEqual([]);
  expect(await told()).toEqual([0, 1, 2].map(requestId));
});

describe('a job while Klarna is slower than the rate', () => {
  it('a sweep ends in time even if Klarna is slower than the rate, and the job continues from there', async () => {
    const world = new Jobs();
    await world.have(400);
    await world.start(byAge);
    world.injectFault = (call, moment) => {
      if (call === 'klarna.read' && moment === 'after') world.clock.advance(200);
    };
    const begin = world.clock.now();
    await world.run(35_000);
    // Requests that were started last, side by side, may still finish after that.
    expect(world.clock.now() - begin).toBeLessThan(35_000 + 20 * 200);
    const { done, status } = await world.job();
    expect(status).toBe('running');
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(400);
    expect(await world.report()).toHaveLength(done);
    world.injectFault = () => undefined;
    expect(await world.finish()).toMatchObject({ done: 400, outcomes: { canceled: 400 } });
    expect(await world.report()).toHaveLength(400);
  });
});

describe('stopping a job', () => {
  it('a stopped job keeps what is canceled and starts nothing more', async () => {
    const world = new Jobs();
    await world.have(100);
    await world.start(listOfFirst(100));
    await world.run(5_000);
    expect(await world.stop()).toMatchObject({ status: 'stopped' });
    const { done } = await world.job();
    expect([done > 0, done < 100]).toEqual([true, true]);
    expect(await world.run()).toEqual({ pages: 0 });
    expect((await world.job()).dueAt).toBeUndefined();
    expect(world.klarna.canceled).toHaveLength(done);
    expect(await world.stop()).toMatchObject({ status: 'stopped', done });
  });

  /** Stops the job at the first such call to Klarna, and returns the stopped job. */
  async function stoppedAt(question: 'klarna.read' | 'klarna.cancel', world: Jobs): Promise<CancelJob> {
    let isStopped: Promise<unknown> | undefined;
    world.injectFault = (call) => {
      if (call === question) isStopped ??= world.stop();
    };
    expect(await world.run()).toEqual({ pages: 1 });
    await isStopped;
    return world.job();
  }

  it.each([
    ['of several', 100],
    ['that is the last', 50],
  ])(
    'a job that is stopped during a page %s stays stopped, and its report has the whole page',
    async (_, count) => {
      const world = new Jobs();
      await world.have(count);
      await world.start(listOfFirst(count));
      const job = await stoppedAt('klarna.cancel', world);
      expect(job).toMatchObject({ status: 'stopped', done: 50, pages: 1, outcomes: { canceled: 50 } });
      expect(job.dueAt).toBeUndefined();
      expect(world.klarna.canceled).toHaveLength(50);
      expect(await world.report()).toEqual(
        Array.from({ length: 50 }, (_each, number) => ({
          paymentRequestId: requestId(number),
          outcome: 'canceled',
          state: 'CANCELED',
        })),
      );
    },
  );

  it('a job that is stopped while a page waits for a retry ends with the outcomes of that page', async () => {
    const world = new Jobs();
    await world.have(2);
    await world.start(listOf(0, 1));
    let reads = 0;
    world.injectFault = (call, moment) => {
      if (call === 'klarna.read' && moment === 'before' && ++reads === 2) throw new Error('a bug');
    };
    await world.run();
    expect(await world.stop()).toMatchObject({ status: 'stopped', attempts: 1, done: 0 });
    expect(await world.run()).toEqual({ pages: 0 });
    const job = await world.job();
    expect(job).toMatchObject({ done: 2, pages: 1, outcomes: { canceled: 1, untried: 1 } });
    expect(job.dueAt).toBeUndefined();
    expect(await world.report()).toHaveLength(2);
  });

  it('a stopped job whose page was written but not counted is closed by a later sweep', async () => {
    const world = new Jobs();
    await world.have(1);
    await world.start(listOf(0));
    const fault = new Error('throttled');
    world.injectFault = (call) => {
      if (call === 'jobs.save' || call === 'jobs.readPage') throw fault;
    };
    await world.run();
    const stopped = await world.stop();
    world.faults.length = 0;
    await world.run();
    expect([await world.job(), world.faults, world.untried.at(-1)]).toEqual([stopped, [fault], stopped]);
    world.injectFault = () => undefined;
    await world.run();
    expect(await world.job()).toMatchObject({ status: 'stopped', done: 1, outcomes: { canceled: 1 } });
  });

  it('a job that is stopped during a page with pending requests reports them as pending', async () => {
    const world = new Jobs();
    await world.have(2);
    await world.start(listOf(0, 1));
    world.klarna.instead = () => unclear;
    const job = await stoppedAt('klarna.read', world);
    expect(job).toMatchObject({ status: 'stopped', done: 2, outcomes: { pending: 2 } });
    expect((await world.report()).map(({ outcome }) => outcome)).toEqual(['pending', 'pending']);
  });

  it('a page that another sweep has already counted is not counted twice', async () => {
    const world = new Jobs();
    await world.have(100);
    await world.start(listOfFirst(100));
    const job = await world.job();
    const now = instantFromMillis(world.clock.now());
    const entries = [{ paymentRequestId: requestId(0), outcome: 'canceled' }] as const;
    const counted = withPage(job, entries, { ids: [requestId(0)], isLast: false }, now);
    const stopped = withStop(counted, now);
    world.injectFault = (call, moment) => {
      if (call !== 'jobs.save' || moment !== 'before') return;
      void world.jobs.save(job, counted);
      void world.jobs.save(counted, stopped);
    };
    await world.run();
    expect(await world.job()).toMatchObject({
      status: 'stopped',
      done: 1,
      pages: 1,
      outcomes: { canceled: 1 },
    });
  });

  it('a page is not counted if another sweep has changed the job and it is still running', async () => {
    const world = new Jobs();
    await world.have(100);
    await world.start(listOfFirst(100));
    const job = await world.job();
    const changed = putOff(job, instantFromMillis(world.clock.now()));
    world.injectFault = (call, moment) => {
      if (call === 'jobs.save' && moment === 'before') void world.jobs.save(job, changed);
    };
    await world.run();
    expect(await world.job()).toEqual(changed);
  });

  it('a job that is deleted during a page causes no fault', async () => {
    const world = new Jobs();
    await world.have(1);
    await world.start(listOf(0));
    const job = await world.job();
    vi.spyOn(world.jobs, 'read').mockResolvedValueOnce(job).mockResolvedValueOnce(undefined);
    vi.spyOn(world.jobs, 'save').mockResolvedValue(false);
    expect(await world.run()).toEqual({ pages: 1 });
    expect(world.faults).toEqual([]);
  });

  it('stopping a job that does not exist returns undefined', async () => {
    expect(await new Jobs().stop()).toBeUndefined();
  });
});

describe('a job while Klarna does not respond', () => {
  it('a page without a response waits 1, 5, 15 and 60 minutes, and continues once Klarna is back', async () => {
    const world = new Jobs();
    await world.have(2);
    await world.start(listOf(0, 1));
    world.klarna.instead = () => unclear;
    for (const minutes of [1, 5, 15]) {
      await world.run();
      const { attempts, dueAt, done, updatedAt } = await world.job();
      expect({ done, dueAt }).toEqual({ done: 0, dueAt: plusMillis(updatedAt, minutes * 60_000) });
      expect(attempts).toBeGreaterThan(0);
      world.clock.advance(minutes * 60_000);
    }
    world.klarna.instead = undefined;
    expect((await world.finish()).outcomes).toEqual({ canceled: 2 });
  });

  it('a page is reported as it is after its last attempt, and the job continues', async () => {
    const world = new Jobs();
    await world.have(51);
    await world.start(listOfFirst(51));
    world.klarna.instead = () => unclear;
    const job = await world.finish();
    expect(job).toMatchObject({ status: 'done', done: 51, outcomes: { pending: 51 } });
    expect(await world.report()).toHaveLength(51);
  });

  it('a missing account is reported as a fault, and the job continues once it is configured', async () => {
    const world = new Jobs();
    await world.have(1);
    await world.start(listOf(0));
    world.hasAccount = false;
    await world.run();
    expect(world.faults).toEqual([new ConfigurationError('The secret accounts has no account shop-se.')]);
    expect(await world.job()).toMatchObject({ status: 'running', attempts: 1, done: 0 });
    world.hasAccount = true;
    expect((await world.finish()).outcomes).toEqual({ canceled: 1 });
  });
});

describe('a request that fails with a fault of ours', () => {
  it('a request that fails reports each fault, and is untried after the last attempt', async () => {
    const world = new Jobs();
    await world.have(2);
    await world.start(listOf(0));
    const fault = new Error('a bug');
    world.injectFault = (call, moment) => {
      if (call === 'klarna.read' && moment === 'before') throw fault;
    };
    await world.run();
    expect(world.faults).toEqual([fault]);
    expect(world.untried).toEqual([{ ...key, paymentRequestId: requestId(0) }]);
    expect(await world.finish()).toMatchObject({ status: 'done', outcomes: { untried: 1 } });
    expect(await world.report()).toEqual([{ paymentRequestId: requestId(0), outcome: 'untried' }]);
  });
});

describe('a page that can neither be tried nor postponed', () => {
  it('a page that can neither be tried nor postponed reports both faults and is tried by the next sweep', async () => {
    const world = new Jobs();
    await world.have(1);
    await world.start(listOf(0));
    const job = await world.job();
    world.injectFault = (call) => {
      if (call === 'jobs.idsOf') throw new Error('a bug');
      if (call === 'jobs.save') throw new Error('throttled');
    };
    await world.run();
    expect(world.faults).toEqual([new Error('a bug'), new Error('throttled')]);
    expect(world.untried).toEqual([job, job]);
    expect(await world.job()).toEqual(job);
    world.injectFault = () => undefined;
    expect((await world.finish()).outcomes).toEqual({ canceled: 1 });
  });
});

describe('a job with a fault at any call', () => {
  it('a fault at any call repeats one page at most, and everything is canceled and reported once', async () => {
    const world = new Jobs();
    let calls = 0;
    world.injectFault = () => void (calls += 1);
    const prepare = async (each: Jobs): Promise<void> => {
      await each.have(60);
      await each.start(byAge);
    };
    await prepare(world);
    await world.finish();
    expect(calls).toBeGreaterThan(600);

    for (let at = 1; at <= calls; at += 7) {
      const struck = new Jobs();
      await prepare(struck);
      let call = 0;
      struck.injectFault = () => {
        call += 1;
        if (call === at) throw new Error(`struck at call ${at}`);
      };
      await struck.finish();
      struck.injectFault = () => undefined;
      const report = await struck.report();
      expect(report, `call ${at}`).toHaveLength(60);
      for (const { outcome } of report) expect(['canceled', 'pending']).toContain(outcome);
      expect(report.filter(({ outcome }) => outcome !== 'canceled').length, `call ${at}`).toBeLessThan(2);
      expect((await struck.job()).done).toBe(60);
    }
  });
});
