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

it('whoever cancels for a job is named with it', () => {
  expect(requesterOf(jobWith({ requestedBy: 'ann' }))).toBe('ann, cancel job nightly-1');
});

describe('a page', () => {
  it.each(cancelOutcomes)('of which all are %s', (outcome) => {
    const stuck = ['pending', 'klarna_denied', 'untried'].includes(outcome);
    expect(isToBeRepeated(jobWith(), entriesOf(outcome, outcome))).toBe(stuck);
  });

  it.each<[string, readonly CancelJobEntry[], number, boolean]>([
    ['none got through', entriesOf('pending', 'untried', 'klarna_denied'), 3, true],
    ['none got through, for the fifth time', entriesOf('pending', 'untried'), 4, false],
    ['one got through', entriesOf('pending', 'canceled'), 0, false],
    ['there was no time for any', [], 0, false],
  ])('of which %s', (_, entries, attempts, repeated) => {
    expect(isToBeRepeated(jobWith({ attempts }), entries)).toBe(repeated);
  });

  it.each([
    [0, 1],
    [1, 5],
    [2, 15],
    [3, 60],
    [4, 60],
    [400, 60],
  ])('that came to nothing after %i such is tried again in %i minutes', (attempts, minutes) => {
    expect(putOff(jobWith({ attempts, done: 7 }), noon)).toEqual(
      jobWith({ attempts: attempts + 1, done: 7, dueAt: afterNoon(minutes), version: 2 }),
    );
  });

  it('is fixed before it is begun', () => {
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

  it('has counted it and goes on at once', () => {
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

  it('is done with the last one', () => {
    const next = withPage(
      job,
      entriesOf('canceled', 'canceled', 'canceled'),
      { ...chosen, isLast: true },
      now,
    );
    expect(next).toMatchObject({ status: 'done', done: 53, dueAt: undefined });
  });

  it('has left what there was no time for, and begins with it', () => {
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

  it('has no page more where there was time for nothing, and is as patient as before', () => {
    const next = withPage({ ...job, attempts: 4 }, [], chosen, now);
    expect(next).toMatchObject({ done: 50, pages: 1, chosen, position: position(50), attempts: 4 });
  });

  it('does not wait again for what got stuck once more after all patience', () => {
    const stuck = entriesOf('pending', 'untried', 'pending');
    expect(withPage({ ...job, attempts: 4 }, stuck, chosen, now).attempts).toBe(4);
    expect(withPage({ ...job, attempts: 4 }, entriesOf('pending', 'canceled'), chosen, now).attempts).toBe(0);
  });

  it('that was stopped has counted its last one, and stays stopped', () => {
    const stopped = { ...job, status: 'stopped' } as const;
    const next = withPage(stopped, entriesOf('canceled', 'canceled'), { ids: [], isLast: true }, now);
    expect(next).toMatchObject({ status: 'stopped', done: 52, pages: 2, dueAt: undefined });
  });

  it('that is to end with an empty page is done', () => {
    const next = withPage(job, [], { ids: [], isLast: true }, now);
    expect(next).toMatchObject({ status: 'done', done: 50, pages: 1, chosen: undefined, dueAt: undefined });
  });
});

it('a job that is stopped is due once more, to be closed', () => {
  expect(withStop(jobWith(), now)).toEqual(
    jobWith({ status: 'stopped', dueAt: now, version: 2, updatedAt: now }),
  );
});
