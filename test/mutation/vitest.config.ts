import { statSync } from 'node:fs';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { defineConfig } from 'vitest/config';

/** The first test that fails is enough: the domain's own come first, the short ones before the long ones. */
class ShortestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) =>
      statSync(moduleId).size + (moduleId.includes('/application/') ? 1_000_000 : 0);
    return Promise.resolve(files.toSorted((a, b) => rank(a) - rank(b)));
  }
}

/** The unit tests that speak of what is mutated, in one worker: mutants change no state that outlives a test. */
export default defineConfig({
  test: {
    include: [
      'test/domain/**/*.test.ts',
      'test/application/**/*.test.ts',
      'test/functions/webhook/klarna-signature.test.ts',
    ],
    setupFiles: ['test/mutation/one-seed.ts'],
    testTimeout: 30_000,
    isolate: false,
    sequence: { sequencer: ShortestFirst },
  },
});
