import { describe, expect, it } from 'vitest';
import { ownEventId } from '../../functions/domain/identifiers.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import {
  type ExpiryResponse,
  expiryLimit,
  wantedExpiry,
  withExpiryResponse,
  withIntendedExpiry,
} from '../../functions/domain/klarna-expiry.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { decideExtension } from '../../functions/domain/registration.ts';
import { noon, observed, recordWith } from '../support/fixtures.ts';
import {
  afterNoon,
  cancellationWith,
  minute,
  policy,
  register,
  registered,
  session,
} from '../support/sessions.ts';

const observedOnly = { ...session, onTimeout: 'observe' as const };
const nearest = plusMillis(noon, 15 * minute + 5_000);

describe('the expiry that Klarna should have', () => {
  it.each<[string, PaymentRequest, number | undefined, number | undefined]>([
    ['the deadline of a session', registered({ state: 'SUBMITTED' }), undefined, 30],
    ['the same of one that Klarna has not spoken of', registered(), undefined, 30],
    ['with the grace of the account', registered(), 5 * minute, 35],
    [
      'with the grace of the session',
      registered({ session: { ...session, inProgressGrace: minute } }),
      5 * minute,
      31,
    ],
    ['none once the customer has begun', registered({ state: 'IN_PROGRESS' }), undefined, undefined],
    ['none once it is paid', registered({ state: 'COMPLETED' }), undefined, undefined],
    [
      'none for what is only observed',
      registered({ session: { ...session, onTimeout: 'observe' } }),
      undefined,
      undefined,
    ],
    ['none without a session', recordWith({ state: 'SUBMITTED' }), undefined, undefined],
    ['none without a deadline', registered({ deadlineAt: undefined }), undefined, undefined],
    ['none closer than 15 minutes', registered({ deadlineAt: afterNoon(14.9) }), undefined, undefined],
    [
      'none that is too close once Klarna reads it',
      registered({ deadlineAt: afterNoon(15) }),
      undefined,
      undefined,
    ],
    ['15 minutes and the time of a call', registered({ deadlineAt: nearest }), undefined, 15 + 5 / 60],
    ['15 minutes and a little', registered({ deadlineAt: afterNoon(16) }), undefined, 16],
    ['48 hours', registered({ deadlineAt: afterNoon(48 * 60) }), undefined, 48 * 60],
    ['none further than 48 hours', registered({ deadlineAt: afterNoon(48 * 60) }), 1, undefined],
    [
      'none that Klarna has been given already',
      registered({
        session: { ...session, klarnaExpiry: { askedFor: afterNoon(30), shown: afterNoon(30) } },
      }),
      undefined,
      undefined,
    ],
    [
      'the nearest that it takes where it would else end a session that was extended by less',
      registered({
        deadlineAt: afterNoon(5),
        session: { ...session, klarnaExpiry: { askedFor: afterNoon(4), shown: afterNoon(4) } },
      }),
      undefined,
      15 + 5 / 60,
    ],
    [
      'the longest there is, once what had one is only to be observed',
      registered({
        session: { ...observedOnly, klarnaExpiry: { askedFor: afterNoon(30), shown: afterNoon(30) } },
      }),
      5,
      48 * 60,
    ],
    [
      'none once that has been asked for',
      registered({
        session: {
          ...observedOnly,
          klarnaExpiry: { askedFor: afterNoon(48 * 60), shown: afterNoon(48 * 60) },
        },
      }),
      5,
      undefined,
    ],
    [
      'none where what it has is late enough for a deadline that is near',
      registered({
        deadlineAt: afterNoon(5),
        session: { ...session, klarnaExpiry: { askedFor: afterNoon(5), shown: afterNoon(5) } },
      }),
      undefined,
      undefined,
    ],
  ])('is %s', (_, record, grace, minutes) => {
    expect(wantedExpiry(record, grace, noon)).toBe(minutes === undefined ? undefined : afterNoon(minutes));
  });
});

const response = (fields: Partial<ExpiryResponse> = {}): ExpiryResponse => ({
  eventId: ownEventId('expiry', '1'),
  askedFor: afterNoon(30),
  outcome: 'accepted',
  observation: observed('SUBMITTED', undefined, {
    source: 'read',
    eventId: ownEventId('read', '1'),
    klarnaExpiresAt: afterNoon(30),
  }),
  proof: { status: '200' },
  ...fields,
});

