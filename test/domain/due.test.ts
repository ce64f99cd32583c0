import { describe, expect, it } from 'vitest';
import { dueAtOf, klarnaEndOf, type WorkKind, workOf } from '../../functions/domain/due.ts';
import { ownEventId } from '../../functions/domain/identifiers.ts';
import type { Instant } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { paymentRequestStates } from '../../functions/domain/payment-request-state.ts';
import { recordWith } from '../support/fixtures.ts';
import { afterNoon, cancellationWith, registered, session, settledWith } from '../support/sessions.ts';

const lease = { id: 'lease-1', until: afterNoon(10.5) };
const byCaller = cancellationWith({ lease });
const byTimer = cancellationWith({ lease, cause: 'timeout' });
const pending = settledWith({ outcome: 'pending' });
const tie = { about: 'tie', eventId: ownEventId('webhook', '1') } as const;
const notFound = { attention: 'not_found' as const };
const submitted = { state: 'SUBMITTED' as const };
const observe = { session: { ...session, onTimeout: 'observe' as const } };
const expiryAt = (minutes: number, fields = session) => ({
  session: { ...fields, klarnaExpiry: { askedFor: afterNoon(minutes), shown: afterNoon(minutes) } },
});
const twoDays = 48 * 60;

/** A record that was written at 12:10. */
const written = (record: PaymentRequest): PaymentRequest => ({ ...record, updatedAt: afterNoon(10) });

type Row = readonly [
  name: string,
  record: PaymentRequest,
  work: readonly (readonly [WorkKind, number | undefined])[],
  dueAt: number | undefined,
];

