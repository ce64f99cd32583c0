import { instantFromMillis } from '../domain/instant.ts';
import type { SweepMemory } from '../domain/sweep-memory.ts';
import type { Clock, SweepLease } from './ports.ts';

/** The dependencies of {@link holdSweepLease}. */
export interface SweepLeaseDependencies {
  readonly lease: SweepLease;
  readonly clock: Clock;
  /** Receives a failure to give the lease back. The lease then ends at its time. */
  readonly onFault: (error: unknown) => void;
}

/**
 * Runs the work of a sweep while no other sweep runs, so that overlapping runs neither ask Klarna twice nor double the rate of jobs.
 * The lease hands what the sweep remembers from run to run. Of a run that fails or is killed it hands on nothing new.
 *
 * @param endsAt when the run is over at the latest, in milliseconds since 1970: the lease ends then by itself
 * @returns the result of the work, or `undefined` where another run holds the lease
 */
export const holdSweepLease =
  ({ lease, clock, onFault }: SweepLeaseDependencies) =>
  async <Report>(
    endsAt: number,
    work: (known: SweepMemory) => Promise<{ readonly report: Report; readonly memory: SweepMemory }>,
  ): Promise<Report | undefined> => {
    const known = await lease.take(clock.instant(), instantFromMillis(endsAt));
    if (!known) return undefined;
    let memory: SweepMemory | undefined;
    try {
      const done = await work(known);
      memory = done.memory;
      return done.report;
    } finally {
      await lease.release(memory).catch(onFault);
    }
  };