describe('what is written down before it is asked for', () => {
  const mayBe = (record: PaymentRequest, grace?: number) =>
    withIntendedExpiry(record, grace, noon).session?.klarnaExpiryMayBe;
  const nearestSoon = plusMillis(nearest, 10_000);

  it.each<[string, PaymentRequest, number | undefined, ReturnType<typeof afterNoon> | undefined]>([
    ['the expiry', registered(), undefined, afterNoon(30)],
    ['the expiry with its grace', registered(), 5 * minute, afterNoon(35)],
    [
      'the nearest, as late as it may be asked for',
      registered({
        deadlineAt: afterNoon(5),
        session: { ...session, klarnaExpiry: { askedFor: afterNoon(4), shown: afterNoon(4) } },
      }),
      undefined,
      nearestSoon,
    ],
    ['the same for one that is hardly later', registered({ deadlineAt: nearest }), undefined, nearestSoon],
    ['nothing where nothing is asked for', registered({ state: 'IN_PROGRESS' }), undefined, undefined],
    ['nothing without a session', recordWith(), undefined, undefined],
  ])('is %s', (_, record, grace, expected) => {
    expect(mayBe(record, grace)).toBe(expected);
  });

  it('is the latest of all that was asked for without an answer', () => {
    const later = registered({ session: { ...session, klarnaExpiryMayBe: afterNoon(60) } });
    expect(withIntendedExpiry(later, undefined, noon)).toBe(later);
    const sooner = registered({ session: { ...session, klarnaExpiryMayBe: afterNoon(20) } });
    expect(mayBe(sooner)).toBe(afterNoon(30));
    const same = registered({ session: { ...session, klarnaExpiryMayBe: afterNoon(30) } });
    expect(withIntendedExpiry(same, undefined, noon)).toBe(same);
  });

  it.each([
    ['accepted', undefined],
    ['refused', afterNoon(60)],
    ['unknown', afterNoon(60)],
  ] as const)('is over once it is %s: %s', (outcome, expected) => {
    const asked = registered({ session: { ...session, klarnaExpiryMayBe: afterNoon(60) } });
    const { session: after } = withExpiryResponse(asked, response({ outcome, observation: undefined }), noon);
    expect(after?.klarnaExpiryMayBe).toBe(expected);
  });
});

describe('what Klarna says to it', () => {
  it('is in the record, with the state that the answer shows', () => {
    const record = withExpiryResponse(registered(), response(), noon);
    expect(record).toMatchObject({
      version: 2,
      state: 'SUBMITTED',
      klarnaExpiresAt: afterNoon(30),
      session: { klarnaExpiry: { askedFor: afterNoon(30), shown: afterNoon(30) } },
    });
    expect(record.history.map(({ kind, effect }) => [kind, effect])).toEqual([
      ['read', 'applied'],
      ['klarna_expiry', 'accepted'],
    ]);
  });

  it.each([
    ['as Klarna shows it', observed('SUBMITTED', undefined, { klarnaExpiresAt: afterNoon(29) }), 29],
    ['as it was asked for, where the answer shows none', observed('SUBMITTED'), 30],
    ['as it was asked for, where the answer shows nothing', undefined, 30],
  ])('is in the record %s', (_, observation, minutes) => {
    const record = withExpiryResponse(registered(), response({ observation }), noon);
    expect(record).toMatchObject({
      klarnaExpiresAt: afterNoon(minutes),
      session: { klarnaExpiry: { askedFor: afterNoon(30), shown: afterNoon(minutes) } },
    });
  });

  it.each(['refused', 'unknown'] as const)('is only written down when it is %s', (outcome) => {
    const before = registered({ klarnaExpiresAt: afterNoon(180) });
    const record = withExpiryResponse(before, response({ outcome, observation: undefined }), noon);
    expect(record).toMatchObject({ klarnaExpiresAt: afterNoon(180), session });
    expect(record.history.at(-1)).toMatchObject({
      kind: 'klarna_expiry',
      effect: outcome === 'refused' ? 'refused' : 'noted',
      detail: { expires_at: '2026-03-01T12:30:00Z', outcome, status: '200' },
    });
  });
});

