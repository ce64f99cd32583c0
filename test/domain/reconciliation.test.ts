import { describe, expect, it } from 'vitest';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import {
  decideReconciliation,
  dueAfterEnd,
  forgotten,
  klarnaEndOf,
  lateness,
  nextAttempt,
  type ReconcileAction,
} from '../../functions/domain/reconciliation.ts';
import { noon, recordWith } from '../support/fixtures.ts';
import { afterNoon, cancellationWith, hour, registered, session, settledWith } from '../support/sessions.ts';

const due = { reconcileAfter: noon };
const now = afterNoon(40);
const notFound = { attention: 'not_found' as const };
const lost = { cancellation: settledWith({ outcome: 'not_found' }) };
const withNetAt = (minutes: number) => ({
  session: { ...session, klarnaExpiry: { askedFor: afterNoon(minutes), shown: afterNoon(minutes) } },
});
const observedOnly = { session: { ...session, onTimeout: 'observe' as const } };

describe('what the sweep does at 12:40 with', () => {
  it.each<[string, PaymentRequest, ReconcileAction]>([
    ['a record that needs nothing', registered({ reconcileAfter: undefined }), 'nothing'],
    ['a record that is not due yet', registered({ reconcileAfter: afterNoon(40.001) }), 'nothing'],
    ['a session past its deadline: its timer was lost', registered(), 'end'],
    ['the same, exactly when it is due', registered({ reconcileAfter: now }), 'end'],
    ['the same, exactly at its deadline', registered({ ...due, deadlineAt: now }), 'end'],
    ['the same with a customer who is paying', registered({ state: 'IN_PROGRESS' }), 'end'],
    ['the same, never armed', registered({ timer: 'pending' }), 'end'],
    ['the same, to be observed', registered(observedOnly), 'end'],
    ['the same, where the sweep is the timer', registered({ timer: 'sweep' }), 'expire'],
    ['the same, paid in time', registered({ timer: 'sweep', state: 'COMPLETED' }), 'expire'],
    [
      'the same, cancelled without an answer',
      registered({ timer: 'sweep', cancellation: settledWith({ outcome: 'pending' }) }),
      'resume',
    ],
    [
      'what Klarna must have ended, and nobody registered',
      recordWith({ ...due, state: 'SUBMITTED', klarnaExpiresAt: afterNoon(39) }),
      'read',
    ],
    [
      'a session that was observed, and that Klarna must have ended',
      registered({ ...observedOnly, timer: 'fired', klarnaExpiresAt: afterNoon(39) }),
      'read',
    ],
    [
      'the same, looked at for a day',
      registered({ ...observedOnly, timer: 'fired', klarnaExpiresAt: afterNoon(39), attempts: 24 }),
      'forget',
    ],
    [
      'what Klarna must have ended, before its deadline',
      registered({ ...due, klarnaExpiresAt: afterNoon(39), deadlineAt: afterNoon(60) }),
      'forget',
    ],
    ['a session that was observed', registered({ ...observedOnly, timer: 'fired' }), 'forget'],
    ['the same, paid', registered({ ...observedOnly, timer: 'fired', state: 'COMPLETED' }), 'forget'],
    ['a paid session', registered({ state: 'COMPLETED' }), 'forget'],
    ['a session that ended', registered({ state: 'CANCELED' }), 'forget'],
    [
      'a session whose timer is still to be armed',
      registered({ ...due, timer: 'pending', deadlineAt: afterNoon(60) }),
      'arm',
    ],
    [
      'a session that is due before its deadline',
      registered({ ...due, deadlineAt: afterNoon(60) }),
      'forget',
    ],
    [
      'a session that Klarna would end before its deadline, by an expiry of ours',
      registered({ ...due, ...withNetAt(50), state: 'SUBMITTED', deadlineAt: afterNoon(60) }),
      'arm',
    ],
    [
      'the same, of which Klarna has not spoken',
      registered({ ...due, ...withNetAt(50), deadlineAt: afterNoon(60) }),
      'arm',
    ],
    [
      'the same, once the customer has begun and Klarna moves it no more',
      registered({ ...due, ...withNetAt(50), state: 'IN_PROGRESS', deadlineAt: afterNoon(60) }),
      'forget',
    ],
    [
      'a session that Klarna would end at its deadline',
      registered({ ...due, ...withNetAt(60), state: 'SUBMITTED', deadlineAt: afterNoon(60) }),
      'forget',
    ],
    ['a request of which only a webhook told', recordWith({ ...due, state: 'SUBMITTED' }), 'arm_default'],
    ['the same, once the customer has begun', recordWith({ ...due, state: 'IN_PROGRESS' }), 'arm_default'],
    ['the same, once the customer has paid', recordWith({ ...due, state: 'COMPLETED' }), 'forget'],
    ['a record of which Klarna said nothing', recordWith(due), 'forget'],
    [
      'a cancel that somebody is at',
      registered({ cancellation: cancellationWith({ lease: { id: 'l', until: afterNoon(41) } }) }),
      'nothing',
    ],
    [
      'a cancel whose holder is gone',
      registered({ cancellation: cancellationWith({ lease: { id: 'l', until: now } }) }),
      'resume',
    ],
    [
      'a cancel without an answer',
      recordWith({ ...due, cancellation: settledWith({ outcome: 'pending' }) }),
      'resume',
    ],
    [
      'the same, ended by now',
      registered({ state: 'CANCELED', cancellation: settledWith({ outcome: 'pending' }) }),
      'resume',
    ],
    [
      'the same, paid by now',
      registered({ state: 'COMPLETED', cancellation: settledWith({ outcome: 'pending' }) }),
      'resume',
    ],
    ['what Klarna did not know', recordWith({ ...due, ...lost }), 'read'],
    [
      'what Klarna did not know, though it had told of it',
      recordWith({ ...due, ...lost, state: 'SUBMITTED' }),
      'read',
    ],
    [
      'the same with a session that goes on',
      registered({ ...due, ...lost, deadlineAt: afterNoon(60) }),
      'read',
    ],
    [
      'the same, its timer still to be armed',
      registered({ ...due, ...lost, deadlineAt: afterNoon(60), timer: 'pending' }),
      'arm',
    ],
    ['the same, past its deadline', registered(lost), 'end'],
    ['the same, observed', registered({ ...lost, ...observedOnly, timer: 'fired' }), 'read'],
    ['the same, ended', registered({ ...lost, state: 'EXPIRED' }), 'forget'],
    ['what a read has not found', recordWith({ ...due, ...notFound, state: 'SUBMITTED' }), 'read'],
    ['the same, looked at for a day', recordWith({ ...due, ...notFound, attempts: 24 }), 'forget'],
    [
      'the same with a session that goes on',
      registered({ ...due, ...notFound, deadlineAt: afterNoon(60) }),
      'read',
    ],
    [
      'the same, looked at for a day',
      registered({ ...due, ...notFound, deadlineAt: afterNoon(60), attempts: 24 }),
      'forget',
    ],
    ['the same, observed', registered({ ...notFound, ...observedOnly, timer: 'fired' }), 'read'],
    [
      'the same, looked at for a day',
      registered({ ...notFound, ...observedOnly, timer: 'fired', attempts: 24 }),
      'forget',
    ],
    [
      'what a read has not found and is paid by now',
      registered({ ...notFound, state: 'COMPLETED' }),
      'forget',
    ],
  ])('%s', (_, record, action) => {
    expect(decideReconciliation(record, now)).toBe(action);
  });
});

