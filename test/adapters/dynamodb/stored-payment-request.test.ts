import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  attentionShardOf,
  attentionShards,
  dueShardOf,
  dueShards,
  keyOfPartition,
  ownPartOf,
  partitionKeyOf,
  referenceKeyOf,
  sessionKeyOf,
  timeToLive,
} from '../../../functions/adapters/dynamodb/record-keys.ts';
import { toStoredEntry } from '../../../functions/adapters/dynamodb/stored-history.ts';
import {
  type Attribute,
  changedAttributes,
  decode,
  type Item,
  toItem,
} from '../../../functions/adapters/dynamodb/stored-payment-request.ts';
import { writeOf } from '../../../functions/adapters/dynamodb/stream-changes.ts';
import { plainItem } from '../../../functions/adapters/dynamodb/table-items.ts';
import type { KeptCall } from '../../../functions/domain/idempotent-call.ts';
import { type Change, changeKinds, changeOf } from '../../../functions/domain/change.ts';
import { UnreadableRecordError } from '../../../functions/domain/unreadable-record-error.ts';
import { claimed } from '../../../functions/domain/cancellation.ts';
import { settled } from '../../../functions/domain/cancel-attempt.ts';
import type { HistoryEffect, HistoryEntry, HistoryKind } from '../../../functions/domain/history-entry.ts';
import { bytesOf } from '../../../functions/domain/history.ts';
import {
  type Account,
  type EventId,
  type PaymentRequestId,
  parseSessionId,
} from '../../../functions/domain/identifiers.ts';
import { type Instant, instantFromMillis } from '../../../functions/domain/instant.ts';
import type { EvidenceSource, Position } from '../../../functions/domain/observation.ts';
import type { Attention } from '../../../functions/domain/attention.ts';
import type {
  Cancellation,
  CancellationOutcome,
  PaymentRequest,
  RegisteredSession,
  TimerState,
} from '../../../functions/domain/payment-request.ts';
import { paymentRequestStates } from '../../../functions/domain/payment-request-state.ts';
import { applyObservation } from '../../../functions/domain/transition.ts';
import { at, key, noon, observed, recordWith, versioned } from '../../support/fixtures.ts';
import { afterNoon, cancellationWith, register, registered } from '../../support/sessions.ts';

/** The item in DynamoDB's own encoding. */
const stored = (record: PaymentRequest) => marshall(toItem(record, 30), { removeUndefinedValues: true });
const itemOf = (record: PaymentRequest): Item => plainItem(stored(record));

const option = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: undefined });
const oneOf = <Name extends string>(names: Readonly<Record<Name, 1>>) =>
  fc.constantFrom(...(Object.keys(names) as Name[]));

const millis = fc.integer({ min: 0, max: 4_102_444_800_000 }).map(instantFromMillis);
/** Times of ours have milliseconds, times of Klarna may be finer. */
const times: fc.Arbitrary<Instant> = fc.oneof(
  millis,
  fc.tuple(millis, fc.integer({ min: 1, max: 999_999 })).map(([time, nanos]) => {
    const finer = String(nanos).padStart(6, '0');
    return `${time.slice(0, -7)}${finer}Z` as Instant;
  }),
);
const texts = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('', '=', 'b', '#', 'a#b'),
);
const visible = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 128,
});
const eventIds = fc.oneof(visible, fc.constantFrom('__proto__', 'constructor')) as fc.Arbitrary<EventId>;
const states = fc.constantFrom(...paymentRequestStates);
const attentions = oneOf<Attention>({
  contradiction: 1,
  canceled_after_completed: 1,
  paid_twice: 1,
  not_authorized: 1,
  not_found: 1,
  klarna_denied: 1,
  unknown_state: 1,
});
const counts = fc.nat();
const flags = fc.boolean();
const mark = fc.constantFrom(undefined, true as const);
const positions = fc
  .record({ rank: fc.constantFrom(0, 1, 2), occurredAt: times, eventId: eventIds })
  .map(({ rank, occurredAt, eventId }) => ({
    position: `${rank}|${occurredAt}|${eventId}` as Position,
    occurredAt,
    eventId,
  }));

