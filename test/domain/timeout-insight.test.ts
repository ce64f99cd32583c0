import { describe, expect, it } from 'vitest';
import {
  timeoutInsight,
  type TimeoutSample,
  timeoutSampleOf,
} from '../../functions/domain/timeout-insight.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import { noon, observed, recordWith } from '../support/fixtures.ts';
import { afterNoon, minute, registered, session, settledWith } from '../support/sessions.ts';

const approvedAt = (time: string) =>
  applyObservation(registered({ state: 'IN_PROGRESS', occurredAt: noon }), observed('COMPLETED', time))
    .record;

describe('timeoutSampleOf', () => {
  it('the sample of a paid request is the time from the registration to the approval', () => {
    const sample = timeoutSampleOf(approvedAt('2026-03-01T12:07:30Z'));
    expect(sample).toEqual({ kind: 'approved', after: 7.5 * minute, isLate: false });
  });

  it('an approval after the deadline is late', () => {
    expect(timeoutSampleOf(approvedAt('2026-03-01T12:31:00Z'))).toMatchObject({ isLate: true });
    expect(timeoutSampleOf(approvedAt('2026-03-01T12:30:00Z'))).toMatchObject({ isLate: false });
  });

  it('an approval before the registration took no time of the session', () => {
    expect(timeoutSampleOf(approvedAt('2026-03-01T11:59:00Z'))).toMatchObject({ kind: 'approved', after: 0 });
  });

  it('a request that was paid and then declined tells when it was paid, while its history has that', () => {
    const paid = approvedAt('2026-03-01T12:05:00Z');
    const { record } = applyObservation(
      paid,
      observed('DECLINED', '2026-03-01T12:40:00Z', { previousState: 'COMPLETED' }),
    );
    expect(timeoutSampleOf(record)).toMatchObject({ kind: 'approved', after: 5 * minute });
    expect(timeoutSampleOf({ ...record, history: [] })).toEqual({ kind: 'approved_at_unknown_time' });
  });

  it('a session that the timer ended is cut off at its deadline, and one that a caller ended is not', () => {
    const ended = { state: 'CANCELED', occurredAt: afterNoon(31) } as const;
    const by = (cause: 'api' | 'timeout') =>
      registered({ ...ended, cancellation: settledWith({ cause, outcome: 'canceled' }) });
    expect(timeoutSampleOf(by('timeout'))).toEqual({ kind: 'cut_off', after: 30 * minute });
    expect(timeoutSampleOf(by('api'))).toEqual({ kind: 'other' });
    expect(timeoutSampleOf(registered({ state: 'SUBMITTED' }))).toEqual({ kind: 'other' });
  });

  it('a record without a session tells nothing', () => {
    expect(timeoutSampleOf(recordWith({ state: 'COMPLETED', occurredAt: noon }))).toBeUndefined();
    expect(session.registeredAt).toBe(noon);
  });
});

describe('timeoutInsight', () => {
  const approved = (minutes: number): TimeoutSample => ({
    kind: 'approved',
    after: minutes * minute,
    isLate: minutes > 30,
  });

  it('an insight has the share that each timeout would have cut off', () => {
    const samples: readonly TimeoutSample[] = [
      ...[1, 2, 3, 4, 10, 20, 40, 60, 90, 100].map(approved),
      { kind: 'cut_off', after: 30 * minute },
      { kind: 'approved_at_unknown_time' },
      { kind: 'other' },
    ];
    const insight = timeoutInsight(samples, [10 * minute, 30 * minute, 200 * minute]);
    expect(insight).toMatchObject({
      sessions: 13,
      approved: 10,
      approvedLate: 4,
      approvedAtUnknownTime: 1,
      cutOff: 1,
      longest: 100 * minute,
    });
    expect(insight.percentiles).toEqual({
      50: 10 * minute,
      75: 60 * minute,
      90: 90 * minute,
      95: 100 * minute,
      99: 100 * minute,
    });
    expect(insight.timeouts).toEqual([
      { timeout: 10 * minute, cutOff: 5, share: 0.5, unknown: 0 },
      { timeout: 30 * minute, cutOff: 4, share: 0.4, unknown: 0 },
      { timeout: 200 * minute, cutOff: 0, share: 0, unknown: 1 },
    ]);
  });

  it('an insight without approvals has no percentiles and no shares', () => {
    const insight = timeoutInsight([{ kind: 'other' }], [minute]);
    expect(insight).toMatchObject({ percentiles: {}, longest: undefined });
    expect(insight.timeouts).toEqual([{ timeout: minute, cutOff: 0, share: undefined, unknown: 0 }]);
  });
});
