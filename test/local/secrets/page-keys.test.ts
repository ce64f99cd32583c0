import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parsePageKeys } from '../../../functions/adapters/secrets/secret-page-keys.ts';
import { openPageKeys } from '../../../local/secrets/page-keys.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

it('the key of page tokens is made once, and kept with the data', async () => {
  const file = join(await temporaryFolder(), 'page-keys.json');
  const first = (await openPageKeys(file))();
  expect(() => parsePageKeys(JSON.parse(first) as Record<string, unknown>)).not.toThrow();
  expect(await readFile(file, 'utf8')).toBe(first);
  expect((await openPageKeys(file))()).toBe(first);
  expect((await openPageKeys(join(await temporaryFolder(), 'page-keys.json')))()).not.toBe(first);
});
