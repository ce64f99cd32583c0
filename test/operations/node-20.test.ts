/** The package says that it runs on Node 20, so no part of the command line may use what only newer versions have. */
import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };

/** Built-in functions that came after Node 20 (https://node.green). */
const newer =
  /\b(?:Promise\.(?:withResolvers|try)|(?:Map|Object)\.groupBy|Array\.fromAsync|RegExp\.escape|Error\.isError)\b|\bvalid(?:To|From)Date\b/;

it('no source of the command line uses a function that Node 20 does not have', () => {
  expect(manifest.engines.node).toBe('>=20');
  const files = globSync('{operations,functions,client}/**/*.ts');
  expect(files.length).toBeGreaterThan(200);
  const found = files.filter((file) => newer.test(readFileSync(file, 'utf8')));
  expect(found).toEqual([]);
});
