import { afterAll, describe, expect, it } from 'vitest';
import { DynamoDbErasure } from '../../../functions/adapters/dynamodb/dynamodb-erasure.ts';
import { DynamoDbPaymentRequestStore } from '../../../functions/adapters/dynamodb/dynamodb-payment-request-store.ts';
import { DynamoDbQuarantine } from '../../../functions/adapters/dynamodb/dynamodb-quarantine.ts';
import { getItem, updateItem } from '../../../functions/adapters/dynamodb/table-items.ts';
import { UpdateBuilder } from '../../../functions/adapters/dynamodb/update-expression.ts';
import { partitionKeyOf } from '../../../functions/adapters/dynamodb/record-keys.ts';
import { cancelPaymentRequest } from '../../../functions/application/cancel-payment-request.ts';
import { eraseDeliveries, eraseRecords } from '../../../functions/application/erase-records.ts';
import {
  recordAuthorization,
  reportAuthorization,
} from '../../../functions/application/record-authorization.ts';
import { recordObservation } from '../../../functions/application/record-observation.ts';
import { registerSession } from '../../../functions/application/register-session.ts';
import type { PaymentRequestId, PaymentRequestKey } from '../../../functions/domain/identifiers.ts';
import { parseReference, parseSessionId } from '../../../functions/domain/identifiers.ts';
import { openEmbeddedTable } from '../../support/embedded-table.ts';
import { account, noon, observed, registrationWith, settingsWith } from '../../support/fixtures.ts';
import { quarantinedDelivery } from '../../support/klarna-deliveries.ts';
import { ScriptedKlarna } from '../../support/scripted-klarna.ts';
import { InMemoryTimer } from '../../support/world.ts';
import { CountingIds, retries, VirtualClock } from '../../support/virtual-clock.ts';

const table = { ...(await openEmbeddedTable()), retentionDays: 30 };
afterAll(() => table.close());

const store = new DynamoDbPaymentRequestStore(table);
const quarantine = new DynamoDbQuarantine(table);
const clock = new VirtualClock();
const klarna = new ScriptedKlarna('SUBMITTED');
const dependencies = {
  ...retries,
  store,
  clock,
  ids: new CountingIds(),
  timer: new InMemoryTimer(),
  sessions: store,
  klarna,
  onTimerFault: () => undefined,
  syncExpiry: <Record>(record: Record) => Promise.resolve(record),
};
const erase = eraseRecords({ store, sessions: store, erasure: new DynamoDbErasure(table), clock });
const settings = settingsWith();

let count = 0;
const newKey = (): PaymentRequestKey => {
  count += 1;
  const end = String(count).padStart(12, '0');
  return {
    account,
    paymentRequestId: `krn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-${end}` as PaymentRequestId,
  };
};

/** A request that is registered with what could be personal data, and paid. */
async function paid(): Promise<PaymentRequestKey> {
  const key = newKey();
  const registration = registrationWith({
    sessionId: parseSessionId(`cart ${count} of Anna`),
    reference: 'order of Anna',
  });
  await registerSession(dependencies)(key, registration, settings);
  await recordObservation(dependencies)(key, observed('COMPLETED', '2026-03-01T12:05:00Z'));
  return key;
}

const itemOf = (key: PaymentRequestKey) => getItem(table, partitionKeyOf(key));

