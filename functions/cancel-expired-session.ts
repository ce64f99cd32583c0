/** The timer queue: ends the session whose deadline has passed. A message that fails comes back, later each time. */
import { composeTimeout } from './composition/composition-root.ts';
import { timerQueueHandler } from './triggers/timer-queue-handler.ts';

const timeout = composeTimeout();

export const { warmUp } = timeout;

export const handler = timerQueueHandler(timeout);
