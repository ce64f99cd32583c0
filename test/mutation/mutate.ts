/**
 * `npm run mutation`: changes the domain, the use cases and the signature check in one place at a time, by Stryker, and runs
 * the unit tests that come there. Ends well when every change that no test notices is explained in survivors.ts, and
 * everything explained there is still so. `npm run mutation -- functions/domain/session-timer.ts` takes only what is named; `--force`
 * forgets what earlier runs have found out.
 */
import { readFileSync } from 'node:fs';
import { join, matchesGlob, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import { changeOf, keyOf } from './change.ts';
import { survivors } from './survivors.ts';

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

const sources = new Map<string, string>();
const found = mutants
  .map((mutant) => ({ ...mutant, file: relative(root, mutant.fileName) }))
  // Of files that were not asked for, what an earlier run found out is reported too.
  .filter(({ file }) => scope.some((pattern) => matchesGlob(file, pattern)))
  .map(({ file, location, replacement, status, statusReason }) => {
    const source = sources.get(file) ?? readFileSync(join(root, file), 'utf8');
    sources.set(file, source);
    // An endless loop is told by what it runs through. A time-out may also be that of a busy machine, and proves nothing.
    const isEndless = status === 'Timeout' && statusReason?.startsWith('Hit limit reached') === true;
    return {
      ...changeOf(file, source, location, replacement),
      status,
      // A runtime error is one that keeps the tests from so much as being loaded.
      isKilled: status === 'Killed' || status === 'RuntimeError' || isEndless,
    };
  });

const alive = found.filter(({ isKilled }) => !isKilled);
const explained = new Set(survivors.map(keyOf));
const survived = new Set(alive.map(keyOf));
const unexplained = alive.filter((change) => !explained.has(keyOf(change)));
const outlived = survivors.filter((change) => sources.has(change.file) && !survived.has(keyOf(change)));

const say = (text: string) => process.stdout.write(`${text}\n`);
for (const { file, before, after, status } of unexplained) {
  say(`${file}: ${status}, and not explained\n  - ${before}\n  + ${after}`);
}
for (const { file, before, after } of outlived) {
  say(`${file}: explained, and does not survive\n  - ${before}\n  + ${after}`);
}
say(
  `${found.length} mutants, ${found.length - alive.length} killed, ` +
    `${alive.length - unexplained.length} survivors explained, ${unexplained.length} not, ${outlived.length} explained in vain`,
);
if (unexplained.length + outlived.length > 0) process.exitCode = 1;
