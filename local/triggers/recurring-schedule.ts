import type { InvocationResult, Invoke } from '../lambda/invoke.ts';
import type { RecurringScheduleDescription } from '../template/stack-description.ts';
import type { BackgroundLoop } from '../shared/background-loop.ts';
import { startBackgroundLoop } from '../shared/background-loop.ts';
import { failedInvocationMessage } from './failed-invocation.ts';
import { invokeUnthrottled } from './invoke-unthrottled.ts';
import { ChangeSignal } from '../clock/change-signal.ts';
import { LocalClock } from '../clock/local-clock.ts';

export interface RecurringScheduleOptions {
  readonly schedule: RecurringScheduleDescription;
  readonly invoke: Invoke;
  readonly onLog: (line: string) => void;
  /** Sends a message to the queue for runs that failed. */
  readonly sendToQueue: (queueName: string, body: string) => void;
  /** The ARN of the function. */
  readonly functionArn: string;
  /** Seconds until the first run. Default: one period. */
  readonly firstAfterSeconds?: number;
  /** Default: the machine's. */
  readonly clock?: LocalClock;
}

export interface RecurringSchedule extends BackgroundLoop {
  /** Runs it now, after a run in progress, and without retries. The period does not change. */
  runNow(): Promise<InvocationResult>;
}

/** Lambda's delays before it repeats a failed asynchronous invocation. */
const retryAfterSeconds = [60, 120];

/**
 * Invokes a function periodically with the schedule's input, one run at a time. A run that falls due during another one
 * is skipped. A failed run is retried as often as the template says, after Lambda's delays or after the schedule's
 * period where that is shorter. Then it goes to the on-failure queue. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
export function startRecurringSchedule(options: RecurringScheduleOptions): RecurringSchedule {
  const { everySeconds, id, input, retryAttempts, onFailureQueueName } = options.schedule;
  const { clock = new LocalClock() } = options;
  const changeSignal = new ChangeSignal(clock);
  const closing = new AbortController();
  let previous: Promise<unknown> = Promise.resolve();

  function runAfterPrevious(): Promise<InvocationResult> {
    const result = previous.then(() => invokeUnthrottled(options.invoke, input, closing.signal));
    previous = result.catch(() => undefined);
    return result;
  }

  async function until(moment: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && clock.now() < moment) await changeSignal.wait(moment, signal);
  }

  async function runWithRetries(signal: AbortSignal): Promise<void> {
    let result = await runAfterPrevious();
    for (const seconds of retryAfterSeconds.slice(0, retryAttempts)) {
      if (result.kind === 'response') return;
      await until(clock.now() + Math.min(seconds, everySeconds) * 1_000, signal);
      if (signal.aborted) return;
      result = await runAfterPrevious();
    }
    if (result.kind === 'error') {
      options.onLog(
        `schedule ${id}: a run failed after all retries: ${result.errorType}: ${result.errorMessage}`,
      );
      if (onFailureQueueName !== undefined) {
        const failed = { ...options, input, invocations: retryAttempts + 1, result, at: clock.now() };
        options.sendToQueue(onFailureQueueName, failedInvocationMessage(failed));
      }
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    const period = everySeconds * 1_000;
    let due = clock.now() + (options.firstAfterSeconds ?? everySeconds) * 1_000;
    for (;;) {
      await until(due, signal);
      if (signal.aborted) return;
      await runWithRetries(signal);
      const missed = Math.floor((clock.now() - due) / period);
      due += (Math.max(0, missed) + 1) * period;
    }
  }

  const loop = startBackgroundLoop(`schedule ${id}`, run, options.onLog);
  return {
    runNow: runAfterPrevious,
    close() {
      closing.abort();
      return loop.close();
    },
  };
}
