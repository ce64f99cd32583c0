import { beforeEach, describe, expect, it } from 'vitest';
import type { CancelJobs, ErasableCancelJobs } from '../../../functions/application/ports.ts';
import { type CancelJob, withPage, withStop } from '../../../functions/domain/cancel-job.ts';
import type { Account, CancelJobId, Reference } from '../../../functions/domain/identifiers.ts';
import { type Instant, plusMillis } from '../../../functions/domain/instant.ts';
import type { ListCursor } from '../../../functions/domain/list-cursor.ts';
import { jobWith, requestId } from '../../support/cancel-jobs.ts';
import { account, noon } from '../../support/fixtures.ts';

let jobsSoFar = 0;

/** A job that no other test uses. */
function newJob(fields: Partial<CancelJob> = {}): CancelJob {
  jobsSoFar += 1;
  return jobWith({ jobId: `job-${jobsSoFar}` as CancelJobId, ...fields });
}

/** The contract of a store of jobs. Each test uses its own jobs, so that all can share one store. */
export function describeCancelJobs(name: string, open: () => CancelJobs & ErasableCancelJobs): void {
  describe(`the store of cancel jobs, ${name}`, () => {
    let jobs: CancelJobs & ErasableCancelJobs;
    beforeEach(() => {
      jobs = open();
    });

    const dueBy = async (now: Instant) => {
      const due = [];
      for await (const { jobId } of jobs.due(now)) due.push(jobId);
      return due;
    };

    it('a job that was not started has no record, ids or pages', async () => {
      const job = newJob();
      expect(await jobs.read(job)).toBeUndefined();
      expect(await jobs.idsOf(job)).toEqual([]);
      expect(await jobs.readPage(job, 0)).toEqual([]);
    });

    it('start stores a job and its ids in order', async () => {
      const job = newJob({ reason: 'shop closed', selection: { by: 'payment_request_ids', total: 2 } });
      const ids = [requestId(2), requestId(1)];
      expect(await jobs.start(job, ids)).toBe('started');
      expect(await jobs.read(job)).toEqual(job);
      expect(await jobs.idsOf(job)).toEqual(ids);
    });

    it('a repeated start returns the first job and keeps its ids', async () => {
      const job = newJob();
      await jobs.start(job, [requestId(1)]);
      const again = jobWith({ ...job, createdAt: plusMillis(noon, 5) });
      expect(await jobs.start(again, [requestId(1), requestId(2)])).toEqual(job);
      expect(await jobs.idsOf(job)).toEqual([requestId(1)]);
    });

    it('start returns taken for the id of another job', async () => {
      const job = newJob();
      await jobs.start(job, [requestId(1)]);
      const other = { ...job, requestSha256: 'cd' };
      expect(await jobs.start(other, [requestId(9)])).toBe('taken');
      expect(await jobs.start(other, undefined)).toEqual(job);
      expect(await jobs.idsOf(job)).toEqual([requestId(1)]);
    });

    it('save writes only onto the version that was read', async () => {
      const job = newJob({ selection: { by: 'created_before', createdBefore: noon } });
      await jobs.start(job, undefined);
      const position = `${noon}#${requestId(1)}` as ListCursor;
      const entries = [{ paymentRequestId: requestId(1), outcome: 'canceled', state: 'CANCELED' } as const];
      const later = plusMillis(noon, 1_000);
      const next = withPage(job, entries, { ids: [requestId(1)], position, isLast: false }, later);
      expect(await jobs.save(job, next)).toBe(true);
      expect(await jobs.save(job, withStop(job, later))).toBe(false);
      expect(await jobs.read(job)).toEqual(next);
      const over = withPage(next, [], { ids: [], isLast: true }, later);
      expect(await jobs.save(next, over)).toBe(true);
      expect(await jobs.read(job)).toEqual(over);
    });

    it('writePage replaces an earlier page of the same number', async () => {
      const job = newJob();
      const page = (outcome: 'canceled' | 'pending') => [{ paymentRequestId: requestId(1), outcome }];
      await jobs.writePage(job, 0, page('pending'));
      await jobs.writePage(job, 0, page('canceled'));
      await jobs.writePage(job, 1, page('pending'));
      expect(await jobs.readPage(job, 0)).toEqual(page('canceled'));
      expect(await jobs.readPage(job, 1)).toEqual(page('pending'));
      expect(await jobs.readPage(job, 2)).toEqual([]);
    });

    it('due lists the due jobs, the longest waiting first, and no finished job', async () => {
      const first = newJob({ dueAt: plusMillis(noon, -2_000) });
      const second = newJob({ dueAt: plusMillis(noon, -1_000) });
      const later = newJob({ dueAt: plusMillis(noon, 1_000) });
      const over = newJob();
      for (const job of [second, later, first, over]) await jobs.start(job, undefined);
      await jobs.save(over, withPage(over, [], { ids: [], isLast: true }, noon));
      const mine = [first, second, later, over].map(({ jobId }) => jobId);
      const due = (await dueBy(noon)).filter((jobId) => mine.includes(jobId));
      expect(due).toEqual([first.jobId, second.jobId]);
    });

    it('an erasure leaves the rest of a job, and makes no part of it again', async () => {
      const reference = 'order of Anna' as Reference;
      const job = newJob({ reason: 'Anna asked', selection: { by: 'reference', reference, total: 2 } });
      const ids = [requestId(1), requestId(2)];
      await jobs.start(job, ids);
      const entries = ids.map((paymentRequestId) => ({ paymentRequestId, outcome: 'canceled' }) as const);
      await jobs.writePage(job, 0, entries);
      const done = withPage(job, entries, { ids, isLast: true }, noon);
      await jobs.save(job, done);
      const selection = { by: 'reference', reference: undefined, total: 2 } as const;
      const left = { ...done, reason: undefined, selection };
      await jobs.eraseFrom({ job: left, names: [requestId(2)], pages: [entries.slice(1), []] });
      expect(await jobs.read(job)).toEqual(left);
      expect(await jobs.idsOf(job)).toEqual([requestId(2)]);
      expect(await jobs.readPage(job, 0)).toEqual(entries.slice(1));
      expect(await jobs.readPage(job, 1)).toEqual([]);
      const unknown = newJob();
      await jobs.eraseFrom({ job: unknown, names: [], pages: [[]] });
      expect(await jobs.read(unknown)).toBeUndefined();
    });

    it('allOf lists every job of the account, and none of another', async () => {
      const mine = `all-${jobsSoFar}` as Account;
      const made = [0, 1, 2].map((number) => newJob({ account: mine, createdAt: plusMillis(noon, number) }));
      for (const job of made) await jobs.start(job, undefined);
      expect(await Array.fromAsync(jobs.allOf(mine))).toEqual(made.toReversed());
    });

    it('ofAccount lists the newest jobs of the account', async () => {
      const mine = `list-${jobsSoFar}` as Account;
      const made = [0, 1, 2].map((number) => newJob({ account: mine, createdAt: plusMillis(noon, number) }));
      for (const job of made) await jobs.start(job, undefined);
      await jobs.start(newJob({ account }), undefined);
      expect(await jobs.ofAccount(mine, 2)).toEqual([made[2], made[1]]);
    });
  });
}
