import { describe, expect, it } from 'vitest';
import { runSeed } from './explore.ts';
import { mutants } from './mutants.ts';

/** A mistake that is not found in so many histories is a hole in what can go wrong here: the hole is to be closed. */
const most = 1_500;

describe('a mutant of the protocol is found out by name:', () => {
  it.each(mutants)('$name ($invariant)', { timeout: 300_000 }, async ({ invariant, protocol }) => {
    const broken = new Set<string>();
    for (let seed = 0; seed < most && !broken.has(invariant); seed += 1) {
      const { violation } = await runSeed(seed, protocol);
      if (violation) broken.add(violation.invariant);
    }
    expect([...broken]).toContain(invariant);
  });
});
