import { type BackgroundLoop, startBackgroundLoop } from '../../shared/background-loop.ts';
import { pause } from '../../shared/pause.ts';
import type { ChangeSignal } from '../../clock/change-signal.ts';
import type { LocalClock } from '../../clock/local-clock.ts';
import type { ScheduleDelivery } from './schedule-delivery.ts';
import type { ScheduleStore } from './schedule-store.ts';

const failurePauseMillis = 1_000;

/** Fires schedules when their time comes, and at once those whose time has passed. `changed` rings when the next one may be another. */
export function startScheduleLoop(
  store: ScheduleStore,
  delivery: ScheduleDelivery,
  clock: LocalClock,
  changed: ChangeSignal,
  onLog: (line: string) => void,
): BackgroundLoop {
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
