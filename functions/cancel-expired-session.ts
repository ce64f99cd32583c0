/** The timer queue: ends the session whose time is up. A message that fails comes back by itself, later each time. */
import { composeExpiry } from './runtime/composition-root.ts';
import { timerQueueHandler } from './runtime/timer-queue-handler.ts';

const expiry = composeExpiry();

export const { warmUp } = expiry;

export const handler = timerQueueHandler(expiry);
