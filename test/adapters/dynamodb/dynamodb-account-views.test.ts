import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DynamoDbAccountViews } from '../../../functions/adapters/dynamodb/dynamodb-account-views.ts';
import { DynamoDbPaymentRequestStore } from '../../../functions/adapters/dynamodb/dynamodb-payment-request-store.ts';
import { DynamoDbQuarantine } from '../../../functions/adapters/dynamodb/dynamodb-quarantine.ts';
import type { Account } from '../../../functions/domain/identifiers.ts';
import { requestId } from '../../support/cancel-jobs.ts';
import { openEmbeddedTable } from '../../support/embedded-table.ts';
import { recordWith } from '../../support/fixtures.ts';
import { quarantinedDelivery } from '../../support/klarna-deliveries.ts';
import { afterNoon, registered } from '../../support/sessions.ts';

const table = await openEmbeddedTable();
afterAll(() => table.close());

const views = new DynamoDbAccountViews(table);
const accounts = ['m4one', 'm4two'] as unknown as readonly [Account, Account];

describe('the views over all accounts', () => {
  beforeAll(async () => {
    const store = new DynamoDbPaymentRequestStore({ ...table, retentionDays: 90 });
    const open = { timer: 'armed', state: 'SUBMITTED' } as const;
    const records = [
      registered({ ...open, account: accounts[0], paymentRequestId: requestId(1), dueAt: afterNoon(2) }),
      registered({ ...open, account: accounts[1], paymentRequestId: requestId(2), dueAt: afterNoon(1) }),
      registered({ ...open, account: accounts[1], paymentRequestId: requestId(3), dueAt: afterNoon(3) }),
      recordWith({ account: accounts[0], paymentRequestId: requestId(4), state: 'CANCELED' }),
      recordWith({
        account: accounts[1],
        paymentRequestId: requestId(5),
        state: 'CANCELED',
        attention: 'contradiction',
      }),
    ];
    for (const record of records) await store.save(undefined, record);
    const quarantine = new DynamoDbQuarantine({ ...table, retentionDays: 90 });
    await quarantine.keep(quarantinedDelivery);
    await quarantine.keep({ ...quarantinedDelivery, deliveryId: 'another' });
  });

  it('what has work to do is found in the order in which it is due, whatever its account', async () => {
    const { keys, isWhole } = await views.due();
    expect(isWhole).toBe(true);
    expect(keys.map(({ paymentRequestId }) => paymentRequestId)).toEqual([2, 1, 3].map(requestId));
    expect(keys.map(({ account }) => account)).toEqual(['m4two', 'm4one', 'm4two']);
    expect(keys.map(({ at }) => at)).toEqual(keys.map(({ at }) => at).toSorted());
    expect(keys[0]?.at).toMatch(/^2026-03-01T12:0/);
  });

  it('what needs a person is found with the time since when', async () => {
    const { keys } = await views.attention();
    expect(keys).toMatchObject([{ account: 'm4two', paymentRequestId: requestId(5) }]);
    expect(keys[0]?.at).toMatch(/^2026-/);
  });

  it('the quarantine is counted', async () => {
    expect(await views.quarantined()).toEqual({ count: 2, isWhole: true });
  });
});