describe('eraseRecords', () => {
  it('an erased item holds nothing that a caller gave, nor what a newer version has added', async () => {
    const key = await paid();
    await updateItem(table, partitionKeyOf(key), new UpdateBuilder().put('newer', 'Anna').when());
    expect(JSON.stringify(await itemOf(key))).toContain('Anna');
    expect(await erase([key], false)).toEqual([{ ...key, outcome: 'erased' }]);
    const item = await itemOf(key);
    expect(JSON.stringify(item)).not.toMatch(/Anna|user\/test/);
    expect(Object.keys(item ?? {}).toSorted()).toEqual(
      ['PK', 'ct', 'er', 'es', 'et', 'p', 'rm', 's', 'sq', 'tm', 'ttl', 'ut', 'v', 'h'].toSorted(),
    );
    expect(await erase([key], false)).toEqual([{ ...key, outcome: 'already_erased' }]);
  });

  it('no late webhook, registration or cancel changes a tombstone, and none reaches Klarna', async () => {
    const key = await paid();
    await erase([key], false);
    const before = await itemOf(key);
    for (const [state, time] of [
      ['SUBMITTED', '2026-03-01T11:00:00Z'],
      ['IN_PROGRESS', '2026-03-02T12:00:00Z'],
      ['COMPLETED', '2026-03-02T12:00:00Z'],
      ['DECLINED', '2026-03-02T12:00:00Z'],
      ['CANCELED', '2026-03-02T12:00:00Z'],
    ] as const) {
      const late = observed(state, time, {
        reference: parseReference('order of Anna'),
        eventId: `late-${state}` as never,
      });
      expect(await recordObservation(dependencies)(key, late)).toBe('duplicate');
    }
    const report = {
      eventId: 'late-report' as never,
      source: 'webhook',
      at: noon,
      reportedAt: noon,
      proof: {},
    } as const;
    expect(await recordAuthorization(dependencies)(key, report)).toBe('duplicate');
    expect(await reportAuthorization(dependencies)(key, { requestedBy: 'Anna' })).toEqual({
      outcome: 'erased',
    });
    const registration = registrationWith({ reference: 'order of Anna' });
    expect((await registerSession(dependencies)(key, registration, settings)).outcome.kind).toBe(
      'already_final',
    );
    const command = { cause: 'api', requestedBy: 'Anna', allowCompleted: true } as const;
    expect((await cancelPaymentRequest(dependencies)(key, command, settings)).outcome).toBe('already_final');
    expect(klarna.received).toEqual([]);
    expect(await itemOf(key)).toEqual(before);
  });

  it('a dry run, an open request and an unknown one write nothing', async () => {
    const key = await paid();
    const open = newKey();
    await registerSession(dependencies)(open, registrationWith(), settings);
    const unknown = newKey();
    expect((await erase([key, open, unknown], true)).map(({ outcome }) => outcome)).toEqual([
      'erased',
      'open',
      'unknown',
    ]);
    expect((await erase([open, unknown], false)).map(({ outcome }) => outcome)).toEqual(['open', 'unknown']);
    expect((await store.read(key))?.reference).toBe('order of Anna');
    expect((await store.read(open))?.session).toBeDefined();
  });

  it('the payment of a session in which another request is open stays, also where only its id is given', async () => {
    const [first, second] = [await paid(), newKey()];
    const sessionId = (await store.read(first))?.sessionId;
    await registerSession(dependencies)(second, registrationWith({ sessionId }), settings);
    expect(await erase([first], false)).toEqual([{ ...first, outcome: 'session_open' }]);
    expect(await store.read(first)).toMatchObject({ sessionId, reference: 'order of Anna' });
    await recordObservation(dependencies)(second, observed('EXPIRED', '2026-03-01T12:05:00Z'));
    expect(await erase([first], false)).toEqual([{ ...first, outcome: 'erased' }]);
  });

  it('an erasure that another writer overtakes decides again', async () => {
    const key = await paid();
    const racing = {
      replace: async (...given: Parameters<DynamoDbErasure['replace']>) => {
        const late = observed('DECLINED', '2026-03-01T13:00:00Z', { eventId: 'late' as never });
        await recordObservation(dependencies)(key, late);
        return new DynamoDbErasure(table).replace(...given);
      },
    };
    expect(await eraseRecords({ store, sessions: store, erasure: racing, clock })([key], false)).toEqual([
      { ...key, outcome: 'erased' },
    ]);
    expect(await store.read(key)).toMatchObject({ state: 'DECLINED', history: [] });
  });
});

it('deliveries in quarantine about an erased request are removed, and others are not', async () => {
  const [mine, others] = [newKey(), newKey()];
  for (const [index, { paymentRequestId }] of [mine, others].entries()) {
    await quarantine.keep({
      ...quarantinedDelivery,
      deliveryId: `delivery-${index}`,
      facts: { ...quarantinedDelivery.facts, paymentRequestId },
    });
  }
  const left = async () => {
    const ids: (string | undefined)[] = [];
    for await (const { facts } of quarantine.all()) ids.push(facts.paymentRequestId);
    return ids;
  };
  expect(await eraseDeliveries({ quarantine })([mine], true)).toBe(1);
  expect(await left()).toHaveLength(2);
  expect(await eraseDeliveries({ quarantine })([mine], false)).toBe(1);
  expect(await left()).toEqual([others.paymentRequestId]);
});
