import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ScannedPaymentRequests } from '../../../functions/adapters/dynamodb/scanned-payment-requests.ts';
import { DynamoDbQuarantine } from '../../../functions/adapters/dynamodb/dynamodb-quarantine.ts';
import { DynamoDbPaymentRequestStore } from '../../../functions/adapters/dynamodb/dynamodb-payment-request-store.ts';
import type { QuarantinedDelivery } from '../../../functions/domain/quarantined-delivery.ts';
import { claimed } from '../../../functions/domain/cancellation.ts';
import { settled } from '../../../functions/domain/cancel-attempt.ts';
import { ownEventId, type PaymentRequestKey } from '../../../functions/domain/identifiers.ts';
import { plusMillis } from '../../../functions/domain/instant.ts';
import type { Observation } from '../../../functions/domain/observation.ts';
import {
  asNextVersion,
  type PaymentRequest,
  unknownPaymentRequest,
} from '../../../functions/domain/payment-request.ts';
import { forgotten } from '../../../functions/domain/reconciliation.ts';
import { withArmedTimer } from '../../../functions/domain/session-timer.ts';
import { applyObservation } from '../../../functions/domain/transition.ts';
import { asRead, webhooks } from '../../support/arbitrary-observations.ts';
import { engineName, openEmbeddedTable } from '../../support/embedded-table.ts';
import { noon, observed } from '../../support/fixtures.ts';
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
      facts: (record, news) => asNextVersion(applyObservation(record, asRead(news)).record, news.observedAt),
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
            proof: { status: '500' },
          },
          afterNoon(1),
        ),
      arming: (record) => (record.deadlineAt && withArmedTimer(record, record.deadlineAt, noon)) ?? record,
      forgetting: (record) => forgotten(record, noon),
    };

    const steps = webhooks.chain((list) =>
      fc.array(
        fc.record({
          news: fc.constantFrom(...list),
          how: fc.constantFrom('observe', 'late save', ...Object.keys(changes)),
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
            const next = change ? change(base, news, String(step)) : asNextVersion(base, noon);
            if (change && next.version === base.version) continue;
            const results =
              how === 'observe'
                ? [await memory.observe(key, news), await engine.observe(key, news)]
                : [await memory.save(current, next), await engine.save(current, next)];
            expect(results[1]).toEqual(results[0]);
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
      expect(await itemOf(partitionKey)).toMatchObject({ expires_at: seconds + month });
      await store.observe(key, observed('IN_PROGRESS', '2026-03-02T12:00:00.9Z'));
      expect(await itemOf(partitionKey)).toMatchObject({ expires_at: seconds + 86_400 + month });
      const record = await store.read(key);
      if (!record) throw new Error('nothing is stored');
      await store.save(record, asNextVersion(record, plusMillis(noon, 2 * 86_400_000)));
      expect(await itemOf(partitionKey)).toMatchObject({ expires_at: seconds + 2 * 86_400 + month });
    });

    it('an item is in an index only while it has the attribute of the index', async () => {
      const key = newKey();
      const store = onTable();
      const partitionKey = `A#shop-se#P#${key.paymentRequestId}`;
      const record = newSession(key);
      await store.save(undefined, record);
      expect(await itemOf(partitionKey)).toMatchObject({
        due_shard: expect.stringMatching(/^DUE#[0-7]$/) as string,
      });
      expect(await itemOf(partitionKey)).not.toHaveProperty('session_key');
      expect(await itemOf(partitionKey)).toMatchObject({
        state_key: 'A#shop-se#UNHEARD',
        listed_as: `${record.createdAt}#${key.paymentRequestId}`,
      });
      const { record: ended } = applyObservation(record, observed('CANCELED'));
      await store.save(record, forgotten(ended, noon));
      const item = await itemOf(partitionKey);
      expect(item).not.toHaveProperty('due_shard');
      expect(item).not.toHaveProperty('reconcile_after');
    });
  });

  describe('the quarantine', () => {
    const delivery: QuarantinedDelivery = {
      signingKeyId: 'key-1',
      deliveryId: 'event-1',
      reason: 'unknown_type',
      receivedAt: noon,
      bodySha256: 'ab'.repeat(32),
      facts: { eventId: 'event-1', eventType: 'payment.request.renamed', state: 'SUBMITTED', live: false },
    };
    const quarantine = () => new DynamoDbQuarantine({ ...table, retentionDays: 30 });

    it('the quarantine keeps the first delivery of an event, under a key of its own', async () => {
      await quarantine().keep(delivery);
      await quarantine().keep({ ...delivery, reason: 'malformed', receivedAt: afterNoon(1) });
      expect(await itemOf('Q#key-1#event-1')).toMatchObject({
        expires_at: Date.parse('2026-03-31T12:00:00Z') / 1000,
      });
      expect(await quarantine().read(delivery)).toEqual(delivery);
    });

    it('a quarantined delivery changes no record and is never due', async () => {
      const key = newKey();
      await quarantine().keep({
        ...delivery,
        deliveryId: 'event-2',
        facts: { ...delivery.facts, paymentRequestId: key.paymentRequestId },
      });
      expect(await onTable().read(key)).toBeUndefined();
      expect(await itemOf('Q#key-1#event-2')).not.toHaveProperty('due_shard');
    });

    it('the quarantine lists the newest delivery first, with the verdict of its replay', async () => {
      await quarantine().keep({ ...delivery, signingKeyId: 'key-2', receivedAt: afterNoon(5) });
      const replay = { at: afterNoon(6), verdict: 'superseding' };
      await quarantine().noteReplay(delivery, replay);
      const all = await Array.fromAsync(quarantine().all());
      expect(all.map(({ signingKeyId, deliveryId }) => `${signingKeyId}/${deliveryId}`)).toEqual([
        'key-2/event-1',
        'key-1/event-2',
        'key-1/event-1',
      ]);
      expect(all.at(-1)).toEqual({ ...delivery, replay });
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
        ({ paymentRequestId }) => paymentRequestId,
      );
      expect(found).toContain(after.paymentRequestId);
      expect(found).not.toContain(before.paymentRequestId);
    });
  });
});