const detailNames = fc.oneof(
  fc.constantFrom(
    'requested_by',
    'event_type',
    'body_sha256',
    'reason',
    'correlation_id',
    'method',
    'raised_by',
  ),
  fc.string({ unit: fc.constantFrom('a', 'z', '_'), minLength: 2, maxLength: 12 }),
);
const details = fc
  .dictionary(detailNames, texts, { maxKeys: 6 })
  .map(({ body_sha256: hash, event_type: type, ...others }) => ({
    ...others,
    // The webhook's parser takes no other text than a type.
    ...(type !== undefined && { event_type: 'payment.request.updated' }),
    ...(hash !== undefined && { body_sha256: hash.length % 2 === 0 ? 'ab'.repeat(32) : hash.slice(0, 40) }),
  }));

const entries: fc.Arbitrary<HistoryEntry> = fc
  .record({
    eventId: eventIds,
    kind: oneOf<HistoryKind>({
      webhook: 1,
      read: 1,
      cancel: 1,
      not_found: 1,
      register: 1,
      extend: 1,
      klarna_expiry: 1,
      cancel_request: 1,
      confirmation: 1,
      timer: 1,
      sweep: 1,
      session: 1,
      resolve: 1,
    }),
    effect: oneOf<HistoryEffect>({
      applied: 1,
      stale: 1,
      confirming: 1,
      contradicting: 1,
      accepted: 1,
      refused: 1,
      noted: 1,
    }),
    recordedAt: times,
    state: option(states),
    occurredAt: option(times),
    isOccurredThen: flags,
    against: option(positions.map(({ position }) => position)),
    attention: option(attentions),
    detail: details,
    hasType: flags,
  })
  .map(({ isOccurredThen, hasType, ...entry }) => ({
    ...entry,
    ...(isOccurredThen && { occurredAt: entry.recordedAt }),
    ...(hasType &&
      entry.state && {
        detail: {
          ...entry.detail,
          event_type: `payment.request.state-change.${entry.state.toLowerCase().replace('_', '-')}`,
        },
      }),
  }));

/** What an event has besides its entry, and the place of that entry. */
const changes = fc.record({
  // Who resolved it, and why, is in the history: a test of its own has such an event.
  kind: fc.constantFrom(...changeKinds.filter((kind) => kind !== 'attention_resolved')),
  entry: fc.nat(),
  state: option(states),
  previousState: option(states),
  attention: option(attentions),
});

/** The event as an entry of the history makes it. */
function changeFrom(
  {
    kind,
    entry: place,
    state,
    previousState,
    attention,
  }: typeof changes extends fc.Arbitrary<infer Value> ? Value : never,
  history: readonly HistoryEntry[],
): readonly Change[] {
  const entry = history[place % Math.max(1, history.length)];
  if (!entry) return [];
  const change = changeOf(kind, entry, { state, previousState });
  return [attention === undefined ? change : { ...change, attention }];
}

const sessions: fc.Arbitrary<RegisteredSession> = fc.record({
  registeredAt: times,
  requested: texts,
  klarnaExpiresAt: option(times),
  onTimeout: fc.constantFrom('cancel', 'observe'),
  inProgressGrace: option(counts),
  graceGivenAt: option(times),
  extensions: counts,
  klarnaExpiry: option(fc.record({ askedFor: times, shown: times, isFixed: mark })),
  klarnaExpiryMayBe: option(times),
  isKlarnaExpiryUnanswered: mark,
}) as fc.Arbitrary<RegisteredSession>;

const cancellations: fc.Arbitrary<Cancellation> = fc.record({
  outcome: oneOf<CancellationOutcome>({
    claimed: 1,
    pending: 1,
    canceled: 1,
    already_canceled: 1,
    refused: 1,
    not_found: 1,
  }),
  cause: fc.constantFrom('api', 'timeout'),
  reason: option(texts),
  requestedBy: texts,
  requestedAt: times,
  allowCompleted: flags,
  sentBefore: flags,
  sentWithoutLeave: mark,
  lease: option(fc.record({ id: texts, until: times })),
});

