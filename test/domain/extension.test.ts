import { describe, expect, it } from 'vitest';
import { ownEventId } from '../../functions/domain/identifiers.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { type Deadline, decideExtension, type SessionPolicy } from '../../functions/domain/registration.ts';
import { at, noon, recordWith, versioned } from '../support/fixtures.ts';
import {
  afterNoon,
  cancellationWith,
  hour,
  minute,
  policy,
  registered,
  session,
  settledWith,
} from '../support/sessions.ts';

const by = 'arn:aws:iam::000000000000:user/test';
const eventId = ownEventId('extend', '1');
const lasting = (minutes: number): Deadline => ({
  kind: 'session_timeout',
  millis: minutes * minute,
  given: `PT${minutes}M`,
});

const extend = (
  record: PaymentRequest | undefined,
  deadline: Deadline,
  its: SessionPolicy = policy,
  now = afterNoon(10),
) => decideExtension(record, { deadline, requestedBy: by }, { policy: its, eventId, now });

describe('moving the deadline of a session', () => {
  it('an extension moves the deadline to later and is counted', () => {
    const { next, outcome } = extend(registered(), lasting(30));
    expect(outcome).toEqual({ kind: 'changed' });
    expect(next).toMatchObject({
      deadlineAt: afterNoon(40),
      timer: 'armed',
      attempts: 0,
      session: { ...session, extensions: 1 },
    });
    expect(next?.history).toEqual([
      {
        eventId,
        kind: 'extend',
        recordedAt: afterNoon(10),
        effect: 'accepted',
        detail: { requested_by: by, session_timeout: 'PT30M', deadline_at: '2026-03-01T12:40:00Z' },
      },
    ]);
  });

  it('an extension is due with its new deadline, and earlier failed attempts no longer count', () => {
    const before = registered({ attempts: 7, retryAt: afterNoon(50) });
    const { next } = extend(before, lasting(30));
    expect(next && versioned(next, before, afterNoon(10))).toMatchObject({
      attempts: 0,
      retryAt: undefined,
      dueAt: afterNoon(41),
      version: 2,
      updatedAt: afterNoon(10),
    });
  });

  it('the sweep stays the timer of an extended session', () => {
    const context = { policy, eventId, now: afterNoon(10), isSweepTheTimer: true };
    const request = { deadline: lasting(30), requestedBy: by };
    const { next } = decideExtension(registered({ timer: 'sweep' }), request, context);
    expect(next && versioned(next, registered(), afterNoon(10))).toMatchObject({
      timer: 'sweep',
      dueAt: afterNoon(40),
    });
  });

  it('a deadline that moves to earlier does not count as an extension', () => {
    expect(extend(registered(), lasting(1)).next).toMatchObject({
      deadlineAt: afterNoon(11),
      session: { extensions: 0 },
    });
  });

  it('a deadline that does not change changes nothing', () => {
    expect(extend(registered(), lasting(20))).toEqual({ outcome: { kind: 'unchanged' } });
  });

  it.each([
    ['past', afterNoon(9)],
    ['now', afterNoon(10)],
  ])('a deadline cannot move to the %s', (_, moment) => {
    const { next, outcome } = extend(registered(), { kind: 'deadline_at', at: moment, given: moment });
    expect(next).toBeUndefined();
    expect(outcome).toEqual({
      kind: 'invalid',
      field: 'deadline_at',
      given: moment,
      allowed: 'a time in the future',
    });
  });
});

describe('limits of an extension', () => {
  const refusedWith = (record: PaymentRequest, deadline: Deadline, its = policy) => {
    const { next, outcome } = extend(record, deadline, its);
    expect(next).toMatchObject({ deadlineAt: record.deadlineAt, timer: 'armed' });
    expect(next?.history.at(-1)).toMatchObject({
      kind: 'extend',
      effect: 'refused',
      detail: { requested_by: by, refused: 'extension_limit' },
    });
    return outcome;
  };

  it('extensions are limited in number', () => {
    const record = registered({ session: { ...session, extensions: 2 } });
    expect(refusedWith(record, lasting(30), { ...policy, maxExtensions: 2 })).toMatchObject({
      kind: 'extension_limit',
      field: 'session_timeout',
      allowed: 'at most 2 extensions',
    });
    expect(extend(record, lasting(30), { ...policy, maxExtensions: 3 }).outcome.kind).toBe('changed');
  });

  it('an extension is limited by the longest session, counted from the registration', () => {
    const its = { ...policy, maxSession: hour };
    expect(refusedWith(registered(), lasting(50.001), its)).toMatchObject({
      kind: 'extension_limit',
      field: 'session_timeout',
      allowed: 'at most PT1H from the registration, 2026-03-01T12:00:00Z',
    });
    expect(extend(registered(), lasting(50), its).outcome.kind).toBe('changed');
  });

  it("an extension is limited by Klarna's expiry", () => {
    const record = registered({ klarnaExpiresAt: at('2026-03-01T12:45:00Z') });
    expect(refusedWith(record, lasting(36))).toMatchObject({
      kind: 'extension_limit',
      field: 'session_timeout',
      allowed: "at most Klarna's expiry, 2026-03-01T12:45:00Z",
    });
    expect(extend(record, lasting(35)).outcome.kind).toBe('changed');
  });

  it('a session can be shortened after its last extension', () => {
    const record = registered({ session: { ...session, extensions: 10 } });
    expect(extend(record, lasting(1), { ...policy, maxExtensions: 0 }).outcome.kind).toBe('changed');
  });
});

describe('extensions that are refused', () => {
  it('a request without a registered session is not_found for an extension', () => {
    expect(extend(undefined, lasting(30))).toEqual({ outcome: { kind: 'not_found' } });
    expect(extend(recordWith({ state: 'SUBMITTED' }), lasting(30))).toEqual({
      outcome: { kind: 'not_found' },
    });
  });

  it.each(['COMPLETED', 'CANCELED', 'EXPIRED', 'DECLINED'] as const)(
    'an extension of a %s request is refused and recorded',
    (state) => {
      const { next, outcome } = extend(registered({ state }), lasting(30));
      expect(outcome).toEqual({ kind: 'already_final', state });
      expect(next).toMatchObject({ deadlineAt: afterNoon(30), timer: 'armed' });
      expect(next?.history.at(-1)).toMatchObject({ kind: 'extend', effect: 'refused' });
    },
  );

  it('a session with a cancel in progress is not extended', () => {
    for (const cancellation of [cancellationWith(), settledWith({ outcome: 'pending' })]) {
      expect(extend(registered({ cancellation }), lasting(30), policy, noon)).toEqual({
        outcome: { kind: 'cancellation_pending' },
      });
    }
  });
});
