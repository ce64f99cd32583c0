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
  type Waiting,
  waitingOf,
} from '../../functions/domain/reconciliation.ts';
import { noon, recordWith } from '../support/fixtures.ts';
import {
  afterNoon,
  cancellationWith,
  hour,
  minute,
  registered,
  session,
  settledWith,
} from '../support/sessions.ts';

const due = { reconcileAfter: noon };
const now = afterNoon(40);
const notFound = { attention: 'not_found' as const };
const lost = { cancellation: settledWith({ outcome: 'not_found' }) };
const withNetAt = (minutes: number) => ({
  session: { ...session, klarnaExpiry: { askedFor: afterNoon(minutes), shown: afterNoon(minutes) } },
});
const observedOnly = { session: { ...session, onTimeout: 'observe' as const } };

describe('how long a record has waited', () => {
  it.each<[string, Partial<PaymentRequest>, Waiting]>([
    ['a session before its deadline', {}, { pendingCancel: 0, overdueSession: 0 }],
    [
      'a session past its deadline',
      { deadlineAt: afterNoon(-5) },
      { pendingCancel: 0, overdueSession: 5 * minute },
    ],
    [
      'a session whose timer ended nothing',
      { deadlineAt: afterNoon(-5), timer: 'fired' },
      { pendingCancel: 0, overdueSession: 0 },
    ],
    [
      'an observed session past its deadline',
      { deadlineAt: afterNoon(-5), session: { ...session, onTimeout: 'observe' } },
      { pendingCancel: 0, overdueSession: 0 },
    ],
    [
      'a paid session',
      { deadlineAt: afterNoon(-5), state: 'COMPLETED' },
      { pendingCancel: 0, overdueSession: 0 },
    ],
    [
      'a pending cancel',
      { cancellation: settledWith({ outcome: 'pending', requestedAt: afterNoon(-20) }) },
      { pendingCancel: 20 * minute, overdueSession: 0 },
    ],
    [
      'a settled cancel',
      { cancellation: settledWith({ outcome: 'refused', requestedAt: afterNoon(-20) }) },
      { pendingCancel: 0, overdueSession: 0 },
    ],
  ])('%s', (_, fields, waiting) => {
    expect(waitingOf(registered(fields), noon)).toEqual(waiting);
  });
});

