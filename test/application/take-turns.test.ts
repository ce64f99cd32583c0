import { describe, expect, it } from 'vitest';
import { DeficitRoundRobin } from '../../functions/application/deficit-round-robin.ts';
import { takeTurns } from '../../functions/application/take-turns.ts';
import type { Account, PaymentRequestKey } from '../../functions/domain/identifiers.ts';
import { requestId } from '../support/cancel-jobs.ts';

const keyOf = (account: string, number: number): PaymentRequestKey => ({
  account: account as Account,
  paymentRequestId: requestId(number),
});

/** The accounts of the first keys, in turn, of `counts` keys of each account that come one account after the other. */
async function accountsInTurn(counts: Readonly<Record<string, number>>, most: number) {
  async function* keys() {
    for (const [account, count] of Object.entries(counts)) {
      for (let number = 0; number < count; number += 1) yield await Promise.resolve(keyOf(account, number));
    }
  }
  const taken: string[] = [];
  const turns = takeTurns(keys());
  // The table answers in pages: what is read ahead is there before the first record is settled.
  const first = await turns.next();
  if (!first.done) taken.push(first.value.account);
  await new Promise((resolve) => setTimeout(resolve, 200));
  for await (const { account } of turns) {
    taken.push(account);
    if (taken.length === most) break;
  }
  return taken;
}

describe('DeficitRoundRobin', () => {
  it('tenants take turns, and each gets its items in their order', () => {
    const robin = new DeficitRoundRobin<string>(1);
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) robin.push(item.slice(0, 1), item, 1);
    const order = Array.from({ length: 7 }, () => robin.next());
    expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3', undefined]);
  });

  it('what an item costs is taken from the credit of its tenant', () => {
    const robin = new DeficitRoundRobin<string>(2);
    for (const item of ['a1', 'a2', 'a3', 'a4']) robin.push('a', item, 1);
    for (const item of ['b1', 'b2']) robin.push('b', item, 2);
    const order = Array.from({ length: 6 }, () => robin.next());
    expect(order).toEqual(['a1', 'a2', 'b1', 'a3', 'a4', 'b2']);
  });

  it('a tenant for which nothing waits keeps no credit', () => {
    const robin = new DeficitRoundRobin<string>(4);
    robin.push('a', 'a1', 1);
    expect([robin.next(), robin.next()]).toEqual(['a1', undefined]);
    for (const item of ['b1', 'b2']) robin.push('b', item, 4);
    for (const item of ['a2', 'a3']) robin.push('a', item, 4);
    expect(Array.from({ length: 4 }, () => robin.next())).toEqual(['b1', 'a2', 'b2', 'a3']);
  });

  it('items can be taken out of turn', () => {
    const robin = new DeficitRoundRobin<number>(1);
    for (const item of [1, 2, 3, 4]) robin.push(item % 2 ? 'odd' : 'even', item, 1);
    expect(robin.takeAll((item) => item < 3)).toEqual([1, 2]);
    expect([robin.size, robin.next(), robin.next(), robin.size]).toEqual([2, 3, 4, 0]);
  });
});

describe('takeTurns', () => {
  it('an account with one key does not wait behind ten thousand of another', async () => {
    const taken = await accountsInTurn({ noisy: 10_000, quiet: 1 }, 10);
    expect(taken.indexOf('quiet')).toBeLessThan(4);
  });

  it('every key comes once', async () => {
    const taken = await accountsInTurn({ a: 3, b: 2, c: 1 }, 100);
    expect(taken.toSorted()).toEqual(['a', 'a', 'a', 'b', 'b', 'c']);
  });

  it('an account with very many keys leaves the rest for the next run', async () => {
    const taken = await accountsInTurn({ noisy: 25_000, quiet: 2 }, 30_000);
    expect(taken.filter((account) => account === 'quiet')).toHaveLength(2);
    // What is taken while it reads makes place for others.
    expect(taken.length).toBeLessThan(25_002);
    expect(taken.length).toBeGreaterThanOrEqual(20_000);
  });

  it('an error of the index comes after the keys that were read', async () => {
    async function* keys() {
      yield await Promise.resolve(keyOf('a', 1));
      throw new Error('throttled');
    }
    const taken: string[] = [];
    const all = async () => {
      for await (const { account } of takeTurns(keys())) taken.push(account);
    };
    await expect(all()).rejects.toThrow('throttled');
    expect(taken).toEqual(['a']);
  });
});