it.each([
  [0, 0],
  [1, 1],
  [2, 5],
  [3, 15],
  [4, 60],
  [400, 60],
])('after %i looks in vain, the next one is in %i minutes', (attempts, minutes) => {
  expect(nextAttempt(recordWith({ attempts }), noon)).toEqual({
    attempts: attempts + 1,
    reconcileAfter: afterNoon(minutes),
  });
});

it('what has ended is due again only where a contradiction waits for a look', () => {
  expect(dueAfterEnd(registered())).toBeUndefined();
  expect(dueAfterEnd(registered({ attention: 'canceled_after_completed' }))).toBeUndefined();
  expect(dueAfterEnd(registered({ attention: 'contradiction' }))).toBe(afterNoon(31));
});

it("a request ends at Klarna at its expiry, or after Klarna's longest lifetime", () => {
  expect(klarnaEndOf(recordWith({ klarnaExpiresAt: afterNoon(15) }))).toBe(afterNoon(15));
  expect(klarnaEndOf(recordWith())).toBe(afterNoon((48 * hour) / 60_000));
  expect(klarnaEndOf(registered({ klarnaExpiresAt: afterNoon(15) }))).toBe(afterNoon(15));
});

it('not before the latest that its expiry may be at, where it was to be asked for one and no answer is known', () => {
  const asked = (fields: Partial<PaymentRequest>) =>
    registered({ session: { ...session, klarnaExpiryMayBe: afterNoon(30) }, ...fields });
  expect(klarnaEndOf(asked({ klarnaExpiresAt: afterNoon(15) }))).toBe(afterNoon(30));
  expect(klarnaEndOf(asked({ klarnaExpiresAt: afterNoon(45) }))).toBe(afterNoon(45));
});

