import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { resolveSettings } from '../../lib/resolve-settings.ts';

const page = readFileSync('docs/reference/configuration.md', 'utf8');
const [, section = ''] = page.split('## Stack settings');

/** The rows of the table of settings: name, and default. */
const rows = [...section.matchAll(/^\| `(\w+)` .*\| ([^|]+?) +\|$/gm)].map(
  ([, name = '', byDefault = '']) => [name, byDefault] as const,
);

it('the table of stack settings has exactly the settings of the stack', () => {
  const source = readFileSync('lib/lapse-settings.ts', 'utf8');
  const [, settings = ''] = /export interface LapseSettings \{(.*?)\n\}/s.exec(source) ?? [];
  const names = [...settings.matchAll(/^ {2}readonly (\w+)\?:/gm)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(10);
  expect(rows.map(([name]) => name)).toEqual(names);
});

it('the table of stack settings has the defaults that the stack uses', () => {
  const resolved: Readonly<Record<string, unknown>> = { ...resolveSettings({}) };
  const written = rows.filter(([name]) => !['object', 'undefined'].includes(typeof resolved[name]));
  expect(written.length).toBeGreaterThan(10);
  for (const [name, byDefault] of written)
    expect(`${name} ${byDefault}`.replaceAll('`', '')).toBe(`${name} ${String(resolved[name])}`);
});
