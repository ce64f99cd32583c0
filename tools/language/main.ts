/**
 * `npm run language`: whether every text of the repository keeps to the word list and to the length of a sentence.
 * `npm run language -- docs lib/lapse.ts` reads these paths only; `-- --summary` prints a count for each file.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { checkFile, type Violation } from './check-text.ts';
import { covers, quotations } from './quotations.ts';
import { readFile } from './read-file.ts';

/** Files whose text is not ours, or that have none. */
const unread = /^(?:package-lock\.json|LICENSE)$|\.(?:png|ico|woff2?)$/;

const isSummary = process.argv.includes('--summary');
const paths = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const files = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...paths],
  {
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter((file) => file !== '' && !unread.test(file))
  .toSorted();

const found = [...new Set(files)].flatMap((file) => {
  const source = sourceOf(file);
  return source === undefined ? [] : checkFile(file, readFile(file, source));
});
const violations = found.filter((violation) => !quotations.some((quotation) => covers(quotation, violation)));
const stale = quotations.filter(
  (quotation) => paths.length === 0 && !found.some((violation) => covers(quotation, violation)),
);

if (isSummary) printSummary(violations);
else for (const violation of violations) console.log(lineFor(violation));
for (const { file, reason } of stale) console.log(`${file}: quotation not needed any more: ${reason}`);
console.log(`${files.length} files, ${violations.length} violation${violations.length === 1 ? '' : 's'}`);
if (violations.length + stale.length > 0) process.exitCode = 1;

/** Undefined for a file that is deleted and still in the index. */
function sourceOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function lineFor({ file, line, rule, found: text, instead }: Violation): string {
  return `${file}:${line} ${rule}: "${text}": ${instead}`;
}

function printSummary(all: readonly Violation[]): void {
  for (const by of ['rule', 'file'] as const) {
    const counts = new Map<string, number>();
    for (const violation of all) counts.set(violation[by], (counts.get(violation[by]) ?? 0) + 1);
    for (const [key, count] of [...counts].toSorted((a, b) => b[1] - a[1]))
      console.log(`${String(count).padStart(5)} ${key}`);
  }
}
