import type { PaymentRequestKey } from '../domain/identifiers.ts';
import { instantFromMillis } from '../domain/instant.ts';
import { isFinal } from '../domain/payment-request-state.ts';
import type { ArmedTimers, Clock, PaymentRequestStore, TimerRemoval } from './ports.ts';

export interface OrphanDependencies {
  readonly armedTimers: ArmedTimers;
  readonly store: Pick<PaymentRequestStore, 'read'>;
  readonly timer: TimerRemoval;
  readonly clock: Clock;
  /** Told of a timer that could not be looked into or removed. The next round comes by it again. */
  readonly onFault: (error: unknown) => void;
}

/** Milliseconds for which whoever has ended a request may still be about to remove its timer. */
const waitLimit = 600_000;

/**
 * Looks into some of the timers that are set, others with every call, and removes those of requests that have ended or are
 * not recorded any more. They would go off, find nothing to do and be gone: until then they are only counted against a quota.
 * Never rejects; says how many it has removed.
 */
export const removeOrphanTimers =
  ({ armedTimers, store, timer, clock, onFault }: OrphanDependencies) =>
  async (): Promise<number> => {
    const isOrphan = async (key: PaymentRequestKey): Promise<boolean> => {
      const record = await store.read(key);
      // No record: a session is written before its timer is set, so this one has outlived its record.
      return !record || isFinal(record.state);
    };
    let removed = 0;
    try {
      const keys = await armedTimers.some(instantFromMillis(clock.now() - waitLimit));
      const attempts = keys.map(async (key) => {
        if (!(await isOrphan(key))) return;
        await timer.remove(key);
        removed += 1;
      });
      for (const look of await Promise.allSettled(attempts)) {
        if (look.status === 'rejected') onFault(look.reason);
      }
    } catch (error) {
      onFault(error);
    }
    return removed;
  };
