import { describe, expect, it } from 'vitest';
import type { CancelJob, CancelJobEntry } from '../../functions/domain/cancel-job.ts';
import { parseReference, parseSessionId, type PaymentRequestId } from '../../functions/domain/identifiers.ts';
import { decideJobErasure, type ErasedSubject } from '../../functions/domain/job-erasure.ts';
import { jobWith, requestId } from '../support/cancel-jobs.ts';

const ids = [requestId(1), requestId(2), requestId(3)];
const sessionId = parseSessionId('cart of Anna');
const reference = parseReference('order of Anna');
const lineOf = (paymentRequestId: PaymentRequestId): CancelJobEntry => ({
  paymentRequestId,
  outcome: 'canceled',
});

/** A job that is over, with two pages. */
const stored = (fields: Partial<CancelJob> = {}, names: readonly PaymentRequestId[] = ids) => ({
  job: jobWith({
    ...{ status: 'done', done: 3, outcomes: { canceled: 3 }, pages: 2, dueAt: undefined },
    ...{ reason: 'Anna asked', selection: { by: 'payment_request_ids', total: 3 } },
    ...fields,
  }),
  names,
  pages: [ids.slice(0, 2).map(lineOf), ids.slice(2).map(lineOf)],
});

const subject = (fields: Partial<ErasedSubject>): ErasedSubject => ({
  gone: new Set(),
  kept: new Set(),
  ...fields,
});

describe('decideJobErasure', () => {
  it('a request goes with its line, and the counts, the reason and the other lines stay', () => {
    const { job, pages } = stored();
    expect(decideJobErasure(stored(), subject({ gone: new Set([requestId(2)]) }))).toEqual({
      outcome: 'erased',
      lines: 1,
      job,
      names: [requestId(1), requestId(3)],
      pages: [[lineOf(requestId(1))], pages[1]],
    });
  });

  it('the reason goes with the last request of a list', () => {
    expect(decideJobErasure(stored(), subject({ gone: new Set(ids) }))).toMatchObject({
      outcome: 'erased',
      lines: 3,
      job: { reason: undefined, done: 3, outcomes: { canceled: 3 } },
      names: [],
      pages: [[], []],
    });
  });

  it.each([
    ['session', { by: 'session_id', sessionId, total: 3 } as const, { sessionId }],
    ['reference', { by: 'reference', reference, total: 3 } as const, { reference }],
  ])('a job of an erased %s names it no more, even where no record is left', (_, selection, erased) => {
    const { by } = selection;
    expect(decideJobErasure(stored({ selection }), subject(erased))).toMatchObject({
      outcome: 'erased',
      lines: 3,
      job: {
        reason: undefined,
        selection: by === 'session_id' ? { by, sessionId: undefined } : { by, reference: undefined },
      },
      names: [],
    });
  });

  it('a session with a request that cannot be erased stays named, with the line of that request', () => {
    const selection = { by: 'session_id', sessionId, total: 3 } as const;
    const kept = new Set([requestId(3)]);
    expect(decideJobErasure(stored({ selection }), subject({ sessionId, kept }))).toMatchObject({
      outcome: 'erased',
      lines: 2,
      job: { reason: 'Anna asked', selection },
      names: [requestId(3)],
      pages: [[], [lineOf(requestId(3))]],
    });
  });

  it('a job by age loses the line alone: its reason is about others', () => {
    const selection = { by: 'created_before', createdBefore: jobWith().createdAt } as const;
    const decided = decideJobErasure(stored({ selection }, []), subject({ gone: new Set(ids) }));
    expect(decided).toMatchObject({ outcome: 'erased', lines: 3, job: { reason: 'Anna asked' } });
  });

  it.each([
    ['another session', { by: 'session_id', sessionId: parseSessionId('cart'), total: 3 } as const],
    ['an erased session', { by: 'session_id', sessionId: undefined, total: 3 } as const],
    ['a list', { by: 'payment_request_ids', total: 3 } as const],
  ])('a job of %s that names nothing of the subject is unrelated', (_, selection) => {
    const other = subject({ sessionId, reference, gone: new Set([requestId(9)]) });
    expect(decideJobErasure(stored({ selection }), other)).toEqual({ outcome: 'unrelated' });
    expect(decideJobErasure(stored({ selection }), subject({ gone: new Set() }))).toEqual({
      outcome: 'unrelated',
    });
  });

  it.each([
    ['a name', stored({ dueAt: jobWith().createdAt }), requestId(1)],
    [
      'the page under way',
      {
        ...stored({ dueAt: jobWith().createdAt, chosen: { ids: [requestId(7)], isLast: false } }, []),
        pages: [],
      },
      requestId(7),
    ],
  ])('a job that still runs is not touched, by %s', (_, running, id) => {
    expect(decideJobErasure(running, subject({ gone: new Set([id]) }))).toEqual({ outcome: 'running' });
    expect(decideJobErasure(running, subject({ gone: new Set([requestId(9)]) }))).toEqual({
      outcome: 'unrelated',
    });
  });
});
