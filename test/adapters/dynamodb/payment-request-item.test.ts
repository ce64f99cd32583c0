import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changedAttributes,
  dueShardOf,
  dueShards,
  fromItem,
  keyOfPartition,
  partitionKeyOf,
  timeToLive,
  toItem,
} from '../../../functions/adapters/dynamodb/payment-request-item.ts';
import { writeOf } from '../../../functions/adapters/dynamodb/stream-changes.ts';
import { claimed } from '../../../functions/domain/cancellation.ts';
import { type PaymentRequestId, parseSessionId } from '../../../functions/domain/identifiers.ts';
import { asNextVersion, type PaymentRequest } from '../../../functions/domain/payment-request.ts';
import { applyObservation } from '../../../functions/domain/transition.ts';
import { webhooks } from '../../support/arbitrary-observations.ts';
import { key, noon, observed, recordWith } from '../../support/fixtures.ts';
import { afterNoon, registered } from '../../support/sessions.ts';

/** The item in DynamoDB's own encoding. */
const stored = (record: PaymentRequest) => marshall(toItem(record, 30), { removeUndefinedValues: true });

const records: fc.Arbitrary<PaymentRequest> = fc
  .record({
    news: webhooks,
    base: fc.constantFrom(recordWith(), registered()),
    reference: fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
    attempts: fc.nat(),
    historyDropped: fc.nat(),
    version: fc.integer({ min: 1 }),
    reason: fc.option(fc.string(), { nil: undefined }),
    isClaimed: fc.boolean(),
    attention: fc.constantFrom(undefined, 'contradiction' as const),
    reconcileAfter: fc.constantFrom(undefined, noon, afterNoon(17)),
  })
  .map(({ news, base, reason, isClaimed, ...fields }) => {
    const told = news.reduce((record, each) => applyObservation(record, each).record, base);
    const command = { cause: 'api', requestedBy: 'someone', allowCompleted: true, reason } as const;
    return { ...(isClaimed ? claimed(told, command, 'l', noon) : told), ...fields };
  });

describe('toItem and fromItem', () => {
  it('a record is the same after it was stored and read', () => {
    fc.assert(
      fc.property(records, (record) => {
        expect(fromItem(unmarshall(stored(record)))).toEqual(record);
      }),
    );
  });

  it('a record is an item of this shape, without empty attributes', () => {
    const { record } = applyObservation(
      registered({ sessionId: parseSessionId('session-1') }),
      observed('SUBMITTED', undefined, { proof: { body_sha256: 'ab' } }),
    );
    const item = unmarshall(stored(record));
    expect(item).toEqual({
      PK: `A#shop-se#P#${key.paymentRequestId}`,
      account: 'shop-se',
      payment_request_id: key.paymentRequestId,
      session_id: 'session-1',
      session_key: 'A#shop-se#S#session-1',
      state_key: 'A#shop-se#SUBMITTED',
      listed_as: `${noon}#${key.paymentRequestId}`,
      state: 'SUBMITTED',
      occurred_at: noon,
      position: `0|${noon}|SUBMITTED@2026-03-01T12:00:00Z`,
      evidence: { source: 'webhook', eventId: 'SUBMITTED@2026-03-01T12:00:00Z', observedAt: noon },
      session: { registeredAt: noon, requested: 'PT30M', onTimeout: 'cancel', extensions: 0 },
      deadline_at: afterNoon(30),
      timer: 'armed',
      due_shard: dueShardOf(key),
      reconcile_after: afterNoon(31),
      attempts: 0,
      history_dropped: 0,
      version: 1,
      created_at: noon,
      updated_at: noon,
      expires_at: Date.parse('2026-03-31T12:00:00Z') / 1000,
      'h#SUBMITTED@2026-03-01T12:00:00Z': {
        kind: 'webhook',
        recordedAt: noon,
        effect: 'applied',
        state: 'SUBMITTED',
        occurredAt: noon,
        detail: { body_sha256: 'ab' },
      },
    });
  });
});

describe('keyOfPartition', () => {
  it('keyOfPartition returns the key that made the partition key', () => {
    expect(keyOfPartition(partitionKeyOf(key))).toEqual(key);
  });

  it.each(['', 'A#', 'A#shop#P#', 'A##P#x', 'Q#key#event', 'Q#A#shop#P#x', 'A#shop#S#session'])(
    'keyOfPartition returns undefined for %j',
    (partitionKey) => {
      expect(keyOfPartition(partitionKey)).toBeUndefined();
    },
  );
});

it('dueShardOf spreads the records over all shards', () => {
  const keys = Array.from({ length: 400 }, (_, id) => ({
    ...key,
    paymentRequestId: `krn:payment:eu1:request:${id}` as PaymentRequestId,
  }));
  const used = new Map<string, number>();
  for (const each of keys) used.set(dueShardOf(each), (used.get(dueShardOf(each)) ?? 0) + 1);
  expect([...used.keys()].toSorted()).toEqual([...dueShards]);
  expect(Math.min(...used.values())).toBeGreaterThan(20);
});

it('timeToLive is the retention days after the change, in whole seconds', () => {
  expect(timeToLive(1_772_366_400_999, 2)).toBe(1_772_366_400 + 2 * 86_400);
});

describe('writeOf', () => {
  const before = registered();
  const after = asNextVersion(applyObservation(before, observed('SUBMITTED')).record, noon);

  it('writeOf returns the key, and reads the record before and after the write', () => {
    const write = writeOf({ OldImage: stored(before), NewImage: stored(after) });
    expect([write?.key, write?.read()]).toEqual([key, { before, after }]);
    expect(writeOf({ NewImage: stored(after) })?.read()).toEqual({ before: undefined, after });
  });

  it.each([
    ['a deletion', { OldImage: stored(before) }],
    ['a quarantined delivery', { NewImage: marshall({ PK: 'Q#key#event', reason: 'malformed' }) }],
    ['an item without a key', { NewImage: {} }],
  ])('writeOf returns undefined for %s', (_, image) => {
    expect(writeOf(image)).toBeUndefined();
  });
});

describe('changedAttributes', () => {
  const item = toItem(registered({ sessionId: parseSessionId('session-1'), reconcileAfter: noon }), 30);

  it('changedAttributes has the changed attributes and removes the missing ones', () => {
    const next = toItem(registered({ sessionId: parseSessionId('session-1'), deadlineAt: undefined }), 30);
    const changed = changedAttributes(item, { ...next, reference: 'order-1' });
    expect(changed.get('reference')).toBe('order-1');
    expect([changed.has('deadline_at'), changed.get('deadline_at')]).toEqual([true, undefined]);
    expect(changed.has('created_at')).toBe(false);
    expect(changed.has('PK')).toBe(false);
  });

  it('changedAttributes always has the keys of the indexes', () => {
    expect([...changedAttributes(item, item).keys()].toSorted()).toEqual([
      'due_shard',
      'listed_as',
      'session_key',
      'state_key',
    ]);
  });
});
