/** A thread that plays the seeds it receives and returns their figures. */
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { runSeed } from './explore.ts';
import type { InvariantName } from './invariants.ts';
import { type Figures, Tally } from './tally.ts';

/** A piece of work: a number of seeds from a first one on. */
export interface Seeds {
  readonly from: number;
  readonly runs: number;
}

/** The result of a piece of work, up to the first seed that breaks an invariant. */
export interface Played {
  readonly figures: Figures;
  readonly broken: { readonly seed: number; readonly invariant: InvariantName } | undefined;
}

// Other work comes first. On Linux this sets the priority of the thread, elsewhere that of the process.
setPriority(10);
// Injected faults need no stack.
Error.stackTraceLimit = 0;

parentPort?.on('message', (seeds: Seeds) => {
  void play(seeds).then((played) => parentPort?.postMessage(played));
});

async function play({ from, runs }: Seeds): Promise<Played> {
  const figures = new Tally();
  for (let seed = from; seed < from + runs; seed += 1) {
    const report = await runSeed(seed);
    figures.add(report);
    if (report.violation) return { figures, broken: { seed, invariant: report.violation.invariant } };
  }
  return { figures, broken: undefined };
}
