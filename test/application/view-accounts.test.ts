import { expect, it } from 'vitest';
import { viewAccounts } from '../../functions/application/view-accounts.ts';
import type { IndexedKeys } from '../../functions/application/ports.ts';
import type { Account } from '../../functions/domain/identifiers.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { noon } from '../support/fixtures.ts';
import { afterNoon } from '../support/sessions.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const keysOf = (...entries: readonly (readonly [account: string, at: string])[]): IndexedKeys => ({
  keys: entries.map(([account, at], number) => ({
    account: account as Account,
    paymentRequestId: requestId(number),
    at,
  })),
  isWhole: true,
});

const viewing = (due: IndexedKeys, attention = keysOf(), quarantined = { count: 0, isWhole: true }) =>
  viewAccounts({
    views: {
      due: () => Promise.resolve(due),
      attention: () => Promise.resolve(attention),
      quarantined: () => Promise.resolve(quarantined),
    },
    clock: new VirtualClock('2026-03-01T12:00:00Z'),
  });

const due = keysOf(['b', noon], ['a', noon], ['b', afterNoon(1)], ['c', afterNoon(2)]);

it('what is due now is overdue, and everything with work is open', async () => {
  const { open, overdue } = await viewing(due)(10);
  expect(open).toMatchObject({ count: 4, isWhole: true });
  expect(overdue).toMatchObject({ count: 2, largest: [{ account: 'a' }, { account: 'b' }] });
});

it('the accounts with the most come first, and no more than asked for', async () => {
  const { open } = await viewing(due)(2);
  expect(open.largest).toEqual([
    { account: 'b', count: 2 },
    { account: 'a', count: 1 },
  ]);
  expect(open.first).toEqual(due.keys.slice(0, 2));
});

it('a view of a part says so', async () => {
  const { open, attention, quarantine } = await viewing({ ...due, isWhole: false }, keysOf(['a', noon]), {
    count: 7,
    isWhole: false,
  })(1);
  expect([open.isWhole, attention.isWhole, attention.count]).toEqual([false, true, 1]);
  expect(quarantine).toEqual({ count: 7, isWhole: false });
});
