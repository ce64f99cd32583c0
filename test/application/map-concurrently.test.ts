import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mapConcurrently } from '../../functions/application/map-concurrently.ts';

/** Calls that a test ends one by one, in any order. */
function heldCalls() {
  const running = new Map<number, (outcome: 'resolve' | 'reject') => void>();
  let most = 0;
  return {
    most: () => most,
    running: () => [...running.keys()],
    begin: (item: number): Promise<string> =>
      new Promise((resolve, reject) => {
        running.set(item, (outcome) => {
          running.delete(item);
          if (outcome === 'resolve') resolve(`result ${item}`);
          else reject(new Error(`item ${item}`));
        });
        most = Math.max(most, running.size);
      }),
    end: async (item: number, outcome: 'resolve' | 'reject' = 'resolve'): Promise<void> => {
      running.get(item)?.(outcome);
      await settle();
    },
  };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

async function* asynchronous(items: readonly number[]) {
  for (const item of items) yield await Promise.resolve(item);
}

describe('mapConcurrently', () => {
  it.each([
    ['an array', (items: readonly number[]) => items],
    ['an asynchronous source', asynchronous],
  ])(
    'mapConcurrently keeps the order of %s and its limit, in whichever order the calls end',
    async (_, source) => {
      await fc.assert(
        fc.asyncProperty(
          fc.nat({ max: 12 }),
          fc.integer({ min: 1, max: 15 }),
          fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
          async (count, atOnce, choices) => {
            const items = Array.from({ length: count }, (_, index) => index * 10);
            const calls = heldCalls();
            const mapped = mapConcurrently(source(items), atOnce, (item) => calls.begin(item));
            await settle();
            for (const choice of choices.slice(0, count)) {
              const running = calls.running();
              await calls.end(running[choice % running.length] ?? -1);
            }
            expect(await mapped).toEqual(items.map((item) => `result ${item}`));
            expect(calls.most()).toBe(Math.min(count, atOnce));
          },
        ),
      );
    },
  );

  it('mapConcurrently passes the index of each item', async () => {
    const pairs = await mapConcurrently(['a', 'b', 'c'], 2, (item, index) =>
      Promise.resolve(`${index}${item}`),
    );
    expect(pairs).toEqual(['0a', '1b', '2c']);
  });

  it('mapConcurrently rejects with the first failure and starts no further item', async () => {
    const calls = heldCalls();
    const mapped = mapConcurrently([1, 2, 3, 4], 2, (item) => calls.begin(item));
    const failure = expect(mapped).rejects.toThrow('item 2');
    await settle();
    await calls.end(2, 'reject');
    await failure;
    await calls.end(1);
    expect(calls.running()).toEqual([]);
  });
});
