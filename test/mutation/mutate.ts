/**
 * `npm run mutation`: Stryker changes one place of the domain, the use cases or the signature check. Then it runs the unit
 * tests that reach it. It fails if a change survives. A change that no test can notice has a comment in the code,
 * `// Stryker disable next-line <mutator>: <reason>`. `npm run mutation -- functions/domain/session-timer.ts:60-70` takes only the
 * named files or lines. `--force` forgets the results of earlier runs.
 */
import { join, matchesGlob, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { force: { type: 'boolean', default: false } },
});

const root = join(import.meta.dirname, '../..');
const everything = [
  'functions/domain/**/*.ts',
  'functions/application/**/*.ts',
  'functions/webhook/klarna-signature.ts',
];

const scope = positionals.length > 0 ? positionals : everything;

const mutants = await new Stryker({
  mutate: scope,
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  timeoutMS: 30_000,
  tempDirName: '.cache/stryker',
  ignorePatterns: ['/*', '!/functions', '!/test', '!/package.json', '!/tsconfig.json'],
  incremental: true,
  incrementalFile: '.cache/stryker-incremental.json',
  force: values.force,
  reporters: ['progress-append-only', 'json', 'html'],
  jsonReporter: { fileName: '.cache/mutation.json' },
  htmlReporter: { fileName: '.cache/mutation.html' },
  allowConsoleColors: false,
  warnings: false,
}).runMutationTest();

// Of files that were not named, Stryker reports the results of an earlier run too.
const found = mutants
  .map((mutant) => ({ ...mutant, file: relative(root, mutant.fileName) }))
  .filter(({ file }) => scope.some((pattern) => matchesGlob(file, pattern.replace(/:[\d:-]+$/, ''))));
const ignored = found.filter(({ status }) => status === 'Ignored');
const unexplained = ignored.filter(({ statusReason }) => statusReason === 'Ignored using a comment');
const survivors = found.filter((mutant) => mutant.status !== 'Ignored' && !isKilled(mutant));

const say = (text: string) => process.stdout.write(`${text}\n`);
for (const { file, location, replacement, status } of survivors) {
  say(`${file}:${location.start.line}: ${status}: ${replacement}`);
}
for (const { file, location } of unexplained) {
  say(`${file}:${location.start.line}: the Stryker comment gives no reason`);
}
const killed = found.length - ignored.length - survivors.length;
say(`${found.length} mutants: ${killed} killed, ${ignored.length} ignored, ${survivors.length} survived`);
if (survivors.length + unexplained.length > 0) process.exitCode = 1;

/** A runtime error keeps the tests from being loaded. An endless loop reaches a limit; any other timeout proves nothing. */
function isKilled({ status, statusReason }: (typeof mutants)[number]): boolean {
  const isEndless = status === 'Timeout' && statusReason?.startsWith('Hit limit reached') === true;
  return status === 'Killed' || status === 'RuntimeError' || isEndless;
}
