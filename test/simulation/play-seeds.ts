import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { brokenInvariant } from './explore.ts';
import type { Played, Seeds } from './seed-worker.ts';
import { Tally } from './tally.ts';

/** A history lives for a millisecond. In a young generation of this size, most are garbage before they are scanned. */
const resourceLimits = { maxYoungGenerationSizeMb: 64 } as const;

/** The number of seeds that a thread plays between two reports. */
const share = 250;

/**
 * Plays the histories of many seeds on every processor, and adds up their figures.
 *
 * @param isEnough called after each share of the work with the figures so far; `true` ends it early.
 * @throws {BrokenInvariant} with the shrunk history of the first seed that breaks an invariant.
 */
export async function playSeeds(
  { from, runs }: Seeds,
  isEnough: (tally: Tally) => boolean = () => false,
): Promise<Tally> {
  const tally = new Tally();
  let next = from;
  let broken: Played['broken'];
  const lane = async () => {
    const worker = new Worker(new URL('./seed-worker.ts', import.meta.url), { resourceLimits });
    try {
      while (next < from + runs && !broken && !isEnough(tally)) {
        const seeds = { from: next, runs: Math.min(share, from + runs - next) };
        next += seeds.runs;
        const played = await responseOf(worker, seeds);
        tally.merge(played.figures);
        broken ??= played.broken;
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  if (broken) throw await brokenInvariant(broken.seed, broken.invariant);
  return tally;
}

/** Rejects if the thread fails. */
async function responseOf(worker: Worker, seeds: Seeds): Promise<Played> {
  const response = once(worker, 'message');
  worker.postMessage(seeds);
  const [played] = (await response) as [Played];
  return played;
}
