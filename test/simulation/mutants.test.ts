import { describe, expect, it } from 'vitest';
import { runSeed } from './explore.ts';
import { mutants } from './mutants.ts';

/** If this many histories do not find a mistake, the simulation lacks a case that has to be added. */
const most = 4_000;

describe('mutants of the protocol', () => {
  it.each(mutants)(
    'the invariant $invariant finds the mutant: $name',
    { timeout: 300_000 },
    async ({ invariant, protocol }) => {
      const broken = new Set<string>();
      for (let seed = 0; seed < most && !broken.has(invariant); seed += 1) {
        const { violation } = await runSeed(seed, protocol);
        if (violation) broken.add(violation.invariant);
      }
      expect([...broken]).toContain(invariant);
    },
  );
});
