import { statSync } from 'node:fs';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { defineConfig } from 'vitest/config';

/** The first failing test kills a mutant, so the short tests of the domain come first. */
class ShortestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) =>
      statSync(moduleId).size + (moduleId.includes('/application/') ? 1_000_000 : 0);
    return Promise.resolve(files.toSorted((a, b) => rank(a) - rank(b)));
  }
}

/** The unit tests of the mutated files, in one worker. No mutant changes state that outlives a test. */
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
