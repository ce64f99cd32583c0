import { describe, expect, it } from 'vitest';
import type { PaymentRequestErasure } from '../../functions/application/ports.ts';
import { eraseDeliveries, eraseFromJobs, eraseRecords } from '../../functions/application/erase-records.ts';
import { eraseReferences } from '../../functions/application/erase-references.ts';
import type { CancelJob } from '../../functions/domain/cancel-job.ts';
import type { CancelJobId, PaymentRequestId, Reference } from '../../functions/domain/identifiers.ts';
import { parseSessionId } from '../../functions/domain/identifiers.ts';
import type { RegisteredSession } from '../../functions/domain/payment-request.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { erase, type EraseOptions } from '../../operations/erase-command.ts';
import { printerOn } from '../../operations/printer.ts';
import { jobWith, requestId } from '../support/cancel-jobs.ts';
import { recordedTerminal } from '../support/command-line.ts';
import { account, recordWith, versioned } from '../support/fixtures.ts';
import { InMemoryAwaitedReferences } from '../support/in-memory-awaited-references.ts';
import { InMemoryCancelJobs } from '../support/in-memory-cancel-jobs.ts';
import { InMemoryKeptAuthorizations } from '../support/in-memory-kept-authorizations.ts';
import { InMemoryPaymentRequestStore } from '../support/in-memory-payment-request-store.ts';
import { settingsOf } from '../support/account-settings.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const sessionId = parseSessionId('cart-of-Anna');
const over: Partial<CancelJob> = { status: 'done', dueAt: undefined, done: 1, pages: 1 };

/** A table with a session of two requests in these states, and jobs about the first of them. */
async function system(states: readonly PaymentRequestState[], jobs: readonly Partial<CancelJob>[]) {
  const store = new InMemoryPaymentRequestStore();
  for (const [index, state] of states.entries()) {
    const paymentRequestId = requestId(index + 1);
    await store.save(undefined, versioned(recordWith({ paymentRequestId, state, sessionId })));
  }
  const stored = new InMemoryCancelJobs();
  for (const [index, fields] of jobs.entries()) {
    const job = jobWith({ jobId: `job-${index + 1}` as CancelJobId, ...fields });
    await stored.start(job, [requestId(1)]);
    await stored.writePage(job, 0, [{ paymentRequestId: requestId(1), outcome: 'canceled' }]);
  }
  const erasure: PaymentRequestErasure = {
    replace: async (current, tombstone) => (await store.save(current, tombstone)).written,
  };
  const awaited = new InMemoryAwaitedReferences();
  const operations = {
    sessions: store,
    references: store,
    eraseRecords: eraseRecords({ store, sessions: store, erasure, clock: new VirtualClock() }),
    eraseDeliveries: eraseDeliveries({
      quarantine: {
        async *all() {
          yield* await Promise.resolve([]);
        },
        remove: () => Promise.resolve(),
      },
    }),
    eraseFromJobs: eraseFromJobs(stored),
    eraseReferences: eraseReferences({
      store,
      references: store,
      awaited,
      authorizations: new InMemoryKeptAuthorizations(),
    }),
    settings: settingsOf(account),
  };
  const run = async (options: EraseOptions, isDryRun = false, json = false) => {
    const { terminal, lines } = recordedTerminal();
    const print = printerOn(terminal, { json });
    const questions: string[] = [];
    const confirm = (question: string) => {
      questions.push(question);
      return Promise.resolve(true);
    };
    const context = { account: () => account, isDryRun, confirm, print };
    return { isDone: await erase(operations, context, options), lines, questions };
  };
  const read = async (number: number) => {
    const job = await stored.read({ account, jobId: `job-${number}` as CancelJobId });
    if (!job) throw new Error('no job');
    return { job, names: await stored.idsOf(job), page: await stored.readPage(job, 0) };
  };
  const recordOf = (number: number) => store.read({ account, paymentRequestId: requestId(number) });
  return { run, read, recordOf, awaited };
}

const session = 'cart-of-Anna';
const id = [requestId(1)] as readonly PaymentRequestId[];

