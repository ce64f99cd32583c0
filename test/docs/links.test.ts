import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const pages = [...globSync('*.md'), ...globSync('{docs,examples}/**/*.md')];
const link = /\]\(([^)\s]+)\)/g;

const read = (page: string): string => readFileSync(page, 'utf8');

/** The anchors that GitHub gives to a page's headings. */
const anchorsOf = (page: string): readonly string[] =>
  [...read(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

function isDead(page: string, target: string): boolean {
  const [file = '', anchor] = target.split('#');
  const found = file === '' ? page : path.join(path.dirname(page), file);
  if (!existsSync(found)) return true;
  return anchor !== undefined && found.endsWith('.md') && !anchorsOf(found).includes(anchor);
}

describe('the links of the docs', () => {
  it.each(pages)('the link leads to a file and heading that exist: %s', (page) => {
    const targets = [...read(page).matchAll(link)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target));
    expect(targets.filter((target) => isDead(page, target))).toEqual([]);
  });
});

it('the index links every page of docs except the ADRs', () => {
  const index = read('docs/README.md');
  const linked = globSync('docs/**/*.md').filter(
    (page) => page !== 'docs/README.md' && !page.startsWith('docs/adr/'),
  );
  expect(linked.filter((page) => !index.includes(`(${path.relative('docs', page)})`))).toEqual([]);
});
