import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that share processes: none of them changes anything that another one sees. */
const shared = ['application', 'client', 'docs', 'domain'].map((folder) => `test/${folder}/**/*.test.ts`);
const scenarios = ['test/scenarios/**/*.test.ts'];

/** Files that load the CDK, which takes longer than what they do with it: they share processes as well. */
const stacks = ['test/lib/**/*.test.ts', 'test/examples/**/*.test.ts'];

/**
 * The explorer keeps every processor busy for as long as it lasts, and gives way to whoever needs one: it begins, and what
 * waits most, the scenarios, comes next.
 */
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

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // What is polled for comes when the machine has time for it.
    expect: { poll: { timeout: 20_000 } },
    maxWorkers: 4,
    sequence: { sequencer: WaitingFirst },
    // What the tests start as processes of their own is compiled once.
    env: { NODE_COMPILE_CACHE: `${import.meta.dirname}/.cache/compiled` },
    projects: [
      { extends: true, test: { name: 'shared', include: shared, isolate: false } },
      { extends: true, test: { name: 'stacks', include: stacks, isolate: false } },
      {
        extends: true,
        test: { name: 'scenarios', include: scenarios, globalSetup: 'test/scenarios/global-setup.ts' },
      },
      {
        extends: true,
        test: {
          name: 'others',
          include: ['test/**/*.test.ts'],
          exclude: [...shared, ...stacks, ...scenarios],
        },
      },
    ],
  },
});
