import { type BackgroundLoop, startBackgroundLoop } from '../../shared/background-loop.ts';
import { pause } from '../../shared/pause.ts';
import type { ChangeSignal } from '../../clock/change-signal.ts';
import type { LocalClock } from '../../clock/local-clock.ts';
import type { ScheduleDelivery } from './schedule-delivery.ts';
import type { ScheduleStore } from './schedule-store.ts';

export interface ScheduleLoopParts {
  readonly store: ScheduleStore;
  readonly delivery: ScheduleDelivery;
  readonly clock: LocalClock;
  /** Announces that the next schedule to fire may be another one. */
  readonly changed: ChangeSignal;
  readonly onLog: (line: string) => void;
}

const failurePauseMillis = 1_000;

/** Fires each schedule at its time, and at once where the time has passed. */
export function startScheduleLoop({
  store,
  delivery,
  clock,
  changed,
  onLog,
}: ScheduleLoopParts): BackgroundLoop {
  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        delivery.deliverDue(clock.now());
        await changed.wait(store.nextAttemptAt(), signal);
      } catch (error) {
        onLog(`scheduler: firing failed: ${String(error)}`);
        await pause(failurePauseMillis, signal);
      }
    }
  }
  return startBackgroundLoop('scheduler', run, onLog);
}
