import { afterAll, describe, expect, it } from 'vitest';
import { awaitedOf } from '../../../functions/adapters/dynamodb/dynamodb-awaited-references.ts';
import { ErasableAwaitedReferences } from '../../../functions/adapters/dynamodb/dynamodb-reference-erasure.ts';
import type { AwaitedReferences, ErasableReferences } from '../../../functions/application/ports.ts';
import {
  type AwaitedReference,
  decideAwait,
  nextAwaited,
  putOffAwaited,
  withAwaitedCancel,
} from '../../../functions/domain/awaited-reference.ts';
import {
  ownEventId,
  parseReference,
  type ReferenceKey,
  type SessionId,
} from '../../../functions/domain/identifiers.ts';
import { account, key as requestKey, registrationWith } from '../../support/fixtures.ts';
import { openEmbeddedTable } from '../../support/embedded-table.ts';
import { InMemoryAwaitedReferences } from '../../support/in-memory-awaited-references.ts';
import { afterNoon, armed, policy } from '../../support/sessions.ts';

const table = await openEmbeddedTable();
afterAll(() => table.close());

let keys = 0;
function newKey(): ReferenceKey {
  keys += 1;
  const reference = parseReference(`order ${keys} #`.replace('#', 'ü'));
  if (!reference) throw new Error('no reference');
  return { account, reference };
}

/** Everything that an item can have. */
function waiting(key: ReferenceKey): AwaitedReference {
  const registration = registrationWith({
    sessionId: 'cart-1' as SessionId,
    klarnaExpiresAt: afterNoon(600),
    onTimeout: 'cancel',
    kind: 'invoice',
    inProgressGrace: 60_000,
    supersedes: true,
    purpose: 'token',
  });
  const context = {
    policy: { ...policy, stage: { ...armed.stage, observe: true } },
    eventId: ownEventId('register', '1'),
    now: afterNoon(0),
  };
  const { next } = decideAwait(undefined, key, registration, context);
  if (!next) throw new Error('nothing waits');
  return next;
}

const plain = (item: AwaitedReference | undefined): unknown =>
  item && (JSON.parse(JSON.stringify(item)) as unknown);

describe.each([
  ['DynamoDB', () => new ErasableAwaitedReferences({ ...table, retentionDays: 90 })],
  ['memory', () => new InMemoryAwaitedReferences()],
] as const)('what waits for references, in %s', (_, open) => {
  const awaited: AwaitedReferences & ErasableReferences = open();

  it('an item is read as it was written, in every state that it can have', async () => {
    const key = newKey();
    expect(await awaited.read(key)).toBeUndefined();
    const first = waiting(key);
    const cancel = withAwaitedCancel(first, key, { reason: 'out', requestedBy: 'test' }, afterNoon(1));
    if (!cancel) throw new Error('no cancel');
    const late = putOffAwaited(cancel, afterNoon(2));
    const { paymentRequestId } = requestKey;
    const joined = nextAwaited(late, { status: 'joined', paymentRequestId }, afterNoon(3));
    for (const item of [first, cancel, late, joined]) {
      expect(await awaited.save(item)).toBe(true);
      expect(plain(await awaited.read(key))).toEqual(plain(item));
    }
  });

  it('of two writers one is first, and a write that is repeated after a lost response finds its own', async () => {
    const key = newKey();
    const first = waiting(key);
    expect(await awaited.save(first)).toBe(true);
    expect(await awaited.save(first)).toBe(true);
    const other = { ...first, since: afterNoon(1) };
    expect(await awaited.save(other)).toBe(false);
    expect(await awaited.save(nextAwaited(first, { isLookedFor: true }, afterNoon(1)))).toBe(true);
    expect(await awaited.save(nextAwaited(first, { status: 'never_seen' }, afterNoon(1)))).toBe(false);
  });

  it('an erasure removes the version that it has read, and no other', async () => {
    const key = newKey();
    const first = waiting(key);
    await awaited.save(first);
    const next = nextAwaited(first, { status: 'never_seen' }, afterNoon(1));
    await awaited.save(next);
    expect(await awaited.remove(first)).toBe(false);
    expect(await awaited.read(key)).toBeDefined();
    expect(await awaited.remove(next)).toBe(true);
    expect(await awaited.read(key)).toBeUndefined();
    expect(await awaited.remove(next)).toBe(true);
  });

  it('an erasure finds the references of a session, whatever became of them, and of no other account', async () => {
    const [waits, was, others, cancels] = [newKey(), newKey(), newKey(), newKey()];
    const sessionId = `cart of ${waits.reference}` as SessionId;
    const of = (key: ReferenceKey, id = sessionId): AwaitedReference => {
      const item = waiting(key);
      return { ...item, session: item.session && { ...item.session, sessionId: id } };
    };
    await awaited.save(of(waits));
    await awaited.save(of(was));
    await awaited.save(nextAwaited(of(was), { status: 'never_seen' }, afterNoon(1)));
    await awaited.save(of(others, 'cart of another' as SessionId));
    await awaited.save(of({ ...newKey(), account: `${account}-2` as typeof account }));
    const cancel = withAwaitedCancel(
      undefined,
      cancels,
      { reason: 'out', requestedBy: 'test' },
      afterNoon(1),
    );
    if (cancel) await awaited.save(cancel);
    const found: string[] = [];
    for await (const reference of awaited.ofSession(account, sessionId)) found.push(reference);
    expect(found.toSorted()).toEqual([waits.reference, was.reference].toSorted());
  });

  it('what is due is found, the longest overdue first, and nothing else', async () => {
    const [early, late, done] = [newKey(), newKey(), newKey()];
    for (const [key, minutes] of [
      [late, 5],
      [early, 2],
    ] as const)
      await awaited.save({ ...waiting(key), dueAt: afterNoon(minutes) });
    await awaited.save(nextAwaited({ ...waiting(done), version: 0 }, { status: 'joined' }, afterNoon(0)));
    const due: string[] = [];
    for await (const { reference } of awaited.due(afterNoon(5))) due.push(reference);
    expect(due.filter((reference) => [early, late, done].some((key) => key.reference === reference))).toEqual(
      [early.reference, late.reference],
    );
  });
});

it('an item that cannot be read is named by its attributes, without its values', () => {
  const item = { awaited: { status: 'paused', since: 'noon' }, version: 1 };
  const read = () => awaitedOf(newKey(), item);
  expect(read).toThrow(/awaited\.status, awaited\.since/);
  expect(read).not.toThrow(/noon/);
});
