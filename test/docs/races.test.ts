import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const page = readFileSync('docs/reference/races.md', 'utf8');

const rows = [...page.matchAll(/^\| *(\d+) *\|/gm)].map(([, number]) => Number(number));

/** Each number of the list with the tests that it names. */
const shown = [...page.matchAll(/^(\d+)\. (.*(?:\n .*)*)/gm)].map(([, number, text = '']) => ({
  number: Number(number),
  tests: [...text.matchAll(/\]\(([^)]+)\): ((?:"[^"]+"(?:, )?)+)/g)].flatMap(([, file = '', titles = '']) =>
    [...titles.matchAll(/"([^"]+)"/g)].map(([, title = '']) => ({ file, title })),
  ),
}));

const hasTest = (file: string, title: string): boolean => {
  const found = path.join('docs/reference', file);
  if (!file.endsWith('.test.ts') || !existsSync(found)) return false;
  const literal = ["'", '"', '`'].map((quote) => `${quote}${title}${quote}`);
  // The first argument of `it(`, or of what `it.each(…)` has made.
  const tests = readFileSync(found, 'utf8').matchAll(/(?:\bit|\))\(\s*('[^']+'|"[^"]+"|`[^`]+`),/g);
  return [...tests].some(([, first = '']) => literal.includes(first));
};

describe('docs/reference/races.md', () => {
  it('each row of the table has a test', () => {
    expect(rows).toEqual(rows.map((_, place) => place + 1));
    expect(rows.length).toBeGreaterThan(0);
    expect(shown.map(({ number }) => number)).toEqual(rows);
    expect(shown.filter(({ tests }) => tests.length === 0)).toEqual([]);
  });

  it.each(shown.flatMap(({ number, tests }) => tests.map((test) => ({ number, ...test }))))(
    'row $number has the test $title in $file',
    ({ file, title }) => {
      expect(hasTest(file, title)).toBe(true);
    },
  );

  it('a row with a missing test is found', () => {
    expect(hasTest('../../test/scenarios/repair.test.ts', 'paid after we canceled')).toBe(false);
    expect(
      hasTest('../../test/nowhere.test.ts', 'paid after we canceled: the state stays, a person is told'),
    ).toBe(false);
  });
});
