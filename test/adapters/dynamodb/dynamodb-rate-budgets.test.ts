import { afterAll, describe, expect, it } from 'vitest';
import { DynamoDbRateBudgets } from '../../../functions/adapters/dynamodb/dynamodb-rate-budgets.ts';
import { openEmbeddedTable } from '../../support/embedded-table.ts';
import { InMemoryRateBudgets } from '../../support/in-memory-rate-budgets.ts';

const table = await openEmbeddedTable();
afterAll(() => table.close());

const resetsAt = Date.parse('2026-03-01T12:01:00Z');
let number = 0;

describe.each([
  ['the table', new DynamoDbRateBudgets(table)],
  ['memory', new InMemoryRateBudgets()],
])('the shared part of a rate limit in %s', (_, budgets) => {
  const credential = () => `credential-${(number += 1)}`;

  it('calls are taken until the share is used up, by any process', async () => {
    const name = credential();
    const take = (calls: number, most = 10) => budgets.take(name, calls, { resetsAt, most });
    expect([await take(6), await take(5), await take(4), await take(1)]).toEqual([true, false, true, false]);
    expect(await take(1, 11)).toBe(true);
  });

  it('many processes at once take no more than the share', async () => {
    const name = credential();
    const all = await Promise.all(
      Array.from({ length: 20 }, () => budgets.take(name, 2, { resetsAt, most: 10 })),
    );
    expect(all.filter((isTaken) => isTaken)).toHaveLength(5);
  });

  it('resets that differ by a second are one window, and a later one is another', async () => {
    const name = credential();
    const at = (ahead: number) => budgets.take(name, 4, { resetsAt: resetsAt + ahead, most: 7 });
    expect([await at(0), await at(1_000), await at(-1_000)]).toEqual([true, false, false]);
    expect([await at(60_000), await at(0)]).toEqual([true, false]);
  });

  it('more calls than the share are not taken in a new window either', async () => {
    expect(await budgets.take(credential(), 3, { resetsAt, most: 2 })).toBe(false);
  });

  it('a pause is kept until its end, and an earlier one changes nothing', async () => {
    const name = credential();
    expect(await budgets.pausedUntil(name)).toBe(0);
    await budgets.pause(name, resetsAt);
    await budgets.pause(name, resetsAt - 1);
    expect(await budgets.pausedUntil(name)).toBe(resetsAt);
    expect(await budgets.take(name, 1, { resetsAt, most: 10 })).toBe(true);
  });
});
