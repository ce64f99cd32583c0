import { describe, expect, it } from 'vitest';
import { ownEventId } from '../../functions/domain/identifiers.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import {
  decideReconciliation,
  forgotten,
  lateness,
  nextAttempt,
  type ReconcileAction,
  waitingSince,
  withoutDefaultTimer,
} from '../../functions/domain/reconciliation.ts';
import { noon, recordWith, versioned } from '../support/fixtures.ts';
import { afterNoon, cancellationWith, registered, session, settledWith } from '../support/sessions.ts';
import type { WaitingSince } from '../../functions/domain/sweep-memory.ts';

const due = { dueAt: noon };
const now = afterNoon(40);
const notFound = { attention: 'not_found' as const };
const lost = { ...notFound, cancellation: settledWith({ outcome: 'not_found' }) };
const asked = { question: { about: 'tie', eventId: ownEventId('webhook', '1') } } as const;
const withNetAt = (minutes: number) => ({
  session: { ...session, klarnaExpiry: { askedFor: afterNoon(minutes), shown: afterNoon(minutes) } },
});
const observedOnly = { session: { ...session, onTimeout: 'observe' as const } };

const noWait: WaitingSince = { pendingCancel: undefined, overdueSession: undefined };

describe('since when a record has waited', () => {
  it.each<[string, Partial<PaymentRequest>, Partial<WaitingSince>]>([
    ['a session before its deadline', { deadlineAt: afterNoon(5) }, { overdueSession: afterNoon(5) }],
    ['a session after its deadline', { deadlineAt: afterNoon(-5) }, { overdueSession: afterNoon(-5) }],
    ['a session whose timer ended nothing', { deadlineAt: afterNoon(-5), timer: 'fired' }, {}],
    [
      'an observed session past its deadline',
      { deadlineAt: afterNoon(-5), session: { ...session, onTimeout: 'observe' } },
      {},
    ],
    ['a paid session', { deadlineAt: afterNoon(-5), state: 'COMPLETED' }, {}],
    [
      'a pending cancel',
      { cancellation: settledWith({ outcome: 'pending', requestedAt: afterNoon(-20) }), ...observedOnly },
      { pendingCancel: afterNoon(-20) },
    ],
    [
      'a settled cancel',
      { cancellation: settledWith({ outcome: 'refused', requestedAt: afterNoon(-20) }), ...observedOnly },
      {},
    ],
  ])('%s', (_, fields, waiting) => {
    expect(waitingSince(registered(fields))).toEqual({ ...noWait, ...waiting });
  });
});

