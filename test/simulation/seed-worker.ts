/** A thread that plays the seeds it is sent, and answers with what they came to. */
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { runSeed } from './explore.ts';
import type { InvariantName } from './invariants.ts';
import { type Figures, Tally } from './tally.ts';

/** A piece of work: so many seeds from one on. */
export interface Seeds {
  readonly from: number;
  readonly runs: number;
}

/** What a piece of work came to, up to the first seed that breaks an invariant. */
export interface Played {
  readonly figures: Figures;
  readonly broken: { readonly seed: number; readonly invariant: InvariantName } | undefined;
}

// Whoever is being waited for comes first: on Linux this is the priority of the thread, elsewhere that of the process.
setPriority(10);
// Nobody sees the stack of a fault that was injected.
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
