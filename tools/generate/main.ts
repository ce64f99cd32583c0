/** `npm run generate` writes what comes from other files. With `--check` it writes nothing, and fails where a file is stale. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constructReference } from './construct-reference.ts';
import { eventTypes } from './event-types.ts';

const isCheck = process.argv.includes('--check');

const apiTypes = spawnSync(
  'openapi-typescript',
  [
    ...['docs/api.yaml', '--output', 'client/api-types.ts', '--immutable', '--default-non-nullable', 'false'],
    ...(isCheck ? ['--check'] : []),
  ],
  { stdio: 'inherit' },
);

const files = {
  'client/event-types.ts': await eventTypes(),
  'docs/reference/construct.md': await constructReference(),
};
const stale = Object.entries(files).filter(
  ([file, content]) => !existsSync(file) || readFileSync(file, 'utf8') !== content,
);
for (const [file, content] of stale) {
  if (isCheck) console.error(`${file} is not what npm run generate writes.`);
  else writeFileSync(file, content);
}
process.exitCode = apiTypes.status === 0 && !(isCheck && stale.length > 0) ? 0 : 1;
