import { describe, expect, it } from 'vitest';
import { diffOf } from '../../operations/secrets/secret-diff.ts';
import { SecretEditor } from '../../operations/secrets/secret-editor.ts';
import { accountsKind, credentialKind, signingKeysKind } from '../../operations/secrets/secret-kinds.ts';
import { InMemorySecrets } from '../support/in-memory-secrets.ts';
import { planted, plantedIn } from '../support/planted-secrets.ts';
import { CountingIds } from '../support/virtual-clock.ts';

const secret = { name: 'signing-keys', kind: signingKeysKind };
const entry = (key: string) => ({ key, accounts: { 'krn:partner:1': 'shop-se' } });

function openEditor(content: object | string = {}, isDryRun = false) {
  const store = new InMemorySecrets();
  store.put('signing-keys', typeof content === 'string' ? content : JSON.stringify(content));
  const editor = new SecretEditor({ store, ids: new CountingIds(), isDryRun });
  return {
    store,
    editor,
    now: () => JSON.parse(store.text('signing-keys') ?? '') as Record<string, unknown>,
  };
}

const messageOf = async (work: Promise<unknown>): Promise<string> => {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Error);
  return (error as Error).message;
};

describe('the editor of secrets', () => {
  it('a change is written once, and a change of nothing is not written', async () => {
    const { store, editor, now } = openEditor({ a: entry('1') });
    const { diff } = await editor.edit(secret, (entries) => ({ ...entries, b: entry(planted.signingKey) }));
    expect(diff).toEqual(['+ b: key, accounts']);
    expect(now()).toEqual({ a: entry('1'), b: entry(planted.signingKey) });
    expect(await editor.edit(secret, (entries) => ({ ...entries }))).toMatchObject({ diff: [] });
    expect(store.versions('signing-keys')).toHaveLength(2);
  });

  it('a write of another editor before ours is kept', async () => {
    const { store, editor, now } = openEditor({ a: entry('1') });
    let isFirst = true;
    const change = (entries: Readonly<Record<string, unknown>>) => {
      if (isFirst) store.put('signing-keys', JSON.stringify({ a: entry('1'), other: entry('2') }));
      isFirst = false;
      return { ...entries, b: entry('3') };
    };
    await editor.edit(secret, change);
    expect(now()).toEqual({ a: entry('1'), other: entry('2'), b: entry('3') });
  });

  it('a write of another editor between our read and our write is not lost', async () => {
    const { store, editor, now } = openEditor({ a: entry('1'), gone: entry('0') });
    store.beforeWrite = () => {
      store.beforeWrite = undefined;
      store.put('signing-keys', JSON.stringify({ a: entry('changed'), other: entry('2') }));
    };
    await editor.edit(secret, (entries) => ({ ...entries, b: entry('3') }));
    expect(now()).toEqual({ a: entry('changed'), other: entry('2'), b: entry('3') });
  });

  it('editors at once lose no change', async () => {
    const { store, now } = openEditor();
    const names = Array.from({ length: 6 }, (_, index) => `key-${index}`);
    await Promise.all(
      names.map((name, index) => {
        const ids = { next: () => `${index}-${Math.random()}`.padEnd(32, '0') };
        const editor = new SecretEditor({ store, ids, isDryRun: false });
        return editor.edit(secret, (entries) => ({ ...entries, [name]: entry(name) }));
      }),
    );
    expect(Object.keys(now()).toSorted()).toEqual(names);
  });

  it('an editor that is overtaken again and again gives up', async () => {
    const { store, editor } = openEditor();
    let count = 0;
    store.beforeWrite = () => {
      store.put('signing-keys', JSON.stringify({ [`n${(count += 1)}`]: entry('x') }), `other-${count}`);
    };
    expect(await messageOf(editor.edit(secret, (entries) => ({ ...entries, mine: entry('3') })))).toContain(
      'is being changed by others',
    );
  });

  it.each([
    ['an unknown field', { kee: planted.signingKey }, 'did you mean key'],
    ['an empty key', { key: '' }, 'key must have at least one character'],
    ['a malformed time', { ...entry('1'), retire_after: planted.text }, 'retire_after must be a time'],
  ])('%s is named and not written, and no value is shown', async (_, malformed, sentence) => {
    const { store, editor } = openEditor();
    const message = await messageOf(editor.edit(secret, () => ({ 'key-1': malformed })));
    expect(message).toContain('signing-keys, entry key-1');
    expect(message).toContain(sentence);
    expect(plantedIn(message)).toEqual([]);
    expect(store.versions('signing-keys')).toHaveLength(1);
  });

  it('a value above 64 KB is refused with its size, and not written', async () => {
    const { store, editor } = openEditor();
    const message = await messageOf(editor.edit(secret, () => ({ big: entry('x'.repeat(65_536)) })));
    expect(message).toMatch(/would have \d{5} bytes; allowed: at most 65536/);
    expect(store.versions('signing-keys')).toHaveLength(1);
  });

  it.each(['not json', '[]', '"text"', 'null'])(
    'a secret that is %s is refused, and not quoted',
    async (text) => {
      const { editor } = openEditor(text);
      expect(await messageOf(editor.edit(secret, (entries) => entries))).toBe(
        'The secret signing-keys must be a JSON object.',
      );
    },
  );

  it('a dry run writes nothing, and returns what it would change', async () => {
    const { store, editor } = openEditor({}, true);
    const { diff } = await editor.edit(secret, () => ({ a: entry('1') }));
    expect(diff).toEqual(['+ a: key, accounts']);
    expect(store.versions('signing-keys')).toHaveLength(1);
  });

  it('a secret that does not exist is created only where that is wanted', async () => {
    const { store, editor } = openEditor();
    const missing = { name: 'new', kind: credentialKind('new') };
    const value = () => ({ environment: 'test', api_key: 'k' });
    expect(await messageOf(editor.edit(missing, value))).toContain('does not exist');
    await editor.edit({ ...missing, creation: { description: 'd', encryptionKey: undefined } }, value);
    expect(JSON.parse(store.text('new') ?? '')).toEqual(value());
  });

  it('the secret accounts is checked by the schema of the functions', async () => {
    const { editor } = openEditor();
    const accounts = { name: 'signing-keys', kind: accountsKind };
    expect(
      await messageOf(
        editor.edit(accounts, () => ({ shop: { environment: 'tset', api_key: planted.apiKey } })),
      ),
    ).toBe('The secret accounts, entry shop: environment must be test or live.');
  });
});

describe('a diff of secrets', () => {
  it('a diff names what is new, gone and changed, and has no value', () => {
    const before = { a: { key: planted.signingKey, live: true }, b: { key: '1' }, c: { key: '2' } };
    const after = { a: { key: planted.apiKey, accounts: {} }, c: { key: '2' }, d: { key: planted.token } };
    const lines = diffOf(before, after);
    expect(lines).toEqual(['~ a: ~ key, - live, + accounts', '- b', '+ d: key']);
    expect(plantedIn(lines.join('\n'))).toEqual([]);
  });

  it('an entry whose name may be a secret is not named', () => {
    expect(diffOf({}, { 'My Secret!': 1 })).toEqual(['+ an entry with an unusual name']);
  });

  it('another order of fields makes no difference', () => {
    expect(diffOf({ a: { x: 1, y: 2 } }, { a: { y: 2, x: 1 } })).toEqual([]);
  });
});