describe('decideReconciliation at 12:40', () => {
  it.each<[string, PaymentRequest, ReconcileAction]>([
    ['a record that needs nothing', registered({ reconcileAfter: undefined }), 'nothing'],
    ['a record that is not due yet', registered({ reconcileAfter: afterNoon(40.001) }), 'nothing'],
    ['a session past its deadline whose timer was lost', registered(), 'end'],
    ['such a session exactly when it is due', registered({ reconcileAfter: now }), 'end'],
    ['such a session exactly at its deadline', registered({ ...due, deadlineAt: now }), 'end'],
    ['such a session with a customer who is paying', registered({ state: 'IN_PROGRESS' }), 'end'],
    ['such a session whose timer was never armed', registered({ timer: 'pending' }), 'end'],
    ['such a session that is only observed', registered(observedOnly), 'end'],
    ['a session past its deadline with the sweep as its timer', registered({ timer: 'sweep' }), 'expire'],
    [
      'a paid session past its deadline with the sweep as its timer',
      registered({ timer: 'sweep', state: 'COMPLETED' }),
      'expire',
    ],
    [
      'a session with the sweep as its timer and a pending cancel',
      registered({ timer: 'sweep', cancellation: settledWith({ outcome: 'pending' }) }),
      'resume',
    ],
    [
      'an unregistered request past its Klarna expiry',
      recordWith({ ...due, state: 'SUBMITTED', klarnaExpiresAt: afterNoon(39) }),
      'read',
    ],
    [
      'an observed session past its Klarna expiry',
      registered({ ...observedOnly, timer: 'fired', klarnaExpiresAt: afterNoon(39) }),
      'read',
    ],
    [
      'an observed session past its Klarna expiry, after a day of reads',
      registered({ ...observedOnly, timer: 'fired', klarnaExpiresAt: afterNoon(39), attempts: 24 }),
      'forget',
    ],
    [
      'a request past its Klarna expiry and before its deadline',
      registered({ ...due, klarnaExpiresAt: afterNoon(39), deadlineAt: afterNoon(60) }),
      'forget',
    ],
    ['an observed session whose timer has fired', registered({ ...observedOnly, timer: 'fired' }), 'forget'],
    [
      'an observed session that is paid',
      registered({ ...observedOnly, timer: 'fired', state: 'COMPLETED' }),
      'forget',
    ],
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
      'a session whose Klarna expiry, set by us, is before its deadline',
      registered({ ...due, ...withNetAt(50), state: 'SUBMITTED', deadlineAt: afterNoon(60) }),
      'arm',
    ],
    [
      'such a session if Klarna has not reported its state',
      registered({ ...due, ...withNetAt(50), deadlineAt: afterNoon(60) }),
      'arm',
    ],
    [
      'such a session once the customer has started to pay and the expiry cannot move',
      registered({ ...due, ...withNetAt(50), state: 'IN_PROGRESS', deadlineAt: afterNoon(60) }),
      'forget',
    ],
    [
      'a session whose Klarna expiry is at its deadline',
      registered({ ...due, ...withNetAt(60), state: 'SUBMITTED', deadlineAt: afterNoon(60) }),
      'forget',
    ],
    ['a request known only from a webhook', recordWith({ ...due, state: 'SUBMITTED' }), 'arm_default'],
    [
      'a request known only from a webhook, once the customer has started to pay',
      recordWith({ ...due, state: 'IN_PROGRESS' }),
      'arm_default',
    ],
    [
      'a request known only from a webhook that is paid',
      recordWith({ ...due, state: 'COMPLETED' }),
      'forget',
    ],
    ['a record without a state from Klarna', recordWith(due), 'forget'],
    [
      'a cancel with a live claim',
      registered({ cancellation: cancellationWith({ lease: { id: 'l', until: afterNoon(41) } }) }),
      'nothing',
    ],
    [
      'a cancel whose claim has run out',
      registered({ cancellation: cancellationWith({ lease: { id: 'l', until: now } }) }),
      'resume',
    ],
    ['a pending cancel', recordWith({ ...due, cancellation: settledWith({ outcome: 'pending' }) }), 'resume'],
    [
      'a pending cancel of a canceled request',
      registered({ state: 'CANCELED', cancellation: settledWith({ outcome: 'pending' }) }),
      'resume',
    ],
    [
      'a pending cancel of a paid request',
      registered({ state: 'COMPLETED', cancellation: settledWith({ outcome: 'pending' }) }),
      'resume',
    ],
    ['a cancel that ended as not_found', recordWith({ ...due, ...lost }), 'read'],
    [
      'a not_found cancel of a request that has a state',
      recordWith({ ...due, ...lost, state: 'SUBMITTED' }),
      'read',
    ],
    [
      'a not_found cancel of a session before its deadline',
      registered({ ...due, ...lost, deadlineAt: afterNoon(60) }),
      'read',
    ],
    [
      'a not_found cancel of a session whose timer is still to be armed',
      registered({ ...due, ...lost, deadlineAt: afterNoon(60), timer: 'pending' }),
      'arm',
    ],
    ['a not_found cancel of a session past its deadline', registered(lost), 'end'],
    [
      'a not_found cancel of an observed session',
      registered({ ...lost, ...observedOnly, timer: 'fired' }),
      'read',
    ],
    ['a not_found cancel of a final request', registered({ ...lost, state: 'EXPIRED' }), 'forget'],
    [
      'a request with the attention not_found',
      recordWith({ ...due, ...notFound, state: 'SUBMITTED' }),
      'read',
    ],
    [
      'a request with the attention not_found, after a day of reads',
      recordWith({ ...due, ...notFound, attempts: 24 }),
      'forget',
    ],
    [
      'a session with the attention not_found, before its deadline',
      registered({ ...due, ...notFound, deadlineAt: afterNoon(60) }),
      'read',
    ],
    [
      'a session with the attention not_found, after a day of reads',
      registered({ ...due, ...notFound, deadlineAt: afterNoon(60), attempts: 24 }),
      'forget',
    ],
    [
      'an observed session with the attention not_found',
      registered({ ...notFound, ...observedOnly, timer: 'fired' }),
      'read',
    ],
    [
      'an observed session with the attention not_found, after a day of reads',
      registered({ ...notFound, ...observedOnly, timer: 'fired', attempts: 24 }),
      'forget',
    ],
    [
      'a paid request with the attention not_found',
      registered({ ...notFound, state: 'COMPLETED' }),
      'forget',
    ],
  ])('the sweep decides what to do with %s', (_, record, action) => {
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
])('after %i failed attempts, the next one follows in %i minutes', (attempts, minutes) => {
  expect(nextAttempt(recordWith({ attempts }), noon)).toEqual({
    attempts: attempts + 1,
    reconcileAfter: afterNoon(minutes),
  });
});

it('a final request is due again only if a contradiction waits for a read', () => {
  expect(dueAfterEnd(registered())).toBeUndefined();
  expect(dueAfterEnd(registered({ attention: 'canceled_after_completed' }))).toBeUndefined();
  expect(dueAfterEnd(registered({ attention: 'contradiction' }))).toBe(afterNoon(31));
});

it('a request ends at Klarna at its Klarna expiry, or after 48 hours', () => {
  expect(klarnaEndOf(recordWith({ klarnaExpiresAt: afterNoon(15) }))).toBe(afterNoon(15));
  expect(klarnaEndOf(recordWith())).toBe(afterNoon((48 * hour) / 60_000));
  expect(klarnaEndOf(registered({ klarnaExpiresAt: afterNoon(15) }))).toBe(afterNoon(15));
});

it('a request does not end at Klarna before its possible expiry', () => {
  const asked = (fields: Partial<PaymentRequest>) =>
    registered({ session: { ...session, klarnaExpiryMayBe: afterNoon(30) }, ...fields });
  expect(klarnaEndOf(asked({ klarnaExpiresAt: afterNoon(15) }))).toBe(afterNoon(30));
  expect(klarnaEndOf(asked({ klarnaExpiresAt: afterNoon(45) }))).toBe(afterNoon(45));
});

describe('forgotten', () => {
  it.each<[string, PaymentRequest, ReturnType<typeof afterNoon> | undefined]>([
    ['never if the request is final', registered({ attempts: 3, state: 'CANCELED' }), undefined],
    ['never if the request is paid', registered({ attempts: 3, state: 'COMPLETED' }), undefined],
    ['never if Klarna has not reported a state', recordWith({ attempts: 3 }), undefined],
    [
      'after its Klarna expiry if the request is open',
      registered({ attempts: 3, klarnaExpiresAt: afterNoon(180) }),
      afterNoon(181),
    ],
    [
      'after 48 hours if the Klarna expiry is not known',
      recordWith({ attempts: 3, state: 'SUBMITTED' }),
      afterNoon(48 * 60 + 1),
    ],
    [
      'soon after a coming deadline that has a timer',
      registered({ attempts: 3, timer: 'armed', deadlineAt: afterNoon(60), klarnaExpiresAt: afterNoon(180) }),
      afterNoon(61),
    ],
    [
      'at a coming deadline if the sweep is the timer',
      registered({ attempts: 3, timer: 'sweep', deadlineAt: afterNoon(60) }),
      afterNoon(60),
    ],
    [
      'never at a coming deadline if the request is paid',
      registered({ attempts: 3, state: 'COMPLETED', deadlineAt: afterNoon(60) }),
      undefined,
    ],
    [
      'after its Klarna expiry if the deadline has passed and the sweep is the timer',
      registered({ attempts: 3, timer: 'sweep', deadlineAt: now, klarnaExpiresAt: afterNoon(180) }),
      afterNoon(181),
    ],
    [
      'after its Klarna expiry if there is no deadline, whatever its timer',
      recordWith({ attempts: 3, state: 'SUBMITTED', timer: 'armed', klarnaExpiresAt: afterNoon(180) }),
      afterNoon(181),
    ],
    [
      'never if the Klarna expiry has passed',
      registered({ attempts: 3, klarnaExpiresAt: afterNoon(39) }),
      undefined,
    ],
  ])('a record that needs nothing now is due %s', (_, record, reconcileAfter) => {
    expect(forgotten(record, now)).toMatchObject({ reconcileAfter, attempts: 0, version: 2, updatedAt: now });
  });
});

it.each<[PaymentRequest['attention'], PaymentRequest['state'], PaymentRequest['attention']]>([
  ['not_found', 'COMPLETED', undefined],
  ['not_found', 'EXPIRED', undefined],
  ['not_found', 'SUBMITTED', 'not_found'],
  ['not_found', undefined, 'not_found'],
  ['contradiction', 'EXPIRED', 'contradiction'],
])('the attention %s of a %s request that needs nothing now becomes %s', (attention, state, left) => {
  expect(forgotten(registered({ attention, state }), now).attention).toBe(left);
});

it('lateness is measured from the deadline', () => {
  expect(lateness(registered(), afterNoon(31))).toBe(60_000);
  expect(lateness(registered(), afterNoon(29))).toBe(-60_000);
  expect(lateness(recordWith(), now)).toBe(0);
});
