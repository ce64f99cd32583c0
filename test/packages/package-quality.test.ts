/** What the linters of packages say. They read a tarball as a registry would. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { type Consumer, freshProject } from './consumer.ts';
import { tarballOf } from './tarballs.ts';

const root = join(import.meta.dirname, '..', '..');
/** Not in package.json: they bring a compiler of their own, which would make every `npm ci` longer. */
const linters = ['publint@0.3.25', '@arethetypeswrong/cli@0.18.5'];
const timeout = 180_000;

let project: Consumer;
beforeAll(async () => {
  project = freshProject({});
  await project.install(...linters);
  project.write('.attw.json', readFileSync(join(root, '.attw.json'), 'utf8'));
}, timeout);

it.each(['lapse', 'lapse-client', 'lapse-local'] as const)(
  'publint and attw find nothing in %s',
  { timeout },
  async (name) => {
    expect(await project.run('npx', 'publint', '--strict', tarballOf(name))).toContain('All good!');
    await project.run('npx', 'attw', tarballOf(name));
  },
);
