import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ScannedPaymentRequests } from '../../../functions/adapters/dynamodb/scanned-payment-requests.ts';
import { partitionKeyOf } from '../../../functions/adapters/dynamodb/record-keys.ts';
import { writeOf } from '../../../functions/adapters/dynamodb/stream-changes.ts';
import { tableIndexes } from '../../../functions/contract/table-schema.ts';
import { eventsOf } from '../../../functions/domain/state-change-event.ts';
import { DynamoDbQuarantine } from '../../../functions/adapters/dynamodb/dynamodb-quarantine.ts';
import { DynamoDbPaymentRequestStore } from '../../../functions/adapters/dynamodb/dynamodb-payment-request-store.ts';
import type { QuarantinedDelivery } from '../../../functions/domain/quarantined-delivery.ts';
import { claimed } from '../../../functions/domain/cancellation.ts';
import { settled } from '../../../functions/domain/cancel-attempt.ts';
import type { HistoryEntry } from '../../../functions/domain/history-entry.ts';
import { ownEventId, type PaymentRequestKey, type SessionId } from '../../../functions/domain/identifiers.ts';
import { listCursorOf } from '../../../functions/domain/list-cursor.ts';
import { plusMillis } from '../../../functions/domain/instant.ts';
import type { Observation } from '../../../functions/domain/observation.ts';
import { asNextVersion } from '../../../functions/domain/next-version.ts';
import { type PaymentRequest, unknownPaymentRequest } from '../../../functions/domain/payment-request.ts';
import { forgotten } from '../../../functions/domain/reconciliation.ts';
import { withPendingTimer } from '../../../functions/domain/session-timer.ts';
import { applyObservation, isStaleForGood, needsRecord } from '../../../functions/domain/transition.ts';
import { asRead, webhooks } from '../../support/arbitrary-observations.ts';
import { engineName, openEmbeddedTable } from '../../support/embedded-table.ts';
import { noon, observed, versioned } from '../../support/fixtures.ts';
import { InMemoryPaymentRequestStore } from '../../support/in-memory-payment-request-store.ts';
import { afterNoon, register } from '../../support/sessions.ts';
import { describePaymentRequestStore, newKey, newSession } from './payment-request-store.contract.ts';

