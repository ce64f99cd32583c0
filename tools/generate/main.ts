/** `npm run generate` writes what comes from other files. With `--check` it writes nothing, and fails where a file is stale. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { constructReference } from './construct-reference.ts';

const isCheck = process.argv.includes('--check');

const types = spawnSync(
  'openapi-typescript',
  [
    ...['docs/api.yaml', '--output', 'client/api-types.ts', '--immutable', '--default-non-nullable', 'false'],
    ...(isCheck ? ['--check'] : []),
  ],
  { stdio: 'inherit' },
);

const page = 'docs/reference/construct.md';
const reference = await constructReference();
const isStale = readFileSync(page, 'utf8') !== reference;
if (isStale && isCheck) console.error(`${page} is not what npm run generate writes.`);
if (!isCheck) writeFileSync(page, reference);

process.exitCode = types.status === 0 && !(isStale && isCheck) ? 0 : 1;
