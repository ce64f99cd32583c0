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
import type { CancelJobId, SessionId } from '../../functions/domain/identifiers.ts';
import { instantFromMillis, plusMillis } from '../../functions/domain/instant.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { account, noon, recordWith, settingsWith } from '../support/fixtures.ts';
import { InMemoryCancelJobs } from '../support/in-memory-cancel-jobs.ts';
import { InMemoryPaymentRequestStore } from '../support/in-memory-payment-request-store.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { CountingIds, VirtualClock } from '../support/virtual-clock.ts';
import { InMemoryTimer, withFaults, type FaultInjector } from '../support/world.ts';

const key = { account, jobId: 'nightly-1' as CancelJobId };
const requestedBy = 'arn:aws:iam::000000000000:user/operations';
const asked = { dryRun: false, reason: undefined, requestedBy } as const;

/** Jobs and all that they run in, in memory. */
class Jobs {
  readonly store = new InMemoryPaymentRequestStore();
  readonly jobs = new InMemoryCancelJobs();
  readonly klarna = new ScriptedKlarna(undefined);
  /** After all that {@link have} has had. */
  readonly clock = new VirtualClock('2026-03-01T12:15:00Z');
  readonly faults: unknown[] = [];
  /** What each of the faults kept from being tried. */
  readonly untried: unknown[] = [];
  hasAccount = true;
  injectFault: FaultInjector = () => undefined;

  /** So many Payment Requests, a second apart, the first at noon, in this state at Klarna and in the record. */
  async have(count: number, state: PaymentRequestState = 'SUBMITTED', sessionId?: SessionId): Promise<void> {
    for (let number = 0; number < count; number += 1) {
      const paymentRequestId = requestId(this.klarna.states.size);
      this.klarna.states.set(paymentRequestId, state);
      const createdAt = plusMillis(noon, number * 1_000);
      await this.store.save(undefined, recordWith({ paymentRequestId, state, createdAt, sessionId }));
    }
  }

  start(request: Partial<CancelJobRequest> & Pick<CancelJobRequest, 'by'>, of: CancelJobKey = key) {
    const starting = startCancelJob({ jobs: this.jobs, sessions: this.store, clock: this.clock });
    const { requestedBy: _, ...what } = { ...asked, ...request };
    const requestSha256 = JSON.stringify(what);
    return starting(of, { ...asked, requestSha256, ...request } as CancelJobRequest);
  }

  stop() {
    return stopCancelJob(this)(key);
  }

  /** One sweep's share, of half a minute unless a test gives it less. */
  run(millis = 35_000) {
    const store = withFaults('store', this.store, (...call) => this.injectFault(...call));
    const cancelling = {
      store,
      timer: new InMemoryTimer(),
      klarna: withFaults('klarna', this.klarna, (...call) => this.injectFault(...call)),
      clock: this.clock,
      ids: new CountingIds(),
      chance: () => 0.5,
      onTimerFault: (error: unknown) => void this.faults.push(error),
    };
    return runCancelJobs({
      jobs: withFaults('jobs', this.jobs, (...call) => this.injectFault(...call)),
      list: store,
      accounts: { find: () => Promise.resolve(this.hasAccount ? settingsWith() : undefined) },
      clock: this.clock,
      cancel: cancelPaymentRequest(cancelling),
      dryRun: dryRunCancel(cancelling),
      perSecond: 10,
      onFault: (what, error) => {
        this.untried.push(what);
        this.faults.push(error);
      },
    })(this.clock.now() + millis);
  }