describe(`on the engine ${engineName}`, () => {
  let table: Awaited<ReturnType<typeof openEmbeddedTable>>;
  beforeAll(async () => {
    table = await openEmbeddedTable();
  });
  afterAll(() => table.close());

  const onTable = () => new DynamoDbPaymentRequestStore({ ...table, retentionDays: 30 });

  const itemOf = async (partitionKey: string) => {
    const { Item: item } = await table.client.send(
      new GetItemCommand({ TableName: table.tableName, Key: { PK: { S: partitionKey } } }),
    );
    return item && unmarshall(item);
  };

  describePaymentRequestStore(`on ${engineName}`, () => Promise.resolve(onTable()));

  describe('the store on the engine and in memory', () => {
    /** Changes that a use case makes to a record that it read. */
    const changes: Readonly<
      Record<string, (record: PaymentRequest, news: Observation, step: string) => PaymentRequest>
    > = {
      facts: (record, news) => applyObservation(record, asRead(news)).record,
      registration: (record) => register(record).next ?? record,
      claim: (record, _, step) =>
        claimed(record, { cause: 'timeout', requestedBy: 'lapse', allowCompleted: false }, step, noon),
      settlement: (record, news) =>
        settled(
          record,
          {
            leaseId: record.cancellation?.lease?.id ?? 'none',
            facts: [{ ...news, source: 'cancel' as const, eventId: ownEventId('cancel', news.eventId) }],
            conclusion: { kind: 'unknown' },
            sent: true,
            allowCompleted: false,
            proof: { status: '500' },
          },
          afterNoon(1),
        ),
      'failed arming': (record) =>
        (record.deadlineAt && withPendingTimer(record, record.deadlineAt, noon)) ?? record,
      forgetting: (record) => forgotten(record),
      'an end of attention': (record) => ({ ...record, attention: undefined }),
      'much history': (record, _, step) => ({
        ...record,
        history: [
          ...record.history,
          ...Array.from({ length: 12 }, (__, index) => filler(`${step}-${index}`)),
        ],
      }),
    };

    const filler = (id: string): HistoryEntry => ({
      eventId: ownEventId('read', id),
      kind: 'read',
      recordedAt: noon,
      effect: 'noted',
      detail: { reason: 'x'.repeat(300) },
    });

    const steps = webhooks.chain((list) =>
      fc.array(
        fc.record({
          news: fc.constantFrom(...list),
          how: fc.constantFrom('observe', 'observe', 'late save', ...Object.keys(changes)),
        }),
        { minLength: 1, maxLength: 12 },
      ),
    );

    it('random writes give the same results and records on the engine as in memory', async () => {
      await fc.assert(
        fc.asyncProperty(steps, async (list) => {
          const key: PaymentRequestKey = newKey();
          const [memory, engine] = [new InMemoryPaymentRequestStore(), onTable()];
          let earlier: PaymentRequest | undefined;
          for (const [step, { news, how }] of list.entries()) {
            const known = await memory.read(key);
            const change = changes[how];
            const current = how === 'late save' ? earlier : known;
            const base = current ?? unknownPaymentRequest(key, noon);
            const changed = change ? change(base, news, String(step)) : { ...base, attempts: step };
            if (change && changed === base) continue;
            const isObserved = how === 'observe' && !needsRecord(news);
            const isStale = known !== undefined && isStaleForGood(known, news);
            const noted = { against: known?.position, at: news.observedAt };
            const next = asNextVersion(current, changed, { id: `w${step}`, now: news.observedAt });
            const results = [];
            for (const store of [memory, engine]) {
              if (isObserved && isStale) results.push(await store.noteStale(key, news, noted));
              else if (isObserved) results.push(await store.observe(key, news));
              else results.push(await store.save(current, next));
            }
            expect(results[1]).toEqual(results[0]);
            expect(await engine.read(key)).toEqual(await memory.read(key));
            if (step % 3 === 0) earlier = known;
          }
          expect(await engine.read(key)).toEqual(await memory.read(key));
        }),
        { numRuns: 50 },
      );
    });
  });

  describe('a stored item', () => {
    it('an item expires the retention days after its last change', async () => {
      const key = newKey();
      const store = onTable();
      const partitionKey = `A#shop-se#P#${key.paymentRequestId}`;
      const month = 30 * 86_400;
      const seconds = Date.parse('2026-03-01T12:00:00Z') / 1000;
      await store.observe(key, observed('SUBMITTED'));
      expect(await itemOf(partitionKey)).toMatchObject({ ttl: seconds + month });
      await store.observe(key, observed('IN_PROGRESS', '2026-03-02T12:00:00.9Z'));
      expect(await itemOf(partitionKey)).toMatchObject({ ttl: seconds + 86_400 + month });
      const record = await store.read(key);
      if (!record) throw new Error('nothing is stored');
      await store.save(record, versioned(record, record, plusMillis(noon, 2 * 86_400_000)));
      expect(await itemOf(partitionKey)).toMatchObject({ ttl: seconds + 2 * 86_400 + month });
    });

    it('an item is in an index only while it has the attribute of the index', async () => {
      const key = newKey();
      const store = onTable();
      const partitionKey = partitionKeyOf(key);
      const keysIn = async () => {
        const item = (await itemOf(partitionKey)) ?? {};
        return Object.keys(item).filter((name) =>
          tableIndexes.some((index) => name === index.partitionKey || name === index.sortKey),
        );
      };
      const record = newSession(key);
      await store.save(undefined, record);
      expect((await keysIn()).toSorted()).toEqual(['ct', 'd', 'da', 'o']);
      expect(await itemOf(partitionKey)).toMatchObject({
        d: expect.stringMatching(/^DUE#[0-7]$/) as string,
        da: afterNoon(31),
        o: 'shop-se',
        ct: listCursorOf(record),
      });
      const named = versioned(
        { ...record, sessionId: 'cart' as SessionId, reference: 'order', attention: 'not_found' },
        record,
        afterNoon(1),
      );
      await store.save(record, named);
      expect(await itemOf(partitionKey)).toMatchObject({
        sk: 'shop-se#cart',
        rk: 'shop-se#order',
        ak: expect.stringMatching(/^ATTENTION#[0-3]$/) as string,
        aa: listCursorOf({ ...record, createdAt: afterNoon(1) }),
      });
      const { record: ended } = applyObservation(named, observed('EXPIRED'));
      await store.save(named, versioned(forgotten({ ...ended, attention: undefined }), named));
      expect((await keysIn()).toSorted()).toEqual(['ct', 'rk', 'sk']);
    });

    it('the session and reference of a record stay in their indexes when an observation ends it', async () => {
      const key = newKey();
      const store = onTable();
      const reference = 'order 2';
      await store.save(undefined, { ...newSession(key), sessionId: 'cart-2' as SessionId, reference });
      expect(await store.observe(key, observed('COMPLETED'))).toEqual({ written: true });
      const item = await itemOf(partitionKeyOf(key));
      for (const name of ['d', 'da', 'o']) expect(item).not.toHaveProperty(name);
      expect(item).toMatchObject({ sk: 'shop-se#cart-2', rk: 'shop-se#order 2' });
    });
  });

  describe('an item with an entry that cannot be read', () => {
    const poison = { i: 'poison', k: 'w', e: 'a', t: 'noon' };
    const entriesOf = async (key: PaymentRequestKey) =>
      ((await itemOf(partitionKeyOf(key)))?.['h'] ?? []) as readonly Readonly<Record<string, unknown>>[];

    /** The record of a session whose second entry was spoiled. */
    async function poisoned() {
      const key = newKey();
      const unreadable: (readonly string[])[] = [];
      const store = new DynamoDbPaymentRequestStore({
        ...table,
        retentionDays: 30,
        onUnreadable: (_, names) => void unreadable.push(names),
      });
      const session = newSession(key);
      await store.save(undefined, session);
      await store.observe(key, observed('SUBMITTED'));
      await table.client.send(
        new UpdateItemCommand({
          TableName: table.tableName,
          Key: { PK: { S: partitionKeyOf(key) } },
          UpdateExpression: 'SET h[1] = :poison',
          ExpressionAttributeValues: marshall({ ':poison': poison }),
        }),
      );
      const record = await store.read(key);
      if (!record) throw new Error('nothing is stored');
      return { key, store, session, record, unreadable };
    }

    it('the entry is named and left out, and the rest is read', async () => {
      const { session, record, unreadable } = await poisoned();
      expect(record.history).toEqual(session.history);
      expect(record).toMatchObject({ state: 'SUBMITTED', version: 2, sequence: 2 });
      expect(unreadable).toEqual([['h']]);
    });

    it('the record can be canceled and changed by webhooks, its events are published, and the entry stays', async () => {
      const { key, store, record } = await poisoned();
      const command = { cause: 'api', requestedBy: 'b', allowCompleted: false } as const;
      const claim = versioned(claimed(record, command, 'l', noon), record);
      expect(await store.save(record, claim)).toEqual({ written: true });
      const news = observed('IN_PROGRESS', '2026-03-01T12:01:00Z');
      expect(await store.observe(key, news)).toEqual({ written: true });
      const stored = await store.read(key);
      if (!stored) throw new Error('nothing is stored');
      const paid = applyObservation(stored, observed('COMPLETED', '2026-03-01T12:02:00Z')).record;
      expect(await store.save(stored, versioned(paid, stored))).toEqual({ written: true });

      const item = (await itemOf(partitionKeyOf(key))) ?? {};
      const written = writeOf({ NewImage: marshall(item) });
      expect(
        written && eventsOf(written.read()).map(({ detail }) => [detail.state, detail.sequence]),
      ).toEqual([['COMPLETED', 4]]);
      const entries = await entriesOf(key);
      expect(entries.map(({ i }) => i)).toEqual([
        'register:1',
        'poison',
        'claim:l',
        news.eventId,
        'COMPLETED@2026-03-01T12:02:00Z',
      ]);
      expect(entries[1]).toEqual(poison);
    });
  });

  describe('the quarantine', () => {
    const delivery: QuarantinedDelivery = {
      signingKeyId: 'key-1',
      deliveryId: 'event-1',
      reason: 'unknown_type',
      receivedAt: noon,
      bodySha256: 'ab'.repeat(32),
      facts: {
        eventId: 'event-1',
        eventType: 'payment.request.renamed',
        eventVersion: 'v2',
        state: 'SUBMITTED',
        live: false,
      },
    };
    const quarantine = () => new DynamoDbQuarantine({ ...table, retentionDays: 30 });

    it('the quarantine keeps the first delivery of an event, under a key of its own', async () => {
      await quarantine().keep(delivery);
      await quarantine().keep({ ...delivery, reason: 'malformed', receivedAt: afterNoon(1) });
      expect(await itemOf('Q#key-1#event-1')).toMatchObject({
        ttl: Date.parse('2026-03-31T12:00:00Z') / 1000,
      });
      expect(await quarantine().read(delivery)).toEqual(delivery);
    });

    it('a delivery that was stored without a version has version v2', async () => {
      const { eventVersion: _, ...facts } = delivery.facts;
      const older = { ...delivery, signingKeyId: 'older', facts };
      await quarantine().keep(older);
      expect(await quarantine().read(older)).toEqual({ ...older, facts: { ...facts, eventVersion: 'v2' } });
      const without = { ...delivery, signingKeyId: 'without', facts: { ...facts, eventVersion: '' } };
      await quarantine().keep(without);
      expect(await quarantine().read(without)).toEqual(without);
    });

    it('a quarantined delivery changes no record and is never due', async () => {
      const key = newKey();
      await quarantine().keep({
        ...delivery,
        deliveryId: 'event-2',
        facts: { ...delivery.facts, paymentRequestId: key.paymentRequestId },
      });
      expect(await onTable().read(key)).toBeUndefined();
      expect(await itemOf('Q#key-1#event-2')).not.toHaveProperty('d');
    });

    it('the quarantine lists the newest delivery first, with the verdict of its replay', async () => {
      await quarantine().keep({ ...delivery, signingKeyId: 'key-2', receivedAt: afterNoon(5) });
      const replay = { at: afterNoon(6), verdict: 'superseding' };
      await quarantine().noteReplay(delivery, replay);
      const all = await Array.fromAsync(quarantine().all());
      const ours = all.filter(({ signingKeyId }) => signingKeyId.startsWith('key-'));
      expect(ours.map(({ signingKeyId, deliveryId }) => `${signingKeyId}/${deliveryId}`)).toEqual([
        'key-2/event-1',
        'key-1/event-2',
        'key-1/event-1',
      ]);
      expect(ours.at(-1)).toEqual({ ...delivery, replay });
      expect(await quarantine().read({ signingKeyId: 'key-1', deliveryId: 'none' })).toBeUndefined();
    });
  });

  describe('a scan', () => {
    it('a scan finds only the records that changed since a time', async () => {
      const [before, after] = [newKey(), newKey()];
      await onTable().save(undefined, { ...newSession(before), updatedAt: afterNoon(-60) });
      await onTable().save(undefined, { ...newSession(after), updatedAt: afterNoon(60) });
      const scan = new ScannedPaymentRequests(table);
      const found = (await Array.fromAsync(scan.changedSince(afterNoon(30)))).map(
        (record) => record?.paymentRequestId,
      );
      expect(found).toContain(after.paymentRequestId);
      expect(found).not.toContain(before.paymentRequestId);
    });

    it('a scan says that a record cannot be read, and goes on', async () => {
      const [spoiled, whole] = [newKey(), newKey()];
      const late = afterNoon(1_000_000);
      for (const key of [spoiled, whole]) {
        await onTable().save(undefined, { ...newSession(key), updatedAt: late });
      }
      await table.client.send(
        new UpdateItemCommand({
          TableName: table.tableName,
          Key: { PK: { S: partitionKeyOf(spoiled) } },
          UpdateExpression: 'SET x = :poison',
          ExpressionAttributeValues: marshall({ ':poison': 'claimed' }),
        }),
      );
      const found = await Array.fromAsync(new ScannedPaymentRequests(table).changedSince(late));
      const ids = found.map((record) => record?.paymentRequestId);
      expect(ids).toHaveLength(2);
      expect(ids).toEqual(expect.arrayContaining([undefined, whole.paymentRequestId]));
    });
  });
});