describe('lapse erase and cancel jobs', () => {
  it('a job that was started for the session keeps its counts, and nothing that names the session', async () => {
    const selection = { by: 'session_id', sessionId, total: 1 } as const;
    const { run, read } = await system(['CANCELED'], [{ ...over, selection, reason: 'Anna asked' }]);
    const dryRun = await run({ session }, true);
    expect(dryRun).toMatchObject({ isDone: true });
    expect(dryRun.lines).toContain('cancel job job-1: would be erased, 1 lines of its report');
    expect((await read(1)).page).toHaveLength(1);
    const done = await run({ session });
    expect(done.lines).toEqual([
      `${account}/${requestId(1)}: erased`,
      'cancel job job-1: erased, 1 lines of its report',
      '0 webhooks in quarantine removed.',
    ]);
    const { job, names, page } = await read(1);
    expect([job.done, job.reason, job.selection, names, page]).toEqual([
      1,
      undefined,
      { by: 'session_id', sessionId: undefined, total: 1 },
      [],
      [],
    ]);
  });

  it('the question counts what goes, and names what stays', async () => {
    const { run, awaited } = await system(['CANCELED', 'SUBMITTED'], [over, { pages: 1 }]);
    const since = jobWith().createdAt;
    const registered = { registeredAt: since } as unknown as RegisteredSession;
    for (const [reference, status] of [
      ['order 1', 'never_seen'],
      ['order 2', 'waiting'],
    ] as const) {
      await awaited.save({
        ...{ account, reference: reference as Reference, status, since, attempts: 0, version: 1 },
        session: { deadlineAt: since, sessionId, registered, requestedBy: 'shop' },
        updatedAt: since,
      });
    }
    const { isDone, questions } = await run({ session });
    expect(isDone).toBe(false);
    expect(questions).toEqual([
      'Erase 1 record, parts of 1 cancel job and what waited for 1 reference? It cannot be undone. ' +
        `These stay: ${requestId(2)}, cancel job job-2 and reference order 2.`,
    ]);
  });

  it('where nothing goes there is no question', async () => {
    const { run } = await system(['SUBMITTED'], []);
    const { isDone, questions, lines } = await run({ session });
    expect([isDone, questions]).toEqual([false, []]);
    expect(lines[0]).toContain('not erased, because the customer can still pay');
  });

  it('a job that still runs is not touched, and the command tells it', async () => {
    const { run, read } = await system(['CANCELED'], [{ pages: 1 }, over]);
    const { isDone, lines } = await run({ id });
    expect(isDone).toBe(false);
    expect(lines).toContain('cancel job job-1: not erased, because it still runs. Try again when it is done');
    expect((await read(1)).page).toHaveLength(1);
    expect((await read(2)).page).toEqual([]);
  });

  it('a job outlives its records: it is erased without them', async () => {
    const selection = { by: 'session_id', sessionId, total: 1 } as const;
    const { run, read } = await system([], [{ ...over, selection }]);
    expect((await run({ session })).isDone).toBe(true);
    expect((await read(1)).page).toEqual([]);
    expect((await run({ session })).lines).toEqual(['There is no record of this.']);
  });

  it.each([
    ['--session', { session }],
    ['--id', { id }],
  ])('with %s, the payment of a session in which another request is open stays', async (_, options) => {
    const { run, recordOf } = await system(['COMPLETED', 'SUBMITTED'], []);
    const { isDone, lines } = await run(options);
    expect(isDone).toBe(false);
    expect(lines).toContain(
      `${account}/${requestId(1)}: not erased, because another request of its session can still be paid, or was just paid. Cancel the open one, or try again later`,
    );
    expect((await recordOf(1))?.sessionId).toBe(sessionId);
  });

  it('the payment of a session that is over is erased', async () => {
    const { run, recordOf } = await system(['COMPLETED', 'CANCELED'], []);
    expect((await run({ session })).isDone).toBe(true);
    expect((await recordOf(1))?.sessionId).toBeUndefined();
  });

  it('a request that is not erased keeps its line', async () => {
    const { run, read } = await system(['SUBMITTED'], [over]);
    expect((await run({ id })).isDone).toBe(false);
    expect((await read(1)).page).toHaveLength(1);
  });

  it('with --json each job is an object', async () => {
    const { run } = await system(['CANCELED'], [over, { pages: 1 }]);
    const { lines } = await run({ id }, true, true);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { account, payment_request_id: requestId(1), outcome: 'would_be_erased' },
      { account, job_id: 'job-1', outcome: 'would_be_erased', lines: 1 },
      { account, job_id: 'job-2', outcome: 'running' },
    ]);
  });

  it.each([
    ['waiting', false],
    ['never_seen', true],
  ] as const)('with --session, a session that is %s for a reference is found', async (status, isDone) => {
    const { run, awaited } = await system([], []);
    const since = jobWith().createdAt;
    const item = { account, reference: 'order of Anna' as Reference, status, since };
    const registered = { registeredAt: since } as unknown as RegisteredSession;
    await awaited.save({
      ...item,
      session: { deadlineAt: since, sessionId, registered, requestedBy: 'shop' },
      ...{ attempts: 0, version: 1, updatedAt: since },
    });
    const result = await run({ session });
    expect(result.isDone).toBe(isDone);
    expect(result.lines.join('\n')).toContain('reference order of Anna: ');
    expect(awaited.items.size).toBe(isDone ? 0 : 1);
  });

  it.each([
    [
      'waiting',
      'not erased, because a session or a cancel still waits for it. Try again when that is over',
      false,
    ],
    ['never_seen', 'what waited for it is erased', true],
  ] as const)('what is %s for a reference: %s', async (status, words, isDone) => {
    const { run, awaited } = await system([], []);
    const reference = 'order of Anna' as Reference;
    const since = jobWith().createdAt;
    await awaited.save({ account, reference, status, since, attempts: 0, version: 1, updatedAt: since });
    const result = await run({ reference });
    expect(result.isDone).toBe(isDone);
    expect(result.lines).toContain(`reference ${reference}: ${words}`);
    expect(awaited.items.size).toBe(isDone ? 0 : 1);
  });
});
