import { afterAll, describe, expect, it } from 'vitest';
import { DynamoDbCredentialNotes } from '../../../functions/adapters/dynamodb/dynamodb-credential-notes.ts';
import { DynamoDbRateBudgets } from '../../../functions/adapters/dynamodb/dynamodb-rate-budgets.ts';
import { openEmbeddedTable } from '../../support/embedded-table.ts';
import { key } from '../../support/fixtures.ts';
import { InMemoryCredentialNotes } from '../../support/in-memory-credential-notes.ts';

const table = await openEmbeddedTable();
afterAll(() => table.close());

const hour = 3_600_000;
const now = Date.parse('2026-03-01T12:00:00Z');
const partnerAccountId = 'krn:partner:global:account:test:M48JWZF8';
const call = { paymentRequestId: key.paymentRequestId, partnerAccountId };
let number = 0;

describe.each([
  ['the table', new DynamoDbCredentialNotes(table)],
  ['memory', new InMemoryCredentialNotes()],
])('what the processes know of a credential, in %s', (_, notes) => {
  const credential = () => `noted-${(number += 1)}`;

  it('of a credential that no process has seen, nothing is known', async () => {
    const name = credential();
    expect([await notes.updateVerb(name), await notes.lastUse(name)]).toEqual([undefined, undefined]);
  });

  it('the verb that was noted last stays', async () => {
    const name = credential();
    await notes.noteUpdateVerb(name, 'PUT');
    await notes.noteUpdateVerb(name, 'PATCH');
    expect(await notes.updateVerb(name)).toBe('PATCH');
  });

  it('what was told of a certificate is news once', async () => {
    const name = credential();
    const news = [];
    for (const told of ['a', 'a', 'b', 'b', 'a']) news.push(await notes.noteCertificate(name, told));
    expect(news).toEqual([true, false, true, false, true]);
  });

  it('when it was first seen stays until the first call', async () => {
    const name = credential();
    await notes.noteUse(name, { at: now });
    await notes.noteUse(name, { at: now + 30 * hour });
    expect(await notes.lastUse(name)).toEqual({ at: now });
    await notes.noteUse(name, { at: now + 1, call });
    expect(await notes.lastUse(name)).toEqual({ at: now + 1, call });
  });

  it('a use replaces one that is more than an hour older, and no later one', async () => {
    const name = credential();
    const direct = { ...call, partnerAccountId: undefined };
    await notes.noteUse(name, { at: now, call });
    for (const at of [now + hour, now - 2 * hour]) await notes.noteUse(name, { at, call: direct });
    expect(await notes.lastUse(name)).toEqual({ at: now, call });
    await notes.noteUse(name, { at: now + hour + 1, call: direct });
    expect(await notes.lastUse(name)).toEqual({ at: now + hour + 1, call: direct });
  });
});

it('the notes and the share of the rate limit leave each other alone, in one item', async () => {
  const [notes, budgets] = [new DynamoDbCredentialNotes(table), new DynamoDbRateBudgets(table)];
  await notes.noteUse('both', { at: now, call });
  expect(await budgets.take('both', 2, { resetsAt: now, most: 2 })).toBe(true);
  await notes.noteUpdateVerb('both', 'PUT');
  await budgets.pause('both', now + 1);
  expect(await notes.lastUse('both')).toEqual({ at: now, call });
  expect([await notes.updateVerb('both'), await budgets.pausedUntil('both')]).toEqual(['PUT', now + 1]);
});