/** Any record that the types allow, whether a life can lead to it or not. */
const records: fc.Arbitrary<PaymentRequest> = fc
  .record({
    account: fc.constantFrom('shop-se', '0', '-'.repeat(32)) as fc.Arbitrary<Account>,
    paymentRequestId: fc.constantFrom(
      key.paymentRequestId,
      `krn:payment:eu1:request:${'x'.repeat(64)}` as PaymentRequestId,
    ),
    sessionId: option(
      fc.string({ unit: 'grapheme', minLength: 1 }).filter((id) => parseSessionId(id) !== undefined),
    ),
    reference: option(texts),
    recoveredFrom: option(fc.constant('krn:payment:eu1:request:before' as PaymentRequestId)),
    isOneOfSeveral: option(fc.constant(true as const)),
    isToBeCompared: option(fc.constant(true as const)),
    state: option(states),
    previousState: option(states),
    stateReason: option(texts),
    fact: option(positions),
    source: option(oneOf<EvidenceSource>({ webhook: 1, read: 1, cancel: 1, not_found: 1 })),
    observedAt: times,
    klarnaExpiresAt: option(times),
    session: option(sessions),
    deadlineAt: option(times),
    timer: oneOf<TimerState>({ none: 1, undecided: 1, pending: 1, armed: 1, sweep: 1, fired: 1, removed: 1 }),
    cancellation: option(cancellations),
    attention: option(attentions),
    attentionSince: millis,
    question: option(
      fc.record({ about: fc.constantFrom('tie', 'contradiction', 'time'), eventId: eventIds }),
    ),
    attempts: counts,
    retryAt: option(times),
    dueAt: option(times),
    history: fc.uniqueArray(entries, { selector: ({ eventId }) => eventId, maxLength: 6 }),
    dropped: option(fc.record({ count: counts, first: times, last: times })),
    version: counts,
    sequence: counts,
    changes: fc.array(changes, { maxLength: 3 }),
    writes: fc.array(texts, { maxLength: 8 }),
    createdAt: millis,
    updatedAt: millis,
  })
  .map(({ fact, source, observedAt, attentionSince, sessionId, ...fields }) => ({
    ...fields,
    changes: fields.changes.flatMap((change) => changeFrom(change, fields.history)),
    sessionId: sessionId === undefined ? undefined : parseSessionId(sessionId),
    ...(fact && {
      position: fact.position,
      occurredAt: fact.occurredAt,
      evidence: source && { source, eventId: fact.eventId, observedAt },
    }),
    attentionSince: fields.attention && attentionSince,
  }));

/** A record that has every attribute but `cp`, which only DynamoDB writes. */
const full: PaymentRequest = {
  ...recordWith(),
  sessionId: parseSessionId('cart-17'),
  reference: 'order-4711',
  recoveredFrom: 'krn:payment:eu1:request:before' as PaymentRequestId,
  isOneOfSeveral: true,
  isToBeCompared: true,
  state: 'SUBMITTED',
  previousState: 'IN_PROGRESS',
  stateReason: 'R',
  position: `0|${noon}|event-1` as Position,
  occurredAt: noon,
  completedAt: at('2026-03-01T11:59:00Z'),
  confirmation: {
    alertAfter: 2_700_000,
    alertedAt: afterNoon(45),
    authorizedAt: afterNoon(61),
    authorizedBy: 'api',
    lapsedAt: afterNoon(60),
  },
  purpose: 'token',
  calls: [
    { key: '0123456789abcdef', request: 'fedcba9876543210', at: noon, outcome: 'registered' },
    {
      key: '1123456789abcdef',
      request: 'eedcba9876543210',
      at: noon,
      outcome: 'already_final',
      state: 'COMPLETED',
    },
  ],
  evidence: { source: 'webhook', eventId: 'event-1' as EventId, observedAt: afterNoon(1) },
  klarnaExpiresAt: afterNoon(180),
  session: {
    registeredAt: noon,
    requested: 'PT30M',
    supersedes: true,
    klarnaExpiresAt: afterNoon(180),
    onTimeout: 'observe',
    asked: 'cancel',
    observedBy: 'stage',
    kind: 'invoice_link',
    inProgressGrace: 60_000,
    graceGivenAt: afterNoon(30),
    extensions: 1,
    klarnaExpiry: { askedFor: afterNoon(30), shown: afterNoon(30), isFixed: true },
    klarnaExpiryMayBe: afterNoon(40),
    isKlarnaExpiryUnanswered: true,
  },
  deadlineAt: afterNoon(30),
  timer: 'armed',
  cancellation: {
    outcome: 'claimed',
    cause: 'api',
    reason: 'r',
    requestedBy: 'b',
    requestedAt: noon,
    allowCompleted: true,
    sentBefore: true,
    sentWithoutLeave: true,
    lease: { id: 'l', until: afterNoon(2) },
  },
  attention: 'klarna_denied',
  attentionSince: afterNoon(3),
  wouldCancel: { at: afterNoon(30), reason: 'stage' },
  resolved: ['paid_twice'],
  question: { about: 'tie', eventId: 'event-1' as EventId },
  attempts: 2,
  retryAt: afterNoon(4),
  dueAt: afterNoon(5),
  history: [
    {
      eventId: 'event-1' as EventId,
      kind: 'webhook',
      recordedAt: afterNoon(1),
      effect: 'stale',
      state: 'SUBMITTED',
      occurredAt: at('2026-03-01T12:00:00.123456789Z'),
      against: `0|${noon}|event-0` as Position,
      attention: 'contradiction',
      detail: { event_type: 'payment.request.state-change.submitted', body_sha256: 'ab'.repeat(32) },
    },
    { eventId: 'timer:1' as EventId, kind: 'timer', recordedAt: afterNoon(2), effect: 'noted', detail: {} },
  ],
  dropped: { count: 2, first: noon, last: afterNoon(1) },
  changes: [
    {
      kind: 'needs_attention',
      eventId: 'event-1' as EventId,
      state: 'SUBMITTED',
      previousState: undefined,
      attention: 'contradiction',
      occurredAt: at('2026-03-01T12:00:00.123456789Z'),
      recordedAt: afterNoon(1),
    },
  ],
  writes: ['w-1'],
  version: 3,
  sequence: 2,
  updatedAt: afterNoon(6),
  erasedAt: afterNoon(6),
};
const fullItem: Item = { ...itemOf(full), cp: 'IN_PROGRESS', ke: true };

