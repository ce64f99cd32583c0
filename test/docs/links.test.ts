import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const pages = ['README.md', 'CHANGELOG.md', ...globSync('{docs,examples}/**/*.md')];
const link = /\]\(([^)\s]+)\)/g;

describe('every link leads somewhere:', () => {
  it.each(pages)('%s', (page) => {
    const targets = [...readFileSync(page, 'utf8').matchAll(link)]
      .map(([, target = '']) => target.replace(/#.*$/, ''))
      .filter((target) => target !== '' && !/^[a-z]+:/.test(target));
    const dead = targets.filter((target) => !existsSync(path.join(path.dirname(page), target)));
    expect(dead).toEqual([]);
  });
});

it('every page is named in the index', () => {
  const index = readFileSync('docs/README.md', 'utf8');
  const named = globSync('docs/{,guides/}*.md').filter((page) => page !== 'docs/README.md');
  expect(named.filter((page) => !index.includes(`(${path.relative('docs', page)})`))).toEqual([]);
});