/** All work of a record, in minutes after noon, and when it is due if it was written at 12:10. */
const rows: readonly Row[] = [
  // Timers
  ['a session whose timer is armed', registered(), [['end', 31]], 31],
  [
    'a session whose timer is to be armed',
    registered({ timer: 'pending' }),
    [
      ['end', 31],
      ['arm', undefined],
    ],
    10,
  ],
  ['a session with the sweep as its timer', registered({ timer: 'sweep' }), [['expire', 30]], 30],
  ['a session past its deadline', registered({ deadlineAt: afterNoon(5) }), [['end', 6]], 10],
  [
    'a session within the margin of its timer',
    registered({ deadlineAt: afterNoon(9.5) }),
    [['end', 10.5]],
    10.5,
  ],
  [
    'a session past its deadline with the sweep as its timer',
    registered({ timer: 'sweep', deadlineAt: afterNoon(9.5) }),
    [['expire', 9.5]],
    10,
  ],
  ['a session whose timer has fired', registered({ timer: 'fired' }), [['read', twoDays + 1]], twoDays + 1],
  [
    'a session whose timer has fired, with a known Klarna expiry',
    registered({ timer: 'fired', klarnaExpiresAt: afterNoon(45) }),
    [['read', 46]],
    46,
  ],
  [
    'a session whose timer has fired after the Klarna expiry',
    registered({ timer: 'fired', klarnaExpiresAt: afterNoon(5) }),
    [['read', 6]],
    10,
  ],
  ['an observed session', registered(observe), [['end', 31]], 31],
  ['an IN_PROGRESS session', registered({ state: 'IN_PROGRESS' }), [['end', 31]], 31],
  // Claims and cancels whose end is not known
  ['a claim of a caller', registered({ cancellation: byCaller }), [['resume', 10.5]], 10.5],
  ['a claim of the timer before its deadline', registered({ cancellation: byTimer }), [['resume', 31]], 31],
  [
    'a claim of the timer at its deadline, which keeps the due time of the session',
    registered({ cancellation: byTimer, deadlineAt: afterNoon(10) }),
    [['resume', 11]],
    11,
  ],
  [
    'a claim of the timer long after its deadline',
    registered({ cancellation: byTimer, deadlineAt: afterNoon(2) }),
    [['resume', 10.5]],
    10.5,
  ],
  [
    'a claim of the sweep as the timer',
    registered({ cancellation: byTimer, timer: 'sweep', deadlineAt: afterNoon(10) }),
    [['resume', 10.5]],
    10.5,
  ],
  [
    'a claim for the timer of a record without a deadline',
    recordWith({ cancellation: byTimer }),
    [['resume', 10.5]],
    10.5,
  ],
  ['a claim that has run out', registered({ cancellation: cancellationWith() }), [['resume', 0.5]], 10],
  ['a pending cancel', registered({ cancellation: pending }), [['resume', undefined]], 10],
  [
    'a pending cancel by the timer',
    registered({ cancellation: { ...pending, cause: 'timeout' } }),
    [['resume', undefined]],
    10,
  ],
  [
    'a pending cancel with a question, whose attempt reads Klarna anyway',
    registered({ cancellation: pending, question: tie }),
    [['resume', undefined]],
    10,
  ],
  [
    'a cancel that Klarna refused',
    registered({ cancellation: settledWith({ outcome: 'refused' }) }),
    [['end', 31]],
    31,
  ],
  // Questions
  [
    'a tie',
    recordWith({ ...submitted, timer: 'none', question: tie }),
    [
      ['ask', undefined],
      ['read', twoDays + 1],
    ],
    10,
  ],
  [
    'a tie of a session',
    registered({ question: tie }),
    [
      ['end', 31],
      ['ask', undefined],
    ],
    10,
  ],
  [
    'a contradiction of a request that has ended',
    registered({ state: 'CANCELED', question: { ...tie, about: 'contradiction' } }),
    [['ask', undefined]],
    10,
  ],
  // Requests that Klarna does not know
  [
    'a session that Klarna does not know',
    registered(notFound),
    [
      ['end', 31],
      ['read', undefined],
    ],
    10,
  ],
  ['a request that Klarna does not know, without a state', recordWith(notFound), [['read', undefined]], 10],
  [
    'a request that Klarna does not know, after the most reads',
    recordWith({ ...notFound, attempts: 24 }),
    [],
    undefined,
  ],
  [
    'a session that Klarna does not know, after the most reads',
    registered({ ...notFound, attempts: 24 }),
    [['end', 31]],
    31,
  ],
  // Klarna's expiry
  [
    'a session whose Klarna expiry is before its deadline',
    registered({ ...submitted, ...expiryAt(29) }),
    [
      ['end', 31],
      ['arm', undefined],
    ],
    10,
  ],
  [
    'such a session after the most attempts, because the deadline is still to come',
    registered({ ...submitted, ...expiryAt(29), attempts: 24 }),
    [
      ['end', 31],
      ['arm', undefined],
    ],
    10,
  ],
  [
    'a session whose Klarna expiry is at its deadline',
    registered({ ...submitted, ...expiryAt(30) }),
    [['end', 31]],
    31,
  ],
  [
    'such a session once the customer has started to pay',
    registered({ state: 'IN_PROGRESS', ...expiryAt(29) }),
    [['end', 31]],
    31,
  ],
  [
    'an observed session that Klarna would end early, after its timer',
    registered({
      ...submitted,
      ...expiryAt(60, observe.session),
      timer: 'fired',
      klarnaExpiresAt: afterNoon(60),
    }),
    [
      ['read', 61],
      ['arm', undefined],
    ],
    10,
  ],
  [
    'such a session after the most attempts',
    registered({ ...submitted, ...expiryAt(60, observe.session), timer: 'fired', attempts: 24 }),
    [],
    undefined,
  ],
  [
    'a session before its deadline, which may be over at Klarna: its own end reads it',
    registered({ ...submitted, klarnaExpiresAt: afterNoon(5) }),
    [['end', 31]],
    31,
  ],
  // Requests that no caller has registered
  [
    'a request known only from Klarna',
    recordWith(submitted),
    [
      ['read', twoDays + 1],
      ['arm_default', undefined],
    ],
    10,
  ],
  [
    'a request known only from Klarna, without a default timer',
    recordWith({ ...submitted, timer: 'none' }),
    [['read', twoDays + 1]],
    twoDays + 1,
  ],
  [
    'such a request after the most reads',
    recordWith({ ...submitted, timer: 'none', attempts: 24 }),
    [],
    undefined,
  ],
  [
    'such a request after all but one read',
    recordWith({ ...submitted, timer: 'none', attempts: 23 }),
    [['read', twoDays + 1]],
    twoDays + 1,
  ],
  ['a record of which Klarna has told nothing', recordWith(), [], undefined],
];