describe('decideReconciliation at 12:40', () => {
  it.each<[string, PaymentRequest, ReconcileAction]>([
    ['a record that needs nothing', registered({ dueAt: undefined }), 'nothing'],
    ['a record that is not due yet', registered({ dueAt: afterNoon(40.001) }), 'nothing'],
    ['a session past its deadline whose timer was lost', registered(), 'end'],
    ['such a session exactly when it is due', registered({ dueAt: now }), 'end'],
    ['such a session a minute after its deadline', registered({ ...due, deadlineAt: afterNoon(39) }), 'end'],
    [
      'a session at its deadline with the sweep as its timer',
      registered({ ...due, timer: 'sweep', deadlineAt: now }),
      'expire',
    ],
    ['such a session with a customer who is paying', registered({ state: 'IN_PROGRESS' }), 'end'],
    ['such a session whose timer was never armed', registered({ timer: 'pending' }), 'end'],
    ['such a session that is only observed', registered(observedOnly), 'end'],
    ['a session past its deadline with the sweep as its timer', registered({ timer: 'sweep' }), 'expire'],
    [
      'a paid session past its deadline with the sweep as its timer',
      registered({ timer: 'sweep', state: 'COMPLETED' }),
      'forget',
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
      'arm_default',
    ],
    [
      'a request known only from a webhook',
      recordWith({ ...due, state: 'SUBMITTED', createdAt: afterNoon(38) }),
      'arm_default',
    ],
    [
      'a request known only from a webhook without a default timer',
      recordWith({ ...due, state: 'SUBMITTED', timer: 'none' }),
      'forget',
    ],
    ['a tie of an unregistered request', recordWith({ ...due, ...asked, state: 'SUBMITTED' }), 'ask'],
    [
      'a tie of a session before its deadline',
      registered({ ...due, ...asked, state: 'SUBMITTED', deadlineAt: afterNoon(60) }),
      'ask',
    ],
    [
      'a tie of a session whose timer is still to be armed',
      registered({ ...due, ...asked, timer: 'pending', deadlineAt: afterNoon(60) }),
      'ask',
    ],
    ['a tie of a session past its deadline', registered(asked), 'end'],
    [
      'a tie of such a session with the sweep as its timer',
      registered({ ...asked, timer: 'sweep' }),
      'expire',
    ],
    ['a contradiction of a request that has ended', registered({ ...asked, state: 'CANCELED' }), 'ask'],
    [
      'a contradiction of a request that has ended, with a pending cancel',
      registered({ ...asked, state: 'CANCELED', cancellation: settledWith({ outcome: 'pending' }) }),
      'resume',
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
    [
      'a session within the margin of its timer',
      registered({ ...due, deadlineAt: afterNoon(39.001) }),
      'forget',
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

describe('nextAttempt', () => {
  it.each([
    [0, 0],
    [1, 1],
    [2, 5],
    [3, 15],
    [4, 60],
    [22, 60],
  ])('after %i failed attempts, the next one follows in %i minutes', (attempts, minutes) => {
    expect(nextAttempt(recordWith({ attempts }), noon)).toEqual({
      attempts: attempts + 1,
      retryAt: afterNoon(minutes),
    });
  });

  const early = (minutes: number, state: 'SUBMITTED' | 'IN_PROGRESS' = 'SUBMITTED') =>
    registered({ ...withNetAt(minutes), state, deadlineAt: afterNoon(90), attempts: 4 });

  it.each<[string, PaymentRequest, number]>([
    ["two minutes before it, if an hour's pause would miss it", early(50), 48],
    ['after the usual pause, if that is early enough', early(110), 60],
    ['after the usual pause, if it is too late for another', early(2), 60],
    ['after the usual pause, if Klarna moves no expiry now', early(50, 'IN_PROGRESS'), 60],
  ])('before an expiry at Klarna that is too early, the next attempt follows %s', (_, record, minutes) => {
    expect(nextAttempt(record, noon).retryAt).toBe(afterNoon(minutes));
  });

  const waits = { attempts: 0, retryAt: afterNoon(181) };
  const goesOn = { attempts: 24, retryAt: afterNoon(100) };
  const known = { attempts: 23, state: 'SUBMITTED', klarnaExpiresAt: afterNoon(180) } as const;

  it.each<[string, PaymentRequest, object]>([
    ["an unregistered request waits for Klarna's end of it", recordWith({ ...known, ...notFound }), waits],
    [
      "a session before its deadline waits for Klarna's end of it",
      registered({ ...known, ...notFound, deadlineAt: afterNoon(60) }),
      waits,
    ],
    [
      "an observed session whose timer has fired waits for Klarna's end of it",
      registered({ ...known, ...notFound, ...observedOnly, timer: 'fired' }),
      waits,
    ],
    ["a question waits for Klarna's end", recordWith({ ...known, ...asked }), waits],
    [
      'a request that should be over at Klarna by now counts on',
      recordWith({ ...known, klarnaExpiresAt: afterNoon(39) }),
      goesOn,
    ],
    [
      'a request whose Klarna end may be later waits for that',
      registered({
        ...known,
        timer: 'fired',
        klarnaExpiresAt: afterNoon(39),
        session: { ...session, klarnaExpiryMayBe: afterNoon(180) },
      }),
      waits,
    ],
    ['a session that is over goes on once an hour', registered(known), goesOn],
    [
      'a session that is over goes on once an hour if the sweep is its timer',
      registered({ ...known, timer: 'sweep', deadlineAt: now }),
      goesOn,
    ],
    [
      'a session that is over and not found goes on once an hour',
      registered({ ...known, ...notFound }),
      goesOn,
    ],
    [
      'a pending cancel goes on once an hour',
      recordWith({ ...known, cancellation: settledWith({ outcome: 'pending' }) }),
      goesOn,
    ],
  ])('after 24 failed attempts %s', (_, record, next) => {
    expect(nextAttempt(record, now)).toEqual(next);
  });

  it('a request that Klarna never shows is left alone until its deadline', () => {
    const before = registered({ ...known, ...notFound, deadlineAt: afterNoon(60) });
    const record = { ...before, ...nextAttempt(before, now) };
    expect(versioned(record, before, now).dueAt).toBe(afterNoon(61));
  });

  it('a request that Klarna never shows is read again after its end, and then left alone for good', () => {
    let record = versioned(recordWith({ ...known, ...notFound, attempts: 0 }), undefined, noon);
    const attempts: number[] = [];
    while (record.dueAt !== undefined && attempts.length < 100) {
      const at = record.dueAt;
      expect(['read', 'arm_default']).toContain(decideReconciliation(record, at));
      record = versioned({ ...record, ...nextAttempt(record, at), timer: 'none' }, record, at);
      attempts.push(record.attempts);
    }
    // The first series lasts longer than Klarna's three hours.
    expect(attempts).toEqual(Array.from({ length: 24 }, (_, index) => index + 1));
    const long = recordWith({ ...notFound, state: 'SUBMITTED', timer: 'none' });
    record = versioned(long, undefined, noon);
    const dues: string[] = [];
    while (record.dueAt !== undefined && dues.length < 100) {
      const at = record.dueAt;
      dues.push(at);
      expect(decideReconciliation(record, at)).toBe('read');
      record = versioned({ ...record, ...nextAttempt(record, at) }, record, at);
    }
    expect(dues).toHaveLength(48);
    expect(dues[24]).toBe(afterNoon(48 * 60 + 1));
  });
});

describe('forgotten', () => {
  it.each<[string, PaymentRequest, ReturnType<typeof afterNoon> | undefined]>([
    ['never if the request is final', registered({ attempts: 3, state: 'CANCELED' }), undefined],
    ['never if the request is paid', registered({ attempts: 3, state: 'COMPLETED' }), undefined],
    ['never if Klarna has not reported a state', recordWith({ attempts: 3 }), undefined],
    [
      'after its Klarna expiry if the request is open',
      recordWith({ attempts: 3, state: 'SUBMITTED', timer: 'none', klarnaExpiresAt: afterNoon(180) }),
      afterNoon(181),
    ],
    [
      'after 48 hours if the Klarna expiry is not known',
      recordWith({ attempts: 3, state: 'SUBMITTED', timer: 'none' }),
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
      'at once if the deadline has passed and the timer has not fired',
      registered({ attempts: 3, retryAt: afterNoon(55), klarnaExpiresAt: afterNoon(180) }),
      now,
    ],
    [
      'after its Klarna expiry if the timer has fired',
      registered({ attempts: 3, timer: 'fired', klarnaExpiresAt: afterNoon(180) }),
      afterNoon(181),
    ],
    [
      'at once if the Klarna expiry has passed and the timer has fired',
      registered({ attempts: 3, timer: 'fired', klarnaExpiresAt: afterNoon(30) }),
      now,
    ],
  ])('a record that needs nothing now is due %s', (_, record, dueAt) => {
    const forgets = forgotten(record);
    expect(forgets).toMatchObject({ attempts: 0, retryAt: undefined });
    expect(versioned(forgets, record, now)).toMatchObject({ dueAt, version: 2, updatedAt: now });
  });

  it.each([
    [23, 0, now],
    [24, 24, undefined],
    [30, 30, undefined],
  ])(
    'a request that is over at Klarna and was read %i times has %i attempts then',
    (attempts, left, dueAt) => {
      const record = recordWith({
        attempts,
        state: 'SUBMITTED',
        timer: 'none',
        klarnaExpiresAt: afterNoon(30),
      });
      expect(forgotten(record).attempts).toBe(left);
      expect(versioned(forgotten(record), record, now).dueAt).toBe(dueAt);
    },
  );
});

it.each([
  ['undecided', 'none'],
  ['none', 'none'],
  ['armed', 'armed'],
  ['pending', 'pending'],
] as const)('a record without a default timer whose timer is %s has the timer %s', (timer, left) => {
  const record = recordWith({ state: 'SUBMITTED', attempts: 2, timer, klarnaExpiresAt: afterNoon(180) });
  const decided = withoutDefaultTimer(record);
  expect(decided).toEqual({ ...record, timer: left, attempts: 0, retryAt: undefined });
  if (left === 'none') expect(versioned(decided, record, now).dueAt).toBe(afterNoon(181));
});

it.each<[PaymentRequest['attention'], PaymentRequest['state'], PaymentRequest['attention']]>([
  ['not_found', 'COMPLETED', undefined],
  ['not_found', 'EXPIRED', undefined],
  ['not_found', 'SUBMITTED', 'not_found'],
  ['not_found', undefined, 'not_found'],
  ['contradiction', 'EXPIRED', 'contradiction'],
])('the attention %s of a %s request that needs nothing now becomes %s', (attention, state, left) => {
  expect(forgotten(registered({ attention, state })).attention).toBe(left);
});

it('lateness is measured from the deadline', () => {
  expect(lateness(registered(), afterNoon(31))).toBe(60_000);
  expect(lateness(registered(), afterNoon(29))).toBe(-60_000);
  expect(lateness(recordWith(), now)).toBe(0);
});