describe('toItem and decode', () => {
  it('a record is the same after it was stored and read', () => {
    fc.assert(
      fc.property(records, (record) => {
        expect(decode(itemOf(record))).toEqual({ record, unreadable: [] });
      }),
      { numRuns: 1_000 },
    );
  });

  it('a record with every attribute is the same after it was stored and read', () => {
    expect(decode(itemOf(full))).toEqual({ record: full, unreadable: [] });
  });

  it('a record is an item of this shape, without empty attributes', () => {
    const { next } = register(undefined, { sessionId: parseSessionId('session-1') });
    if (!next) throw new Error('not registered');
    const before = versioned(next);
    const proof = { event_type: 'payment.request.state-change.submitted', body_sha256: 'ab'.repeat(32) };
    const record = versioned(
      applyObservation(before, observed('SUBMITTED', undefined, { proof })).record,
      before,
    );
    const [registration] = record.history;
    expect(itemOf(record)).toEqual({
      PK: `A#shop-se#P#${key.paymentRequestId}`,
      s: 'SUBMITTED',
      p: `0|${noon}|SUBMITTED@2026-03-01T12:00:00Z`,
      es: 'w',
      et: Date.parse('2026-03-01T12:00:00Z'),
      se: { at: Date.parse('2026-03-01T12:00:00Z'), rq: 'PT30M' },
      dl: Date.parse('2026-03-01T12:30:00Z'),
      tm: 'armed',
      oe: { a: 'cancel' },
      h: [
        {
          i: registration?.eventId,
          k: 'gy',
          t: Date.parse('2026-03-01T12:00:00Z'),
          d: {
            b: 'arn:aws:iam::000000000000:user/test',
            t: 'PT30M',
            d: '2026-03-01T12:30:00Z',
            w: 'cancel',
          },
        },
        {
          i: 'SUBMITTED@2026-03-01T12:00:00Z',
          k: 'waS',
          t: Date.parse('2026-03-01T12:00:00Z'),
          o: true,
          d: { h: Buffer.from('ab'.repeat(32), 'hex').toString('base64url') },
        },
      ],
      rm: 9_500 - record.history.reduce((sum, entry) => sum + bytesOf(entry), 0),
      c: [{ y: 's' }],
      sq: 2,
      v: 2,
      w: record.writes,
      ut: Date.parse('2026-03-01T12:00:00Z'),
      ttl: Date.parse('2026-03-31T12:00:00Z') / 1000,
      d: dueShardOf(key),
      da: afterNoon(31),
      o: 'shop-se',
      ct: `2026-03-01T12:00:00.000Z#${key.paymentRequestId.slice(-12)}`,
      sk: 'shop-se#session-1',
    });
  });

  it('the item of a session that was canceled is smaller than 1.5 KB', () => {
    const proof = {
      event_type: 'payment.request.state-change.submitted',
      signing_key_id: 'krn:partner:global:notification:signing-key:1',
      body_sha256: 'ab'.repeat(32),
    };
    const called = { method: 'DELETE', correlation_id: 'ab'.repeat(16), status: '204' };
    const { next } = register(undefined, {
      sessionId: parseSessionId('checkout-2026-03-01-0017'),
      reference: 'order-4711',
    });
    if (!next) throw new Error('not registered');
    const first = versioned(next);
    const id = '62bb5d9f-33d3-43d0-9d84-1018eb573ed6' as EventId;
    const second = versioned(
      applyObservation(first, observed('SUBMITTED', undefined, { eventId: id, proof })).record,
      first,
    );
    const claim = versioned(
      claimed(second, { ...command, reason: 'basket emptied' }, 'ab'.repeat(16), afterNoon(1)),
      second,
    );
    const lease = claim.cancellation?.lease?.id ?? '';
    const end = observed('CANCELED', '2026-03-01T12:01:01Z', {
      source: 'cancel',
      eventId: `cancel:${'cd'.repeat(16)}` as EventId,
      stateReason: 'PARTNER_CANCELED',
      proof: called,
    });
    const attempt = {
      leaseId: lease,
      facts: [end],
      conclusion: { kind: 'known' },
      sent: true,
      allowCompleted: false,
      proof: called,
    } as const;
    const last = versioned(settled(claim, attempt, afterNoon(1)), claim);
    expect(last).toMatchObject({ state: 'CANCELED', cancellation: { outcome: 'canceled' }, version: 4 });
    expect(sizeOf(stored(last))).toBeLessThan(1_500);
  });

  it('the attributes beside a full history have at most 6 KB, whatever callers and Klarna send', () => {
    const longest = '💶'.repeat(255);
    const id = 'x'.repeat(128) as EventId;
    const finest = at('2026-03-01T12:00:00.123456789Z');
    const change: Change = {
      kind: 'needs_attention',
      eventId: id,
      state: 'IN_PROGRESS',
      previousState: 'COMPLETED',
      attention: 'canceled_after_completed',
      occurredAt: finest,
      recordedAt: finest,
    };
    const largest: PaymentRequest = {
      ...full,
      account: 'x'.repeat(32) as Account,
      paymentRequestId: `krn:payment:${'x'.repeat(32)}:request:${'x'.repeat(64)}` as PaymentRequestId,
      sessionId: parseSessionId(longest),
      reference: longest,
      recoveredFrom: `krn:payment:${'x'.repeat(32)}:request:${'x'.repeat(64)}` as PaymentRequestId,
      isOneOfSeveral: true,
      isToBeCompared: true,
      stateReason: 'X'.repeat(100),
      position: `0|${finest}|${id}` as Position,
      cancellation: cancellationWith({ reason: longest, requestedBy: 'x'.repeat(200) }),
      question: { about: 'contradiction', eventId: id },
      calls: Array(4).fill({
        key: '0'.repeat(16),
        request: '0'.repeat(16),
        outcome: 'already_canceled',
      }) as KeptCall[],
      history: [],
      changes: [change, change, change, change],
      writes: Array(8).fill('12345678') as string[],
    };
    expect(largest.sessionId).toBe(longest);
    const bytes = sizeOf(stored(largest));
    expect(bytes).toBeGreaterThan(4_000);
    // With 9,500 bytes of history: less than 16 KB.
    expect(bytes).toBeLessThan(6_000);
  });

  it('the bytes of an entry are at least what DynamoDB counts', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        const size = sizeOf({
          h: { L: [{ M: marshall(toStoredEntry(entry), { removeUndefinedValues: true }) }] },
        });
        // The list itself counts once.
        expect(size - 'h'.length - 3).toBeLessThanOrEqual(bytesOf(entry));
      }),
    );
  });
});

