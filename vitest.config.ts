import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that share processes, because none of them changes anything that another one sees. */
const pure = ['application', 'client', 'docs', 'domain'].map((folder) => `test/${folder}/**/*.test.ts`);

/** Handlers and adapters. Each file sets its environment before it imports them, so each has a thread of its own. */
const handlers = [
  'test/functions/**/*.test.ts',
  'test/adapters/{eventbridge,klarna,queue,scheduler,secrets,sweep}/**/*.test.ts',
];

/** Files that load the CDK, which takes long. They share processes too. */
const stacks = ['test/lib/**/*.test.ts', 'test/examples/**/*.test.ts'];

/** The explorer at its number of histories, which `HISTORIES` sets. */
const explorer = ['test/simulation/explorer.test.ts'];

/** What `npm run verify` runs and `npm test` leaves out, by the name of its step. */
const verified = {
  mutants: ['test/simulation/mutants.test.ts', 'test/simulation/small-scope.test.ts'],
  endurance: [
    'test/fuzz/**/*.test.ts',
    'test/scenarios/{chaos,restart,hostile-volume}.test.ts',
    'test/adapters/dynamodb/full-session.test.ts',
  ],
  // The page in Chromium, which npm test does without.
  page: ['test/scenarios/front-page.test.ts'],
  benchmark: ['test/bench/bench.test.ts'],
  // Needs the registry of packages.
  packages: ['test/packages/**/*.test.ts'],
  // Needs PyPI and Maven Central.
  clients: ['test/generated-clients/**/*.test.ts'],
};

const scenarios = ['test/scenarios/**/*.test.ts'];

/** The explorer and the scenarios take longest, so they begin first. The explorer's threads have a low priority. */
const first = ['/test/simulation/explorer', '/test/scenarios/'];

class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = first.findIndex((path) => moduleId.includes(path));
      return found < 0 ? first.length : found;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

const synthesized = { globalSetup: 'test/scenarios/global-setup.ts' };

/** What a step of `verified` does first, if it is not to synthesize the stack. */
const otherSetups: Readonly<Record<string, object>> = {
  mutants: {},
  packages: { globalSetup: 'test/packages/global-setup.ts' },
};

export default defineConfig({
  test: {
    // Everything may take long, because a busy machine is slow.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    maxWorkers: 4,
    sequence: { sequencer: WaitingFirst },
    env: {
      // Processes that the tests start share compiled code.
      NODE_COMPILE_CACHE: `${import.meta.dirname}/.cache/compiled`,
      // The CDK's own check takes seconds for each template. `npm run verify` synthesizes every stage with it.
      CDK_VALIDATION: 'false',
    },
    projects: [
      { extends: true, test: { name: 'unit', include: pure, isolate: false } },
      { extends: true, test: { name: 'unit-handlers', include: handlers, pool: 'threads' } },
      { extends: true, test: { name: 'stacks', include: stacks, isolate: false } },
      {
        extends: true,
        test: {
          name: 'scenarios',
          include: scenarios,
          exclude: [...configDefaults.exclude, ...Object.values(verified).flat()],
          ...synthesized,
        },
      },
      { extends: true, test: { name: 'explorer', include: explorer } },
      {
        extends: true,
        test: {
          name: 'system',
          pool: 'threads',
          include: ['test/**/*.test.ts'],
          exclude: [
            ...configDefaults.exclude,
            ...[pure, handlers, stacks, scenarios, explorer, ...Object.values(verified)].flat(),
          ],
        },
      },
      ...Object.entries(verified).map(([name, include]) => ({
        extends: true as const,
        test: { name: `verify-${name}`, include, ...(otherSetups[name] ?? synthesized) },
      })),
    ],
  },
});