describe('a deadline that Klarna would not have its expiry moved for', () => {
  const shownAt = (minutes: number | undefined, state: 'IN_PROGRESS' | 'COMPLETED' = 'IN_PROGRESS') =>
    response({
      askedFor: afterNoon(60),
      outcome: 'refused',
      observation: observed(state, undefined, {
        source: 'read',
        eventId: ownEventId('read', '2'),
        ...(minutes !== undefined && { klarnaExpiresAt: afterNoon(minutes) }),
      }),
    });
  const extended = (fields: Partial<PaymentRequest> = {}) =>
    registered({
      deadlineAt: afterNoon(60),
      klarnaExpiresAt: afterNoon(30),
      session: { ...session, klarnaExpiry: { askedFor: afterNoon(30), shown: afterNoon(30) } },
      ...fields,
    });

  it.each(['pending', 'armed', 'sweep'] as const)('is at that expiry, its timer %s or not', (timer) => {
    const record = withExpiryResponse(extended({ timer, attempts: 2 }), shownAt(30), afterNoon(1));
    expect(record).toMatchObject({
      deadlineAt: afterNoon(30),
      timer: 'pending',
      attempts: 0,
      reconcileAfter: afterNoon(2),
      session: { requested: 'PT30M', klarnaExpiry: { isFixed: true } },
      version: 2,
    });
    expect(record.history.at(-1)?.detail).toEqual({
      expires_at: '2026-03-01T13:00:00Z',
      outcome: 'refused',
      deadline_at: '2026-03-01T12:30:00Z',
      status: '200',
    });
  });

  it.each<[string, Partial<PaymentRequest>, ExpiryResponse]>([
    ['has passed', { timer: 'fired' }, shownAt(30)],
    ['is past what is paid', {}, shownAt(30, 'COMPLETED')],
    ['is not after it', { deadlineAt: afterNoon(30) }, shownAt(30)],
    ['is not after what Klarna has moved it to unheard', { klarnaExpiresAt: afterNoon(30) }, shownAt(60)],
    ['may be that, since Klarna does not show it', {}, shownAt(undefined)],
    [
      'is that of a session of which a cancel is on its way',
      { cancellation: cancellationWith() },
      shownAt(30),
    ],
    ['is none', { deadlineAt: undefined }, shownAt(30)],
  ])('stays where it is when it %s', (_, fields, refusal) => {
    const before = extended(fields);
    const { deadlineAt, timer, reconcileAfter } = before;
    const record = withExpiryResponse(before, refusal, afterNoon(1));
    expect(record).toMatchObject({ deadlineAt, timer, reconcileAfter, version: 2 });
    expect(record.history.at(-1)?.detail).not.toHaveProperty('deadline_at');
  });

  it('leaves no doubt where that expiry is, once Klarna has shown it', () => {
    const doubtful = extended({
      klarnaExpiresAt: afterNoon(20),
      session: { ...session, klarnaExpiryMayBe: afterNoon(60) },
    });
    const after = (minutes: number | undefined) => withExpiryResponse(doubtful, shownAt(minutes), noon);
    expect([after(30).klarnaExpiresAt, after(30).session?.klarnaExpiryMayBe]).toEqual([
      afterNoon(30),
      undefined,
    ]);
    expect(after(undefined).session?.klarnaExpiryMayBe).toBe(afterNoon(60));
  });

  it('is none where there is no session any more', () => {
    const { session: _, ...record } = extended();
    expect(withExpiryResponse(record, shownAt(30), noon).deadlineAt).toBe(afterNoon(60));
  });
});

it('one that Klarna refuses to move is a limit like any other from then on', () => {
  const synced = withExpiryResponse(registered(), response(), noon);
  const refused = withExpiryResponse(
    synced,
    response({
      eventId: ownEventId('expiry', '2'),
      askedFor: afterNoon(60),
      outcome: 'refused',
      observation: undefined,
    }),
    noon,
  );
  expect(refused).toMatchObject({
    klarnaExpiresAt: afterNoon(30),
    session: { klarnaExpiry: { isFixed: true } },
  });
  expect(wantedExpiry({ ...refused, deadlineAt: afterNoon(60) }, undefined, noon)).toBeUndefined();
  expect(expiryLimit(refused, true)).toBe(afterNoon(30));
});

describe('a deadline that is moved', () => {
  const synced = withExpiryResponse(registered(), response(), noon);
  const syncing = { ...policy, syncKlarnaExpiry: true };
  const extend = (record: PaymentRequest, its = syncing) =>
    decideExtension(
      record,
      {
        deadline: { kind: 'session_timeout', millis: 60 * minute, given: 'PT1H' },
        requestedBy: 'test',
      },
      { policy: its, eventId: ownEventId('extend', '1'), now: noon },
    ).outcome.kind;

  it('may pass an expiry that we have set, for that moves with it', () => {
    expect(expiryLimit(synced, true)).toBeUndefined();
    expect(extend(synced)).toBe('changed');
    const longer = { deadline: { kind: 'session_timeout', millis: 60 * minute, given: 'PT1H' } } as const;
    expect(register(synced, longer, noon, syncing).outcome.kind).toBe('changed');
  });

  it('may not pass it once the account wants it no more', () => {
    expect(expiryLimit(synced, false)).toBe(afterNoon(30));
    expect(extend(synced, policy)).toBe('extension_limit');
  });

  it.each<[string, Partial<PaymentRequest>]>([
    ['that we have not set', { session, klarnaExpiresAt: afterNoon(30) }],
    ['that somebody has changed since', { klarnaExpiresAt: plusMillis(afterNoon(30), 1) }],
    ['that Klarna lets nobody move, since the customer has begun', { state: 'IN_PROGRESS' }],
  ])('may not pass an expiry %s', (_, fields) => {
    const record = { ...synced, ...fields };
    expect(expiryLimit(record, true)).toBe(record.klarnaExpiresAt);
    expect(extend(record)).toBe('extension_limit');
  });
});
