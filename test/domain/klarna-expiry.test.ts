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
import {
  isKlarnaExpiryOpen,
  isKlarnaExpiryOpenOnceSubmitted,
  type PaymentRequest,
} from '../../functions/domain/payment-request.ts';
import { decideExtension } from '../../functions/domain/registration.ts';
import { noon, observed, recordWith, versioned } from '../support/fixtures.ts';
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

describe('wantedExpiry', () => {
  it.each<[string, PaymentRequest, number | undefined, number | undefined]>([
    ['the deadline of a session', registered({ state: 'SUBMITTED' }), undefined, 30],
    ['the deadline if Klarna has not reported the request', registered(), undefined, 30],
    ['the deadline with the grace of the account', registered(), 5 * minute, 35],
    [
      'the deadline with the grace of the session',
      registered({ session: { ...session, inProgressGrace: minute } }),
      5 * minute,
      31,
    ],
    ['none once the customer has started to pay', registered({ state: 'IN_PROGRESS' }), undefined, undefined],
    ['none once the request is paid', registered({ state: 'COMPLETED' }), undefined, undefined],
    [
      'none for an observed session',
      registered({ session: { ...session, onTimeout: 'observe' } }),
      undefined,
      undefined,
    ],
    ['none without a session', recordWith({ state: 'SUBMITTED' }), undefined, undefined],
    ['none without a deadline', registered({ deadlineAt: undefined }), undefined, undefined],
    [
      'none for a deadline in less than 15 minutes',
      registered({ deadlineAt: afterNoon(14.9) }),
      undefined,
      undefined,
    ],
    [
      'none for a deadline that is too close by the time of the call',
      registered({ deadlineAt: afterNoon(15) }),
      undefined,
      undefined,
    ],
    [
      'the deadline in 15 minutes and the time of a call',
      registered({ deadlineAt: nearest }),
      undefined,
      15 + 5 / 60,
    ],
    ['the deadline in 16 minutes', registered({ deadlineAt: afterNoon(16) }), undefined, 16],
    ['the deadline in 48 hours', registered({ deadlineAt: afterNoon(48 * 60) }), undefined, 48 * 60],
    ['none beyond 48 hours', registered({ deadlineAt: afterNoon(48 * 60) }), 1, undefined],
    [
      'none if Klarna has that expiry',
      registered({
        session: { ...session, klarnaExpiry: { askedFor: afterNoon(30), shown: afterNoon(30) } },
      }),
      undefined,
      undefined,
    ],
    [
      'the nearest time that Klarna accepts if the current expiry would end an extended session',
      registered({
        deadlineAt: afterNoon(5),
        session: { ...session, klarnaExpiry: { askedFor: afterNoon(4), shown: afterNoon(4) } },
      }),
      undefined,
      15 + 5 / 60,
    ],
    [
      'the longest time if the session is only observed now',
      registered({
        session: { ...observedOnly, klarnaExpiry: { askedFor: afterNoon(30), shown: afterNoon(30) } },
      }),
      5,
      48 * 60,
    ],
    [
      'none once the longest time has been requested',
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
      'none if the current expiry is late enough for a near deadline',
      registered({
        deadlineAt: afterNoon(5),
        session: { ...session, klarnaExpiry: { askedFor: afterNoon(5), shown: afterNoon(5) } },
      }),
      undefined,
      undefined,
    ],
  ])('the expiry that Klarna should have is %s', (_, record, grace, minutes) => {
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

describe('withIntendedExpiry', () => {
  const mayBe = (record: PaymentRequest, grace?: number) =>
    withIntendedExpiry(record, grace, noon).session?.klarnaExpiryMayBe;
  const nearestSoon = plusMillis(nearest, 10_000);

  it.each<[string, PaymentRequest, number | undefined, ReturnType<typeof afterNoon> | undefined]>([
    ['the expiry', registered(), undefined, afterNoon(30)],
    ['the expiry with its grace', registered(), 5 * minute, afterNoon(35)],
    [
      'the nearest time, as late as it may be requested',
      registered({
        deadlineAt: afterNoon(5),
        session: { ...session, klarnaExpiry: { askedFor: afterNoon(4), shown: afterNoon(4) } },
      }),
      undefined,
      nearestSoon,
    ],
    [
      'the nearest time for a deadline that is hardly later',
      registered({ deadlineAt: nearest }),
      undefined,
      nearestSoon,
    ],
    ['nothing if no expiry is requested', registered({ state: 'IN_PROGRESS' }), undefined, undefined],
    ['nothing without a session', recordWith(), undefined, undefined],
  ])('the record notes before the call, as the possible expiry, %s', (_, record, grace, expected) => {
    expect(mayBe(record, grace)).toBe(expected);
  });

  it('the possible expiry is the latest of all requests without a response', () => {
    const later = registered({ session: { ...session, klarnaExpiryMayBe: afterNoon(60) } });
    expect(withIntendedExpiry(later, undefined, noon)).toBe(later);
    const sooner = registered({ session: { ...session, klarnaExpiryMayBe: afterNoon(20) } });
    expect(mayBe(sooner)).toBe(afterNoon(30));
    const same = registered({ session: { ...session, klarnaExpiryMayBe: afterNoon(30) } });
    expect(withIntendedExpiry(same, undefined, noon)).toBe(same);
  });

  it.each([
    ['refused', afterNoon(60)],
    ['unknown', afterNoon(60)],
  ] as const)('the possible expiry after a response that is %s is %s', (outcome, expected) => {
    const asked = registered({ session: { ...session, klarnaExpiryMayBe: afterNoon(60) } });
    const { session: after } = withExpiryResponse(asked, response({ outcome, observation: undefined }), noon);
    expect(after?.klarnaExpiryMayBe).toBe(expected);
  });

  it.each([
    ['the one that was asked for', { klarnaExpiryMayBe: afterNoon(30) }, undefined],
    ['a later one that may have been asked for since', { klarnaExpiryMayBe: afterNoon(60) }, afterNoon(60)],
    [
      'a later one that Klarna has shown since',
      { klarnaExpiry: { askedFor: afterNoon(60), shown: afterNoon(60) } },
      afterNoon(60),
    ],
  ])('after a response that is accepted, the expiry may be %s', (_, known, expected) => {
    const asked = registered({ session: { ...session, ...known } });
    const { session: after } = withExpiryResponse(asked, response({ observation: undefined }), noon);
    expect(after?.klarnaExpiryMayBe).toBe(expected);
  });
});

describe('withExpiryResponse', () => {
  it('an accepted expiry is recorded with the state in the response', () => {
    const record = withExpiryResponse(registered(), response(), noon);
    expect(record).toMatchObject({
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
    ['as requested if the response shows none', observed('SUBMITTED'), 30],
    ['as requested if there is no state', undefined, 30],
  ])('an accepted expiry is recorded %s', (_, observation, minutes) => {
    const record = withExpiryResponse(registered(), response({ observation }), noon);
    expect(record).toMatchObject({
      klarnaExpiresAt: afterNoon(minutes),
      session: { klarnaExpiry: { askedFor: afterNoon(30), shown: afterNoon(minutes) } },
    });
  });

  it.each(['refused', 'unknown'] as const)('a response that is %s is only noted', (outcome) => {
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

describe('responses that overtake each other', () => {
  const later = { askedFor: afterNoon(60), shown: afterNoon(60) };
  const moved = registered({
    state: 'SUBMITTED',
    deadlineAt: afterNoon(60),
    timer: 'armed',
    dueAt: afterNoon(61),
    klarnaExpiresAt: afterNoon(60),
    session: { ...session, klarnaExpiry: later },
  });

  it.each(['accepted', 'unknown'] as const)(
    'an earlier expiry whose response comes last is due within a minute (%s)',
    (outcome) => {
      const record = withExpiryResponse(moved, response({ outcome, observation: undefined }), afterNoon(1));
      expect(record.session?.klarnaExpiry?.askedFor).toBe(afterNoon(30));
      expect(versioned(record, moved, afterNoon(1)).dueAt).toBe(afterNoon(2));
      expect(wantedExpiry(record, undefined, afterNoon(1))).toBe(afterNoon(60));
    },
  );

  it.each([
    ['a later one', { askedFor: afterNoon(90), outcome: 'unknown' }],
    ['a refused one', { outcome: 'refused' }],
  ] as const)('%s does not make the record due', (_, fields) => {
    const record = withExpiryResponse(moved, response({ ...fields, observation: undefined }), afterNoon(1));
    expect(versioned(record, moved, afterNoon(1)).dueAt).toBe(afterNoon(61));
    expect(record.session?.klarnaExpiry?.askedFor).toBe(later.askedFor);
  });

  it.each([
    ['at once, if Klarna ends it within the minute', 1.5, 1],
    ['at once, if Klarna ends it in a minute', 2, 1],
    ['in a minute, if Klarna has ended it by then', 1, 2],
  ])('an expiry that is too early and could not be moved is due %s', (_, ends, due) => {
    const early = { askedFor: afterNoon(ends), shown: afterNoon(ends) };
    const record = { ...moved, session: { ...session, klarnaExpiry: early } };
    const failed = response({ askedFor: afterNoon(60), outcome: 'unknown', observation: undefined });
    const next = withExpiryResponse(record, failed, afterNoon(1));
    expect(versioned(next, record, afterNoon(1)).dueAt).toBe(afterNoon(due));
  });

  it('a record that is tried again already, or that has a claim, stays due as it was', () => {
    const dueOf = (record: PaymentRequest) =>
      versioned(withExpiryResponse(record, response(), afterNoon(1)), record, afterNoon(1)).dueAt;
    expect(dueOf({ ...moved, attempts: 3, retryAt: afterNoon(16) })).toBe(afterNoon(16));
    expect(dueOf({ ...moved, retryAt: afterNoon(1) })).toBe(afterNoon(2));
    const lease = { id: 'lease-1', until: afterNoon(1.4) };
    expect(dueOf({ ...moved, cancellation: cancellationWith({ lease }) })).toBe(afterNoon(1.4));
  });
});

describe('an expiry that Klarna refuses to move', () => {
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

  it.each(['pending', 'armed', 'sweep'] as const)(
    "the deadline moves to Klarna's expiry if that cannot move, with a timer that is %s",
    (timer) => {
      const record = withExpiryResponse(extended({ timer, attempts: 2 }), shownAt(30), afterNoon(1));
      expect(record).toMatchObject({
        deadlineAt: afterNoon(30),
        timer: timer === 'sweep' ? 'sweep' : 'armed',
        attempts: 0,
        session: { requested: 'PT30M', klarnaExpiry: { isFixed: true } },
      });
      expect(versioned(record, undefined, afterNoon(1)).dueAt).toBe(afterNoon(timer === 'sweep' ? 30 : 31));
      expect(record.history.at(-1)?.detail).toEqual({
        expires_at: '2026-03-01T13:00:00Z',
        outcome: 'refused',
        deadline_at: '2026-03-01T12:30:00Z',
        status: '200',
      });
    },
  );

  it.each<[string, Partial<PaymentRequest>, ExpiryResponse]>([
    ['has passed', { timer: 'fired' }, shownAt(30)],
    ['belongs to a paid request', {}, shownAt(30, 'COMPLETED')],
    ["is not after Klarna's expiry", { deadlineAt: afterNoon(30) }, shownAt(30)],
    ['is not after the expiry that Klarna shows now', { klarnaExpiresAt: afterNoon(30) }, shownAt(60)],
    ['may be right because Klarna shows no expiry', {}, shownAt(undefined)],
    ['belongs to a session with a cancel in progress', { cancellation: cancellationWith() }, shownAt(30)],
    ['does not exist', { deadlineAt: undefined }, shownAt(30)],
  ])('the deadline stays if it %s', (_, fields, refusal) => {
    const before = extended(fields);
    const { deadlineAt, timer } = before;
    const record = withExpiryResponse(before, refusal, afterNoon(1));
    expect(record).toMatchObject({ deadlineAt, timer });
    expect(record.history.at(-1)?.detail).not.toHaveProperty('deadline_at');
  });

  it('a shown expiry replaces the possible one', () => {
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

  it('a record without a session keeps its deadline', () => {
    const { session: _, ...record } = extended();
    expect(withExpiryResponse(record, shownAt(30), noon).deadlineAt).toBe(afterNoon(60));
  });
});

it('an expiry that Klarna refuses to move limits the session from then on', () => {
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

describe('the limit of a deadline', () => {
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

  it('a deadline may pass an expiry that we have set, because it moves along', () => {
    expect(expiryLimit(synced, true)).toBeUndefined();
    expect(extend(synced)).toBe('changed');
    const longer = { deadline: { kind: 'session_timeout', millis: 60 * minute, given: 'PT1H' } } as const;
    expect(register(synced, longer, noon, syncing).outcome.kind).toBe('changed');
  });

  it('a deadline may not pass that expiry if the account no longer syncs it', () => {
    expect(expiryLimit(synced, false)).toBe(afterNoon(30));
    expect(extend(synced, policy)).toBe('extension_limit');
  });

  it.each<[string, Partial<PaymentRequest>]>([
    ['that we have not set', { session, klarnaExpiresAt: afterNoon(30) }],
    ['that another party has changed since', { klarnaExpiresAt: plusMillis(afterNoon(30), 1) }],
    ['that cannot move because the customer has started to pay', { state: 'IN_PROGRESS' }],
  ])('a deadline may not pass an expiry %s', (_, fields) => {
    const record = { ...synced, ...fields };
    expect(expiryLimit(record, true)).toBe(record.klarnaExpiresAt);
    expect(extend(record)).toBe('extension_limit');
  });
});

describe('the first call for an expiry without a clear response', () => {
  const asked = (outcome: ExpiryResponse['outcome']): ExpiryResponse => ({
    eventId: ownEventId('expiry', outcome),
    askedFor: afterNoon(30),
    outcome,
    proof: {},
  });
  const submitted = (record: PaymentRequest): PaymentRequest => ({ ...record, state: 'SUBMITTED' });
  const unanswered = withExpiryResponse(submitted(registered()), asked('unknown'), noon);

  it('it is to be made again within the minute', () => {
    expect(isKlarnaExpiryOpen(unanswered)).toBe(true);
    expect(unanswered.session?.klarnaExpiry).toBeUndefined();
    expect(versioned(unanswered, undefined, noon).dueAt).toBe(afterNoon(1));
  });

  it.each(['accepted', 'refused'] as const)('it is done once Klarna has %s it', (outcome) => {
    const after = withExpiryResponse(unanswered, asked(outcome), afterNoon(1));
    expect(isKlarnaExpiryOpen(after)).toBe(false);
    expect(after.session?.isKlarnaExpiryUnanswered).toBeUndefined();
  });

  it('it stays so after another call without a response', () => {
    expect(isKlarnaExpiryOpen(withExpiryResponse(unanswered, asked('unknown'), afterNoon(1)))).toBe(true);
  });

  it.each(['IN_PROGRESS', 'COMPLETED', 'CANCELED'] as const)('it waits while the request is %s', (state) => {
    expect(isKlarnaExpiryOpen({ ...unanswered, state })).toBe(false);
    expect(isKlarnaExpiryOpenOnceSubmitted({ ...unanswered, state })).toBe(true);
  });

  it('it is not made for a session that is only observed', () => {
    const session = unanswered.session && { ...unanswered.session, onTimeout: 'observe' as const };
    expect(isKlarnaExpiryOpen({ ...unanswered, session })).toBe(false);
  });

  it('it is given up once Klarna would not take the expiry any more', () => {
    const late = withIntendedExpiry(unanswered, undefined, afterNoon(16));
    expect(isKlarnaExpiryOpen(late)).toBe(false);
    const paying = { ...unanswered, state: 'IN_PROGRESS' as const };
    expect(withIntendedExpiry(paying, undefined, afterNoon(16))).toBe(paying);
  });
});