const command = {
  cause: 'api',
  requestedBy: 'arn:aws:iam::111122223333:role/checkout',
  allowCompleted: false,
} as const;

type Encoded = Readonly<Record<string, unknown>>;

/** The bytes of an item as DynamoDB counts them: names, values, three bytes for a list or map and one for each member. */
function sizeOf(item: Encoded): number {
  return Object.entries(item).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + bytesIn(value),
    0,
  );
}

function bytesIn(value: unknown): number {
  const [[type, content] = []] = Object.entries(value as Encoded);
  switch (type) {
    case 'S':
      return Buffer.byteLength(String(content));
    case 'N':
      return Math.ceil(String(content).length / 2) + 1;
    case 'L':
      return 3 + (content as readonly unknown[]).reduce<number>((sum, each) => sum + 1 + bytesIn(each), 0);
    case 'M':
      return 3 + Object.keys(content as Encoded).length + sizeOf(content as Encoded);
    default:
      return 1;
  }
}

describe('decode of an item with an attribute that cannot be read', () => {
  const vital: readonly string[] = ['PK', 's', 'p', 'x', 'cf', 'v', 'ct'] satisfies Attribute[];
  /** What no code reads: the keys of the indexes that follow from other attributes, and what only DynamoDB needs. */
  const unread: readonly string[] = ['rm', 'ke', 'ttl', 'd', 'o', 'ak'] satisfies Attribute[];
  const read = Object.keys(fullItem).filter((name) => !unread.includes(name));

  /** A value of every type of DynamoDB, in the encoding in which it comes. None of the first is right anywhere. */
  const wrong: readonly AttributeValue[] = [
    { NULL: true },
    { BOOL: false },
    { B: new Uint8Array([1, 2, 3]) },
    { SS: ['secret-value'] },
    { NS: ['1'] },
    { BS: [new Uint8Array([1])] },
    { N: '-1' },
    { N: '1.5' },
    { N: '123456789012345678901234567890.5' },
  ];
  const odd: readonly AttributeValue[] = [
    { S: '' },
    { S: 'secret-value' },
    { N: '0' },
    { N: '9007199254740993' },
    { L: [] },
    { L: [{ S: 'secret-value' }] },
    { L: [{ M: {} }] },
    { M: {} },
    { M: { secret: { S: 'secret-value' } } },
  ];

  const spoiled = (name: string, value: AttributeValue): Item => ({
    ...fullItem,
    ...plainItem({ [name]: value }),
  });
  const without = (name: string): Item =>
    Object.fromEntries(Object.entries(fullItem).filter(([other]) => other !== name));

  it('the item of the test has every attribute', () => {
    expect(Object.keys(fullItem).toSorted()).toEqual(attributes.toSorted());
  });

  it.each(read)('%s of a wrong type is named and left out, or the record is refused', (name) => {
    for (const value of wrong) {
      const item = spoiled(name, value);
      if (vital.includes(name)) {
        expect(() => decode(item)).toThrow(UnreadableRecordError);
        expect(() => decode(item)).toThrow(new RegExp(`: ${name} cannot be read$`));
      } else {
        expect(decode(item)).toEqual({ record: decode(without(name)).record, unreadable: [name] });
      }
    }
  });

  it.each(read)('%s with any value is read, named or refused, and no error tells the value', (name) => {
    for (const value of odd) {
      const item = spoiled(name, value);
      try {
        const { record, unreadable } = decode(item);
        expect(unreadable.every((each) => each === name)).toBe(true);
        if (unreadable.length > 0) expect(record).toEqual(decode(without(name)).record);
      } catch (error) {
        expect(error).toBeInstanceOf(UnreadableRecordError);
        expect(vital).toContain(name);
        expect((error as Error).message).toContain(`: ${name} cannot be read`);
        expect((error as Error).message).not.toContain('secret');
      }
    }
  });

  it.each(['PK', 'v', 'ct'])('an item without %s is refused', (name) => {
    expect(() => decode(without(name))).toThrow(`${name} cannot be read`);
  });

  it.each(['s', 'x'])('an item without %s is a record without it', (name) => {
    expect(decode(without(name)).unreadable).toEqual([]);
  });

  it.each(['se', 'x', 'q'] as const)(
    'an attribute of %s that cannot be read makes the whole unreadable',
    (name) => {
      const map = fullItem[name] as Item;
      for (const inner of Object.keys(map)) {
        const item = { ...fullItem, [name]: { ...map, ...plainItem({ [inner]: { SS: ['secret-value'] } }) } };
        if (name === 'x') expect(() => decode(item), inner).toThrow(UnreadableRecordError);
        else
          expect(decode(item), inner).toEqual({ record: decode(without(name)).record, unreadable: [name] });
      }
    },
  );

  it('a claim with half a lease is refused', () => {
    const { li: _, ...halved } = fullItem['x'] as Item;
    expect(() => decode({ ...fullItem, x: halved })).toThrow('x cannot be read');
  });

  it('an entry that cannot be read is left out, and the others are read', () => {
    const [first] = fullItem['h'] as readonly Item[];
    for (const inner of Object.keys(first ?? {})) {
      const bad = { ...first, ...plainItem({ [inner]: { NS: ['1'] } }) };
      const good = { ...first, i: 'good' };
      const { record, unreadable } = decode({
        ...fullItem,
        h: [bad, 'x', null, good],
        c: [{ y: 'n', i: 'good' }],
      });
      expect(unreadable, inner).toEqual(['h']);
      expect(record.history.map(({ eventId }) => eventId)).toEqual(['good']);
      expect(record.changes).toMatchObject([{ kind: 'needs_attention', eventId: 'good' }]);
    }
  });

  it('an event that cannot be read is left out, and the others are read', () => {
    const good = { y: 'n', i: 'event-1', p: 'I', a: 'contradiction', s: 'S' };
    for (const inner of Object.keys(good)) {
      const bad = { ...good, ...plainItem({ [inner]: { NS: ['1'] } }) };
      const { record, unreadable } = decode({ ...fullItem, c: [bad, good, 'x', null] });
      expect(unreadable, inner).toEqual(['c']);
      expect(record.changes).toMatchObject([{ eventId: 'event-1', previousState: 'IN_PROGRESS' }]);
    }
  });

  it('an attribute, a kind and an effect that only newer code knows are kept and passed on', () => {
    const newer = { i: 'newer', k: 'voucher', e: 'blessed', t: 0, z: 'more' };
    const { record, unreadable } = decode({ ...fullItem, zz: 'newer', h: [newer] });
    expect(unreadable).toEqual([]);
    expect(record.history).toMatchObject([{ kind: 'voucher', effect: 'blessed' }]);
    expect(toItem(record, 30).h).toEqual([newer]);
    expect(changedAttributes({ ...fullItem, zz: 'newer' }, { ...toItem(record, 30) }).has('h')).toBe(true);
  });

  it('an entry that was stored twice is read once', () => {
    const [first, second] = fullItem['h'] as readonly Item[];
    const { record } = decode({ ...fullItem, h: [first, second, first] });
    expect(record.history).toEqual(full.history);
  });

  it('an item of random values never makes another error', () => {
    const value = fc.oneof(
      fc.string(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.array(fc.anything(), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom('a', 'at', 'i', 'k', 'o', 't'), fc.anything(), { maxKeys: 4 }),
    );
    const item = fc.record(Object.fromEntries(attributes.map((name) => [name, option(value)])));
    fc.assert(
      fc.property(item, fc.boolean(), (random, isKnown) => {
        const known = isKnown ? { PK: fullItem['PK'], v: 3, ct: fullItem['ct'], s: 'COMPLETED' } : {};
        try {
          decode({ ...random, ...known });
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableRecordError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** Every attribute of a record's item. */
const attributes: readonly string[] = Object.keys({
  PK: 1,
  s: 1,
  ps: 1,
  sr: 1,
  p: 1,
  es: 1,
  et: 1,
  ca: 1,
  kx: 1,
  rf: 1,
  so: 1,
  sc: 1,
  se: 1,
  dl: 1,
  tm: 1,
  x: 1,
  wa: 1,
  cf: 1,
  pu: 1,
  ik: 1,
  at: 1,
  rs: 1,
  q: 1,
  n: 1,
  ry: 1,
  h: 1,
  hc: 1,
  hf: 1,
  hl: 1,
  rm: 1,
  ke: 1,
  c: 1,
  cp: 1,
  sq: 1,
  v: 1,
  w: 1,
  ut: 1,
  ttl: 1,
  d: 1,
  da: 1,
  o: 1,
  ct: 1,
  sk: 1,
  rk: 1,
  ak: 1,
  aa: 1,
  oe: 1,
  er: 1,
  wo: 1,
} satisfies Record<Attribute, 1>);

describe('the state before a write that DynamoDB copies', () => {
  const [change] = full.changes;
  const untold = itemOf({
    ...full,
    previousState: undefined,
    changes: change ? [{ ...change, previousState: undefined }] : [],
  });
  const beforeIn = (item: Item) => decode(item).record.changes.map(({ previousState }) => previousState);

  it.each([
    ['SUBMITTED', 'SUBMITTED'],
    ['-', undefined],
    [undefined, undefined],
  ])('cp %s is the previous state %s of the events', (cp, before) => {
    expect(beforeIn({ ...untold, ...(cp !== undefined && { cp }) })).toEqual([before]);
  });
});

describe('the keys of the indexes', () => {
  it('keyOfPartition returns the key that made the partition key', () => {
    expect(keyOfPartition(partitionKeyOf(key))).toEqual(key);
  });

  it.each(['', 'A#', 'A#shop#P#', 'A##P#x', 'Q#key#event', 'Q#A#shop#P#x', 'A#shop#S#session', 'SWEEP'])(
    'keyOfPartition returns undefined for %j',
    (partitionKey) => {
      expect(keyOfPartition(partitionKey)).toBeUndefined();
    },
  );

  it.each(['a', 'a#b', '#', ''])('the key of an index gives back its own part %j', (own) => {
    expect(ownPartOf(referenceKeyOf(key.account, own))).toBe(own);
    expect(ownPartOf(sessionKeyOf(key.account, own as never))).toBe(own);
  });

  it.each([
    ['dueShardOf', dueShardOf, dueShards],
    ['attentionShardOf', attentionShardOf, attentionShards],
  ] as const)('%s spreads the records over all shards', (_, shardOf, shards) => {
    const keys = Array.from({ length: 400 }, (__, id) => ({
      ...key,
      paymentRequestId: `krn:payment:eu1:request:${id}` as PaymentRequestId,
    }));
    const used = new Map<string, number>();
    for (const each of keys) used.set(shardOf(each), (used.get(shardOf(each)) ?? 0) + 1);
    expect([...used.keys()].toSorted()).toEqual([...shards]);
    expect(Math.min(...used.values())).toBeGreaterThan(20);
  });

  it('timeToLive is the retention days after the change, in whole seconds', () => {
    expect(timeToLive(1_772_366_400_999, 2)).toBe(1_772_366_400 + 2 * 86_400);
  });
});

describe('writeOf', () => {
  const before = registered();
  const after = versioned(applyObservation(before, observed('SUBMITTED')).record, before);

  it('writeOf returns the key, and reads the record after the write', () => {
    const write = writeOf({ NewImage: stored(after) });
    expect([write?.key, write?.read()]).toEqual([key, after]);
  });

  it.each([
    ['a deletion', {}],
    ['a quarantined delivery', { NewImage: marshall({ PK: 'Q#key#event', reason: 'malformed' }) }],
    ['an item without a key', { NewImage: {} }],
  ])('writeOf returns undefined for %s', (_, image) => {
    expect(writeOf(image)).toBeUndefined();
  });

  it.each<[string, Record<string, unknown>]>([
    ['a change', { c: ['x'] }],
    ['a sequence', { sq: 'x' }],
    ['a state before', { cp: 7 }],
    ['a state', { s: 'PAUSED' }],
  ])('writeOf reads no record with %s that cannot be read', (_, bad) => {
    const write = writeOf({ NewImage: { ...stored(after), ...marshall(bad) } });
    expect(write?.key).toEqual(key);
    expect(() => write?.read()).toThrow(UnreadableRecordError);
  });

  it('writeOf reads a record with a history entry that cannot be read', () => {
    const image = stored(after);
    const h = { L: [{ S: 'x' }, ...(image['h']?.L ?? [])] };
    const write = writeOf({ NewImage: { ...image, h, ...marshall({ kx: 'soon' }) } });
    expect(write?.read()).toEqual(after);
  });
});

describe('changedAttributes', () => {
  const before = registered({ sessionId: parseSessionId('session-1') });
  const item = toItem(before, 30);

  it('changedAttributes has the changed attributes and removes the missing ones', () => {
    const next = toItem({ ...before, deadlineAt: undefined, klarnaExpiresAt: noon }, 30);
    const changed = changedAttributes({ ...item }, { ...next });
    expect(changed.get('kx')).toBe(Date.parse('2026-03-01T12:00:00Z'));
    expect([changed.has('dl'), changed.get('dl')]).toEqual([true, undefined]);
    expect(changed.has('se')).toBe(false);
    expect(changed.has('PK')).toBe(false);
  });

  it('changedAttributes always has the events of the write and the keys of the indexes', () => {
    expect([...changedAttributes({ ...item }, { ...item }).keys()].toSorted()).toEqual(
      ['c', 'cp', 'sq', 'd', 'da', 'o', 'ct', 'sk', 'rk', 'ak', 'aa'].toSorted(),
    );
  });

  it('an attribute that cannot be read stays as it is, unless the write sets it', () => {
    const bad = { ...itemOf(full), kx: 'soon', w: 7 };
    const { record, unreadable } = decode(bad);
    expect(unreadable.toSorted()).toEqual(['kx', 'w']);
    const next = versioned(record, record);
    const changed = changedAttributes({ ...toItem(record, 30) }, { ...toItem(next, 30) });
    expect(changed.has('kx')).toBe(false);
    expect(changed.get('w')).toEqual(next.writes);
  });
});

it('unmarshall of the SDK gives what decode takes for a plain map', () => {
  expect(decode(unmarshall(stored(full)))).toEqual({ record: full, unreadable: [] });
});
