import { describe, expect, it } from 'vitest';
import {
  type CancelJobChoice,
  type CancelJobEntry,
  isToBeRepeated,
  putOff,
  requesterOf,
  withChoice,
  withPage,
  withStop,
} from '../../functions/domain/cancel-job.ts';
import { type CancelOutcome, cancelOutcomes } from '../../functions/domain/cancel-outcome.ts';
import { listCursorOf } from '../../functions/domain/list-cursor.ts';
import { jobWith, requestId } from '../support/cancel-jobs.ts';
import { noon } from '../support/fixtures.ts';
import { afterNoon } from '../support/sessions.ts';

const entriesOf = (...outcomes: readonly CancelOutcome[]): readonly CancelJobEntry[] =>
  outcomes.map((outcome, index) => ({ paymentRequestId: requestId(index), outcome }));
const position = (number: number) => listCursorOf({ createdAt: noon, paymentRequestId: requestId(number) });
const now = afterNoon(3);

it('a cancel by a job names the caller and the job', () => {
  expect(requesterOf(jobWith({ requestedBy: 'ann' }))).toBe('ann, cancel job nightly-1');
});

describe('a page of a job', () => {
  it.each(cancelOutcomes)(
    'a page with only the outcome %s is repeated only if nothing was settled',
    (outcome) => {
      const stuck = ['pending', 'klarna_denied', 'untried'].includes(outcome);
      expect(isToBeRepeated(jobWith(), entriesOf(outcome, outcome))).toBe(stuck);
    },
  );

  it.each<[string, readonly CancelJobEntry[], number, boolean]>([
    ['no request was settled', entriesOf('pending', 'untried', 'klarna_denied'), 3, true],
    ['no request was settled in the fifth attempt', entriesOf('pending', 'untried'), 4, false],
    ['one request was settled', entriesOf('pending', 'canceled'), 0, false],
    ['there was no time for any request', [], 0, false],
  ])(
    'a page is repeated only if no request was settled and attempts are left: %s',
    (_, entries, attempts, repeated) => {
      expect(isToBeRepeated(jobWith({ attempts }), entries)).toBe(repeated);
    },
  );

  it.each([
    [0, 1],
    [1, 5],
    [2, 15],
    [3, 60],
    [4, 60],
    [400, 60],
  ])('a page without a settled request is retried after %i attempts in %i minutes', (attempts, minutes) => {
    expect(putOff(jobWith({ attempts, done: 7 }), noon)).toEqual(
      jobWith({ attempts: attempts + 1, done: 7, dueAt: afterNoon(minutes), version: 2 }),
    );
  });

  it('the requests of a page are stored before the page starts', () => {
    const chosen: CancelJobChoice = { ids: [requestId(1)], position: position(1), isLast: false };
    expect(withChoice(jobWith(), chosen, now)).toEqual(jobWith({ chosen, version: 2, updatedAt: now }));
  });
});

describe('the job after a page', () => {
  const job = jobWith({ done: 50, pages: 1, outcomes: { canceled: 49, pending: 1 }, position: position(50) });
  const chosen: CancelJobChoice = {
    ids: [requestId(0), requestId(1), requestId(2)],
    position: position(2),
    isLast: false,
  };

  it('a job counts its page and continues at once', () => {
    const entries = entriesOf('canceled', 'already_final', 'canceled');
    expect(withPage({ ...job, chosen, attempts: 2 }, entries, chosen, now)).toEqual({
      ...job,
      done: 53,
      pages: 2,
      chosen: undefined,
      outcomes: { canceled: 51, pending: 1, already_final: 1 },
      position: position(2),
      attempts: 0,
      dueAt: now,
      version: 2,
      updatedAt: now,
    });
    expect(job.outcomes).toEqual({ canceled: 49, pending: 1 });
  });

  it('a job is done after its last page', () => {
    const next = withPage(
      job,
      entriesOf('canceled', 'canceled', 'canceled'),
      { ...chosen, isLast: true },
      now,
    );
    expect(next).toMatchObject({ status: 'done', done: 53, dueAt: undefined });
  });

  it('a job continues with the requests for which there was no time', () => {
    const next = withPage(job, entriesOf('canceled'), { ...chosen, isLast: true }, now);
    expect(next).toMatchObject({
      status: 'running',
      done: 51,
      pages: 2,
      chosen: { ids: [requestId(1), requestId(2)], position: position(2), isLast: true },
      position: position(50),
      dueAt: now,
    });
  });

  it('a page without any outcome is not counted and keeps the number of attempts', () => {
    const next = withPage({ ...job, attempts: 4 }, [], chosen, now);
    expect(next).toMatchObject({ done: 50, pages: 1, chosen, position: position(50), attempts: 4 });
  });

  it('a page whose attempts are used up keeps their number, and a settled request resets it', () => {
    const stuck = entriesOf('pending', 'untried', 'pending');
    expect(withPage({ ...job, attempts: 4 }, stuck, chosen, now).attempts).toBe(4);
    expect(withPage({ ...job, attempts: 4 }, entriesOf('pending', 'canceled'), chosen, now).attempts).toBe(0);
  });

  it('a stopped job counts its last page and stays stopped', () => {
    const stopped = { ...job, status: 'stopped' } as const;
    const next = withPage(stopped, entriesOf('canceled', 'canceled'), { ids: [], isLast: true }, now);
    expect(next).toMatchObject({ status: 'stopped', done: 52, pages: 2, dueAt: undefined });
  });

  it('a job whose last page is empty is done', () => {
    const next = withPage(job, [], { ids: [], isLast: true }, now);
    expect(next).toMatchObject({ status: 'done', done: 50, pages: 1, chosen: undefined, dueAt: undefined });
  });
});

it('a stopped job is due once more, to be closed', () => {
  expect(withStop(jobWith(), now)).toEqual(
    jobWith({ status: 'stopped', dueAt: now, version: 2, updatedAt: now }),
  );
});
