/** `npm run generate` writes what comes from other files. With `--check` it writes nothing, and fails where a file is stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import { apiTypes, eventTypes } from './client-types.ts';
import { constructReference } from './construct-reference.ts';

const generated: Readonly<Record<string, () => Promise<string>>> = {
  'client/api-types.ts': apiTypes,
  'client/event-types.ts': eventTypes,
  'docs/reference/construct.md': constructReference,
};

const isCheck = process.argv.includes('--check');
for (const [file, generate] of Object.entries(generated)) {
  const text = await generate();
  if (!isCheck) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`${file} is not what npm run generate writes.`);
    process.exitCode = 1;
  }
}
