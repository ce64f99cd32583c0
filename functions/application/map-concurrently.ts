/**
 * Maps each item, at most so many at once, and resolves to the results in the order of the items. The next item is read when an
 * earlier one is done. Rejects with the first failure; after that no other item is begun.
 */
export async function mapConcurrently<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  atOnce: number,
  map: (item: Item, index: number) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const waiting = numbered(items);
  const lane = async (): Promise<void> => {
    for await (const [index, item] of waiting) results[index] = await map(item, index);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return results;
}

/** Lanes share it: a generator gives each item once, and ends for all of them when one fails. */
async function* numbered<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
): AsyncGenerator<readonly [index: number, item: Item], void> {
  let index = 0;
  for await (const item of items) {
    yield [index, item];
    index += 1;
  }
}
