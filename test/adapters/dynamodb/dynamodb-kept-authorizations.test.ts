import { afterAll, expect, it } from 'vitest';
import { ErasableKeptAuthorizations } from '../../../functions/adapters/dynamodb/dynamodb-reference-erasure.ts';
import { updateItem } from '../../../functions/adapters/dynamodb/table-items.ts';
import { UpdateBuilder } from '../../../functions/adapters/dynamodb/update-expression.ts';
import type { Account, Reference } from '../../../functions/domain/identifiers.ts';
import { openEmbeddedTable } from '../../support/embedded-table.ts';
import { InMemoryKeptAuthorizations } from '../../support/in-memory-kept-authorizations.ts';
import { keptAuthorizationsContract } from './kept-authorizations.contract.ts';

const table = await openEmbeddedTable();
afterAll(() => table.close());

const kept = new ErasableKeptAuthorizations({ ...table, retentionDays: 30 });

keptAuthorizationsContract(() => Promise.resolve(kept));
keptAuthorizationsContract(() => Promise.resolve(new InMemoryKeptAuthorizations()));

it('what newer code has stored and cannot be read is left out', async () => {
  const update = new UpdateBuilder().put('r', ['x', { i: 'a' }, { i: 'b', s: 'letter', a: 0, t: 0, p: {} }]);
  await updateItem(table, 'A#shop-se#T#newer', update.when());
  expect(await kept.read('shop-se' as Account, 'newer' as Reference)).toMatchObject({
    reports: [],
    attempts: 0,
    version: 0,
  });
});