describe('what is forgotten', () => {
  it.each<[string, PaymentRequest, ReturnType<typeof afterNoon> | undefined]>([
    ['is not due any more once it has ended', registered({ attempts: 3, state: 'CANCELED' }), undefined],
    ['nor once it is paid', registered({ attempts: 3, state: 'COMPLETED' }), undefined],
    ['nor when nobody has ever spoken of it', recordWith({ attempts: 3 }), undefined],
    [
      'is due when Klarna has ended it, while it is open',
      registered({ attempts: 3, klarnaExpiresAt: afterNoon(180) }),
      afterNoon(181),
    ],
    [
      'after 48 hours, where no expiry is known',
      recordWith({ attempts: 3, state: 'SUBMITTED' }),
      afterNoon(48 * 60 + 1),
    ],
    [
      'soon after a deadline to come, for which a timer is set',
      registered({ attempts: 3, timer: 'armed', deadlineAt: afterNoon(60), klarnaExpiresAt: afterNoon(180) }),
      afterNoon(61),
    ],
    [
      'with a deadline to come, where the timer is the sweep',
      registered({ attempts: 3, timer: 'sweep', deadlineAt: afterNoon(60) }),
      afterNoon(60),
    ],
    [
      'not at a deadline to come once it is paid',
      registered({ attempts: 3, state: 'COMPLETED', deadlineAt: afterNoon(60) }),
      undefined,
    ],
    [
      'not at a deadline that has come, for which the timer is the sweep',
      registered({ attempts: 3, timer: 'sweep', deadlineAt: now, klarnaExpiresAt: afterNoon(180) }),
      afterNoon(181),
    ],
    [
      'when Klarna has ended it, where there is no deadline, whatever its timer',
      recordWith({ attempts: 3, state: 'SUBMITTED', timer: 'armed', klarnaExpiresAt: afterNoon(180) }),
      afterNoon(181),
    ],
    [
      'and no more when that has passed',
      registered({ attempts: 3, klarnaExpiresAt: afterNoon(39) }),
      undefined,
    ],
  ])('%s', (_, record, reconcileAfter) => {
    expect(forgotten(record, now)).toMatchObject({ reconcileAfter, attempts: 0, version: 2, updatedAt: now });
  });
});

it.each<[PaymentRequest['attention'], PaymentRequest['state'], PaymentRequest['attention']]>([
  ['not_found', 'COMPLETED', undefined],
  ['not_found', 'EXPIRED', undefined],
  ['not_found', 'SUBMITTED', 'not_found'],
  ['not_found', undefined, 'not_found'],
  ['contradiction', 'EXPIRED', 'contradiction'],
])('%s of what is %s and is forgotten: %s', (attention, state, left) => {
  expect(forgotten(registered({ attention, state }), now).attention).toBe(left);
});

it('lateness is measured from the deadline', () => {
  expect(lateness(registered(), afterNoon(31))).toBe(60_000);
  expect(lateness(registered(), afterNoon(29))).toBe(-60_000);
  expect(lateness(recordWith(), now)).toBe(0);
});
