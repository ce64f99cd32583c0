import { instantFromMillis } from '../domain/instant.ts';
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
 *
 * @param endsAt when the run is over at the latest, in milliseconds since 1970: the lease ends then by itself
 * @returns the result of the work, or `undefined` where another run holds the lease
 */
export const holdSweepLease =
  ({ lease, clock, onFault }: SweepLeaseDependencies) =>
  async <Report>(endsAt: number, work: () => Promise<Report>): Promise<Report | undefined> => {
    if (!(await lease.take(clock.instant(), instantFromMillis(endsAt)))) return undefined;
    try {
      return await work();
    } finally {
      await lease.release().catch(onFault);
    }
  };
