import { setTimeout as wait } from 'node:timers/promises';
import type { SystemClient } from '../support/system-client.ts';
import { countLetters, type DeadLetterQueue } from './dead-letters.ts';
import { taken } from './disturbances.ts';

/** How far the clock moves at once: during a fault of hours, and after it, when every minute counts. */
const jumpSeconds = { during: 900, after: 60 };
const leastMillisBetweenJumps = 500;

/**
 * Waits between two jumps, for the time of five calls, so that a busy machine can keep up. The measured call is refused before
 * anything is read.
 */
async function workingTime(lapse: SystemClient): Promise<void> {
  const began = performance.now();
  await lapse.api('GET', '/payment-requests?limit=0').catch(() => undefined);
  await wait(Math.max(leastMillisBetweenJumps, 4 * (performance.now() - began)));
}

/** The system's time. */
export async function nowOf(lapse: SystemClient): Promise<number> {
  return Date.parse(String((await lapse.control('GET', '/clock')).body['now']));
}

const moveOn = (lapse: SystemClient, seconds: number): Promise<void> =>
  taken(lapse.control('POST', '/clock', { advanceMs: seconds * 1_000 }));

/** A moment of real time; where hours pass, plus a minute of the system's time. */
export async function aMoment(lapse: SystemClient, hoursPass: boolean): Promise<void> {
  if (hoursPass) await moveOn(lapse, jumpSeconds.after);
  await workingTime(lapse);
}

/** Messages that a queue must get, so that an operator has some to process, and the days that this may take. */
const leastLetters = 5;
const mostDays = 7;

/** Lets this many hours pass, and more until a queue has the messages that it must get. */
export async function letHoursPass(
  client: () => SystemClient,
  hours: number,
  fills: DeadLetterQueue | undefined,
): Promise<void> {
  const letters = async () => (fills ? countLetters(client(), fills) : leastLetters);
  const enough = fills ? (await letters()) + leastLetters : leastLetters;
  for (let seconds = 0; ; seconds += jumpSeconds.during) {
    if (seconds >= hours * 3_600 && (await letters()) >= enough) return;
    if (seconds >= mostDays * 86_400) throw new Error(`hardly a dead letter in ${mostDays} days`);
    await moveOn(client(), jumpSeconds.during);
    await workingTime(client());
  }
}