  /** Sweeps, a minute apart, until the job is over. */
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

/** A list of the first so many. */
const listOfFirst = (count: number) => listOf(...Array.from({ length: count }, (_, number) => number));

/** All that {@link Jobs.have} has had. */
const byAge = { by: 'created_before', createdBefore: plusMillis(noon, 600_000) } as const;

describe('a job by a list', () => {
  it('cancels what is open, spares what is paid, and says of each what came of it, in order', async () => {
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

  it('that fills its pages is done with the last of them', async () => {
    const world = new Jobs();
    await world.have(100);
    await world.start(listOfFirst(100));
    expect(await world.run()).toEqual({ pages: 2 });
    expect(await world.job()).toMatchObject({ status: 'done', done: 100, pages: 2 });
  });

  it('is written once with each of its pages', async () => {
    const world = new Jobs();
    await world.have(100);
    await world.start(listOfFirst(100));
    await world.run();
    expect(await world.job()).toMatchObject({ chosen: undefined, version: 3 });
  });

  it('does not take for its own what somebody else has canceled', async () => {
    const world = new Jobs();
    await world.have(1);
    await world.start(listOf(0));
    await world.finish();
    const other = { account, jobId: 'nightly-2' as CancelJobId };
    await world.start(listOf(0), other);
    await world.run();
    expect(await world.jobs.read(other)).toMatchObject({ outcomes: { already_canceled: 1 } });
  });

  it('goes through each once, however often it is named', async () => {
    const world = new Jobs();
    await world.have(1);
    await world.start(listOf(0, 0, 0));
    expect(await world.finish()).toMatchObject({ selection: { total: 1 }, done: 1 });
  });

  it('says in every record who asked, and for which job', async () => {
    const world = new Jobs();
    await world.have(1);
    await world.start({ ...listOf(0), reason: 'shop closed' });
    await world.finish();
    const [record] = world.store.records.values();
    expect(record?.cancellation).toMatchObject({
      cause: 'api',
      reason: 'shop closed',
      requestedBy: `${requestedBy}, cancel job nightly-1`,
    });
  });

  it('spares what is paid even where the account lets a caller cancel it', async () => {
    const world = new Jobs();
    await world.have(1, 'COMPLETED');
    await world.start(listOf(0));
    await world.finish();
    expect(world.klarna.canceled).toEqual([]);
  });
});

describe('a dry run', () => {
  it('says what would be canceled, asks Klarna, and cancels nothing', async () => {
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
  it("cancels the session's and nobody else's", async () => {
    const world = new Jobs();
    await world.have(2, 'SUBMITTED', 'cart-17' as SessionId);
    await world.have(1, 'SUBMITTED', 'cart-18' as SessionId);
    await world.start({ by: 'session_id', sessionId: 'cart-17' as SessionId });
    expect((await world.finish()).outcomes).toEqual({ canceled: 2 });
    expect(world.klarna.states.get(requestId(2))).toBe('SUBMITTED');
  });

  it('is not started for a session that nothing is known of', async () => {
    const world = new Jobs();
    expect(await world.start({ by: 'session_id', sessionId: 'cart-17' as SessionId })).toEqual({
      kind: 'empty',
    });
    expect(await world.jobs.read(key)).toBeUndefined();
  });
});

describe('a job by age', () => {
  it('cancels all that is open and older, page by page, and nothing that is younger', async () => {
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

  it('has at most fifty requests on a page of its report', async () => {
    const world = new Jobs();
    await world.have(101);
    await world.start(byAge);
    expect(await world.finish()).toMatchObject({ done: 101, pages: 3 });
    const pages = await Promise.all([0, 1, 2].map((page) => world.jobs.readPage(key, page)));
    expect(pages.map(({ length }) => length)).toEqual([50, 50, 1]);
  });

  it('that fills its page is done with it', async () => {
    const world = new Jobs();
    await world.have(50);
    await world.start(byAge);
    expect(await world.run()).toEqual({ pages: 1 });
    expect(await world.job()).toMatchObject({ status: 'done', done: 50 });
  });

  it('names each once, also in a rehearsal, which leaves all of them open', async () => {
    const world = new Jobs();
    await world.have(120);
    await world.start({ ...byAge, dryRun: true });
    await world.run();
    expect(await world.job()).toMatchObject({ status: 'done', outcomes: { would_cancel: 120 } });
    expect(new Set((await world.report()).map(({ paymentRequestId }) => paymentRequestId)).size).toBe(120);
  });

  it('does not so much as name what is paid or over', async () => {
    const world = new Jobs();
    await world.have(1);
    for (const state of ['COMPLETED', 'CANCELED', 'EXPIRED', 'DECLINED'] as const) await world.have(1, state);
    await world.start(byAge);
    expect(await world.finish()).toMatchObject({ done: 1, outcomes: { canceled: 1 } });
  });

  it('fixes a page once, before anything of it is canceled, though it is tried again', async () => {
    const world = new Jobs();
    await world.have(1);
    await world.start(byAge);
    world.klarna.instead = () => unclear;
    await world.run();
    expect(await world.job()).toMatchObject({ chosen: { ids: [requestId(0)] }, attempts: 1, version: 3 });
    world.klarna.instead = undefined;
    expect(await world.finish()).toMatchObject({ outcomes: { canceled: 1 }, version: 4 });
  });

  it('is not started for a moment to come, but for one that a clock is ahead by', async () => {
    const world = new Jobs();
    const now = instantFromMillis(world.clock.now());
    const started = (ahead: number) =>
      world.start({ by: 'created_before', createdBefore: plusMillis(now, ahead) });
    expect(await started(60_001)).toEqual({ kind: 'not_yet' });
    expect(await world.jobs.read(key)).toBeUndefined();
    expect(await started(60_000)).toMatchObject({ kind: 'started' });
  });

  it('is done at once where there is nothing', async () => {
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

describe('a start', () => {
  const cart = { by: 'session_id', sessionId: 'cart-17' as SessionId } as const;

  it.each([
    [listOf(0, 1, 0), { by: 'payment_request_ids', total: 2 }],
    [cart, { ...cart, total: 2 }],
    [byAge, byAge],
  ])('says what it is to cancel: %j', async (what, selection) => {
    const world = new Jobs();
    await world.have(2, 'SUBMITTED', cart.sessionId);
    expect(await world.start(what)).toMatchObject({ kind: 'started' });
    expect((await world.job()).selection).toEqual(selection);
  });

  it('that is repeated is answered from the job, also where nothing is known of the session any more', async () => {
    const world = new Jobs();
    await world.have(1, 'SUBMITTED', cart.sessionId);
    await world.start(cart);
    world.store.records.clear();
    expect(await world.start(cart)).toMatchObject({ kind: 'unchanged', job: { selection: cart } });
  });

  it('of two at the same time makes one job, which both are told of', async () => {
    const world = new Jobs();
    await world.have(1);
    const [first, second] = await Promise.all([world.start(byAge), world.start(byAge)]);
    expect(first).toEqual({ kind: 'started', job: await world.job() });
    expect(second).toEqual({ kind: 'unchanged', job: await world.job() });
  });

  it.each([
    ['a list and another list', listOf(0), listOf(1)],
    ['an age and its rehearsal', byAge, { ...byAge, dryRun: true }],
  ])('of two at the same time under one id, %s, is refused to the later', async (_, one, other) => {
    const world = new Jobs();
    await world.have(2);
    const [first, second] = await Promise.all([world.start(one), world.start(other)]);
    expect([first.kind, second]).toEqual(['started', { kind: 'taken' }]);
  });

  it('is the same job when it is repeated, by whomever', async () => {
    const world = new Jobs();
    await world.have(1);
    await world.start(listOf(0));
    await world.finish();
    expect(await world.start({ ...listOf(0), requestedBy: 'somebody else' })).toMatchObject({
      kind: 'unchanged',
      job: { status: 'done', requestedBy },
    });
  });

  it.each<[string, Partial<CancelJobRequest>]>([
    ['another list', listOf(1)],
    ['the deed after the rehearsal', { dryRun: true }],
    ['another reason', { reason: 'shop closed' }],
  ])('is refused for %s under the same id', async (_, difference) => {
    const world = new Jobs();
    await world.have(1);
    await world.start(listOf(0));
    expect(await world.start({ ...listOf(0), ...difference })).toEqual({ kind: 'taken' });
  });
});

describe('the rate', () => {
  it('is kept within a page and from page to page', async () => {
    const world = new Jobs();
    await world.have(100);
    await world.start(listOfFirst(100));
    const begin = world.clock.now();
    await world.run();
    expect((await world.job()).done).toBe(100);
    expect(world.clock.now() - begin).toBeGreaterThanOrEqual(98 * 100);
  });

  it('and the time that the sweep has left leave the rest for the next sweep', async () => {
    const world = new Jobs();
    await world.have(130);
    await world.start(listOfFirst(130));
    expect(await world.run(5_500)).toEqual({ pages: 2 });
    const { done, pages } = await world.job();
    // The first page, and as much of the second as there was time for.
    expect([done > 50 && done < 100, pages]).toEqual([true, 2]);
    expect(await world.report()).toHaveLength(done);
    expect(await world.run(0)).toEqual({ pages: 0 });
    await world.run();
    expect(await world.job()).toMatchObject({ status: 'done', done: 130, pages: 4 });
    expect(new Set((await world.report()).map(({ paymentRequestId }) => paymentRequestId)).size).toBe(130);
  });
});

describe('a sweep', () => {
  const later = { account, jobId: 'nightly-2' as CancelJobId };

  const twoJobs = async () => {
    const world = new Jobs();
    await world.have(2);
    await world.start(listOf(0));
    await world.start(listOf(1), later);
    return world;
  };

  it('goes on with every job that is due', async () => {
    const world = await twoJobs();
    expect(await world.run()).toEqual({ pages: 2 });
    expect(await world.job()).toMatchObject({ status: 'done' });
    expect(await world.jobs.read(later)).toMatchObject({ status: 'done' });
  });

  it('that has no time left looks at no further job', async () => {
    const world = await twoJobs();
    let reads = 0;
    world.injectFault = (call, moment) => {
      if (call === 'jobs.read' && moment === 'before') reads += 1;
    };
    expect(await world.run(0)).toEqual({ pages: 0 });
    expect(reads).toBe(1);
  });

  it('begins nothing at the moment at which its time is over', async () => {
    const world = new Jobs();
    await world.have(2);
    await world.start(listOf(0, 1));
    // A tenth of a second, after which the second of the list has its turn.
    await world.run(100);
    expect(world.klarna.canceled).toEqual([requestId(0)]);
    expect(await world.job()).toMatchObject({ status: 'running', done: 1 });
  });
});

it('a wait that takes longer than the one after it leaves no gap in a page', async () => {
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
  // Time for the second of a tenth of a second each, and for the third.
  await world.run(250);
  expect(world.faults).toEqual([]);
  expect((await world.report()).map(({ paymentRequestId }) => paymentRequestId)).toEqual(
    [0, 1, 2].map(requestId),
  );
});

describe('a Klarna that is slower than the rate', () => {
  it('lets a sweep come to its end all the same, and the job go on from there', async () => {
    const world = new Jobs();
    await world.have(400);
    await world.start(byAge);
    world.injectFault = (call, moment) => {
      if (call === 'klarna.read' && moment === 'after') world.clock.advance(200);
    };
    const begin = world.clock.now();
    await world.run(35_000);
    // What was begun last, side by side, may go on after that.
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

describe('a stop', () => {
  it('leaves what is canceled and begins nothing more', async () => {
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

  /** A job that is stopped as soon as Klarna is asked this of its first page. */
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
  ])('in the middle of a page %s holds, and the report has the whole page', async (_, count) => {
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
  });

  it('while a page waits to be tried again ends with what it has come to', async () => {
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

  it('after a sweep that died with the page written counts it, and is closed once that works', async () => {
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

  it('in the middle of a page that would be tried again reports it as it is', async () => {
    const world = new Jobs();
    await world.have(2);
    await world.start(listOf(0, 1));
    world.klarna.instead = () => unclear;
    const job = await stoppedAt('klarna.read', world);
    expect(job).toMatchObject({ status: 'stopped', done: 2, outcomes: { pending: 2 } });
    expect((await world.report()).map(({ outcome }) => outcome)).toEqual(['pending', 'pending']);
  });

  it('after somebody else has counted the page counts nothing twice', async () => {
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

  it('is what a page is counted for: a job that goes on in other hands is left to them', async () => {
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

  it('of a job that is gone meanwhile is no fault', async () => {
    const world = new Jobs();
    await world.have(1);
    await world.start(listOf(0));
    const job = await world.job();
    vi.spyOn(world.jobs, 'read').mockResolvedValueOnce(job).mockResolvedValueOnce(undefined);
    vi.spyOn(world.jobs, 'save').mockResolvedValue(false);
    expect(await world.run()).toEqual({ pages: 1 });
    expect(world.faults).toEqual([]);
  });

  it('knows nothing of a job that is not there', async () => {
    expect(await new Jobs().stop()).toBeUndefined();
  });
});

describe('when nothing gets through', () => {
  it('the page waits 1, 5, 15 and 60 minutes, and goes on once Klarna is back', async () => {
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

  it('the page is reported as it is after the last try, and the job goes on', async () => {
    const world = new Jobs();
    await world.have(51);
    await world.start(listOfFirst(51));
    world.klarna.instead = () => unclear;
    const job = await world.finish();
    expect(job).toMatchObject({ status: 'done', done: 51, outcomes: { pending: 51 } });
    expect(await world.report()).toHaveLength(51);
  });

  it('for a fault of ours it is told and the job is kept', async () => {
    const world = new Jobs();
    await world.have(1);
    await world.start(listOf(0));
    world.hasAccount = false;
    await world.run();
    expect(world.faults).toEqual([new Error('the secret accounts has no account shop-se')]);
    expect(await world.job()).toMatchObject({ status: 'running', attempts: 1, done: 0 });
    world.hasAccount = true;
    expect((await world.finish()).outcomes).toEqual({ canceled: 1 });
  });
});

describe('a request that cannot be tried for a fault of ours', () => {
  it('is told of each time, and reported as untried after the last', async () => {
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

describe('a page that can neither be tried nor put off', () => {
  it('is told of twice, and is tried again by the next sweep', async () => {
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

describe('a fault at any call', () => {
  it('repeats a page at most: everything is canceled and reported once, as canceled', async () => {
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
