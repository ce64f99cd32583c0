/** The timer queue: ends the session whose time is up. A message that fails comes back by itself, later each time. */
import { composeTimeout } from './composition/composition-root.ts';
import { timerQueueHandler } from './triggers/timer-queue-handler.ts';

const expiry = composeTimeout();

export const { warmUp } = expiry;

export const handler = timerQueueHandler(expiry);
