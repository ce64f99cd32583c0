import { afterAll, expect, it } from 'vitest';
import { DynamoDbAccounts } from '../../../functions/adapters/dynamodb/dynamodb-accounts.ts';
import type { CredentialName } from '../../../functions/domain/identifiers.ts';
import { tableNotes } from '../../../operations/connect/new-key-notes.ts';
import { waitInWords } from '../../../operations/connect/wait-in-words.ts';
import { openEmbeddedTable } from '../../support/embedded-table.ts';

const table = await openEmbeddedTable();
afterAll(() => table.close());

const [first, second] = ['first' as CredentialName, 'second' as CredentialName];

it('a note is kept for each credential until it is ended', async () => {
  const notes = tableNotes(table);
  expect(await notes.pending(first)).toBeUndefined();
  const note = { known: ['key-1'], replaced: 'key-0', begunAt: 1_000 };
  await notes.begin(first, note);
  await notes.begin(second, { known: [], replaced: undefined, begunAt: 2_000 });
  expect(await notes.pending(first)).toEqual(note);
  expect(await notes.pending(second)).toEqual({ known: [], replaced: undefined, begunAt: 2_000 });
  await notes.end(first);
  await notes.end(first);
  expect(await notes.pending(first)).toBeUndefined();
  expect(await notes.pending(second)).toBeDefined();
});

it('the names of credentials are added and removed once, by any number of writers at once', async () => {
  const accounts = new DynamoDbAccounts(table);
  await accounts.removeCredentialName(first);
  expect(await accounts.credentialNames()).toEqual([]);
  const names = Array.from({ length: 5 }, (_, index) => `c-${index}` as CredentialName);
  await Promise.all([...names, ...names].map((name) => accounts.addCredentialName(name)));
  expect([...(await accounts.credentialNames())].toSorted()).toEqual(names);
  await Promise.all(names.slice(1).map((name) => accounts.removeCredentialName(name)));
  expect(await accounts.credentialNames()).toEqual(['c-0']);
});

it.each([
  [1, '1 min'],
  [60_000, '1 min'],
  [61_000, '2 min'],
  [3_600_000, '1 h'],
  [86_399_000, '24 h'],
  [80_000_000, '22 h 14 min'],
])('%i milliseconds are %s', (millis, words) => {
  expect(waitInWords(millis)).toBe(words);
});
