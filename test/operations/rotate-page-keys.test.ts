import { describe, expect, it } from 'vitest';
import { rotatePageKeys } from '../../operations/page-keys/rotate-page-keys.ts';
import { SecretEditor } from '../../operations/secrets/secret-editor.ts';
import { pageKeysKind } from '../../operations/secrets/secret-kinds.ts';
import { runCommand } from '../support/command-line.ts';
import { InMemorySecrets } from '../support/in-memory-secrets.ts';
import { planted, plantedIn } from '../support/planted-secrets.ts';
import { CountingIds } from '../support/virtual-clock.ts';

const name = 'page-keys';
const noon = Date.parse('2026-03-01T12:00:00Z');
const key = (letter: string) => letter.repeat(64);

function open(content: object, { isDryRun = false, now = noon, next = key('n') } = {}) {
  const store = new InMemorySecrets();
  store.put(name, JSON.stringify(content));
  const asked: string[] = [];
  const rotate = (isConfirmed = true) =>
    rotatePageKeys(
      {
        editor: new SecretEditor({ store, ids: new CountingIds(), isDryRun }),
        secret: { name, kind: pageKeysKind },
        isDryRun,
        now: () => now,
        newKey: () => next,
      },
      (question) => {
        asked.push(question);
        return Promise.resolve(isConfirmed);
      },
    );
  return { store, asked, rotate, kept: () => JSON.parse(store.text(name) ?? '') as Record<string, unknown> };
}

describe('a rotation of the page keys', () => {
  it('the first rotation keeps the key of the stack as the previous one, and asks nothing', async () => {
    const { rotate, kept, asked } = open({ current: key('a') });
    expect(await rotate()).toEqual({ outcome: 'rotated', rotatedAt: '2026-03-01T12:00:00Z' });
    expect(kept()).toEqual({ current: key('n'), previous: key('a'), rotated_at: '2026-03-01T12:00:00Z' });
    expect(asked).toEqual([]);
  });

  it('the next rotation drops the previous key', async () => {
    const rotated_at = '2026-02-27T12:00:00Z';
    const { rotate, kept, asked } = open({ current: key('b'), previous: key('a'), rotated_at });
    expect(await rotate()).toMatchObject({ outcome: 'rotated' });
    expect(kept()).toMatchObject({ current: key('n'), previous: key('b') });
    expect(asked).toEqual([]);
  });

  it.each([
    ['2026-02-27T12:00:00.001Z', 'at 2026-02-27T12:00:00.001Z'],
    ['2026-03-01T11:59:00Z', 'at 2026-03-01T11:59:00Z'],
    [undefined, 'before'],
  ])(
    'the command asks first while a token of the key that goes may be valid: %s',
    async (rotated_at, when) => {
      const before = {
        current: key('b'),
        previous: key('a'),
        ...(rotated_at !== undefined && { rotated_at }),
      };
      const { rotate, kept, asked } = open(before);
      expect(await rotate(false)).toEqual({ outcome: 'declined', rotatedAt: rotated_at });
      expect(kept()).toEqual(before);
      expect(asked).toEqual([
        `The keys were rotated ${when}. Tokens from before that stop being valid now. Go on?`,
      ]);
      expect(await rotate(true)).toMatchObject({ outcome: 'rotated' });
      expect(kept()).toMatchObject({ previous: key('b') });
    },
  );

  it('a dry run writes nothing and asks nothing', async () => {
    const before = { current: key('b'), previous: key('a'), rotated_at: '2026-03-01T11:59:00Z' };
    const { rotate, kept, asked } = open(before, { isDryRun: true });
    expect(await rotate()).toEqual({ outcome: 'would_rotate', rotatedAt: before.rotated_at });
    expect([kept(), asked]).toEqual([before, []]);
  });

  it('two rotations at once are one, whichever is faster', async () => {
    const { store, rotate, kept } = open({ current: key('a') });
    const other = { current: key('o'), previous: key('a'), rotated_at: '2026-03-01T11:59:59Z' };
    store.beforeWrite = () => {
      store.beforeWrite = undefined;
      store.put(name, JSON.stringify(other));
    };
    expect(await rotate()).toEqual({ outcome: 'rotated_by_another', rotatedAt: other.rotated_at });
    expect(kept()).toEqual(other);
  });

  it('a malformed secret is refused without a value, and stays as it is', async () => {
    const { rotate, kept } = open({ current: planted.pageKey, previous: 'short' });
    const message = await rotate().then(() => '', String);
    expect(message).toContain('previous must have at least 32 characters');
    expect(plantedIn(message)).toEqual([]);
    expect(kept()).toMatchObject({ previous: 'short' });
  });
});

it('without a system, page-keys rotate ends with exit code 2', async () => {
  const { errors, code } = await runCommand(['page-keys', 'rotate']);
  expect(code).toBe(2);
  expect(errors.join('\n')).toContain('No system is named');
});
