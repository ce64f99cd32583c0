import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { changeOf, squeezed } from './change.ts';
import { survivors } from './survivors.ts';

it.each(survivors)('what is explained is still there: $file: $before', ({ file, before, after, why }) => {
  const source = readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
  expect(squeezed(source)).toContain(before);
  expect(after).not.toBe(before);
  expect(why).not.toBe('');
});

it('a mutant is told by the lines that it changes', () => {
  const source = 'const a = 1;\n  if (a > 1 &&\n    a < 3) go();\n';
  const whole = { start: { line: 2, column: 7 }, end: { line: 3, column: 10 } };
  expect(changeOf('f.ts', source, whole, 'true')).toEqual({
    file: 'f.ts',
    before: 'if (a > 1 && a < 3) go();',
    after: 'if (true) go();',
  });
});