describe.each(rows)('the work of %s', (_, record, work, dueAt) => {
  const moment = (minutes: number | undefined): Instant | undefined =>
    minutes === undefined ? undefined : afterNoon(minutes);

  it('all work is listed, the most important first', () => {
    const expected = work.map(([kind, from]) => ({ kind, from: moment(from) }));
    expect(workOf(record)).toEqual(expected);
  });

  it('the record is due with its first work', () => {
    expect(dueAtOf(written(record))).toBe(moment(dueAt));
  });

  it('work that was due already waits for the next attempt, and later work does not', () => {
    const waiting = written({ ...record, retryAt: afterNoon(20) });
    const dues = work.map(([, from = 0]) => (from > 10 ? from : 20));
    expect(dueAtOf(waiting)).toBe(moment(dues.length > 0 ? Math.min(...dues) : undefined));
  });

  it('a next attempt in the past makes the record due at once', () => {
    expect(dueAtOf(written({ ...record, retryAt: afterNoon(8) }))).toBe(moment(dueAt));
  });
});

describe('requests that are paid or have ended', () => {
  const closed = paymentRequestStates.filter((state) => !['SUBMITTED', 'IN_PROGRESS'].includes(state));

  it.each(closed)('a %s request has no work, whatever its timer and its attention', (state) => {
    for (const timer of ['none', 'pending', 'armed', 'sweep', 'fired', 'removed'] as const) {
      for (const fields of [{}, notFound, expiryAt(29), { attention: 'contradiction' as const }]) {
        const record = written(registered({ ...fields, state, timer, deadlineAt: afterNoon(5) }));
        expect([workOf(record), dueAtOf(record)]).toEqual([[], undefined]);
      }
    }
  });

  it('the sweep looks once at an approved request that was not registered', () => {
    const record = written(recordWith({ state: 'COMPLETED' }));
    expect(workOf(record)).toEqual([{ kind: 'arm_default', from: undefined }]);
    expect(dueAtOf(record)).toBe(record.updatedAt);
    for (const state of ['CANCELED', 'EXPIRED', 'DECLINED'] as const)
      expect(workOf(recordWith({ state }))).toEqual([]);
  });

  it.each(closed)('the cancel of a %s request whose end is not known is continued', (state) => {
    expect(workOf(registered({ state, cancellation: pending }))).toEqual([
      { kind: 'resume', from: undefined },
    ]);
  });
});

describe('klarnaEndOf', () => {
  it('a request ends at Klarna at its Klarna expiry, or after 48 hours', () => {
    expect(klarnaEndOf(recordWith({ klarnaExpiresAt: afterNoon(15) }))).toBe(afterNoon(15));
    expect(klarnaEndOf(recordWith())).toBe(afterNoon(twoDays));
    expect(klarnaEndOf(registered({ klarnaExpiresAt: afterNoon(15) }))).toBe(afterNoon(15));
  });

  it.each([
    [15, 30, 30],
    [45, 30, 45],
    [undefined, 30, twoDays],
    [undefined, twoDays + 5, twoDays + 5],
  ])(
    'a request with a Klarna expiry in %s minutes that may be in %i ends at Klarna in %i',
    (known, possible, end) => {
      const record = registered({
        session: { ...session, klarnaExpiryMayBe: afterNoon(possible) },
        ...(known !== undefined && { klarnaExpiresAt: afterNoon(known) }),
      });
      expect(klarnaEndOf(record)).toBe(afterNoon(end));
    },
  );
});
