import { setTimeout as wait } from 'node:timers/promises';
import type { SystemClient } from '../support/system-client.ts';
import { countLetters, type DeadLetterQueue } from './dead-letters.ts';
import { taken } from './disturbances.ts';

/** Seconds by which the clock moves at once, during a fault of hours and after it. */
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

/** The system's own time. */
export async function nowOf(lapse: SystemClient): Promise<number> {
  return Date.parse(String((await lapse.control('GET', '/clock')).body['now']));
}

const moveOn = (lapse: SystemClient, seconds: number): Promise<void> =>
  taken(lapse.control('POST', '/clock', { advanceMs: seconds * 1_000 }));

/** Waits a moment of real time. Where hours pass, it also moves the system's clock by a minute. */
export async function aMoment(lapse: SystemClient, hoursPass: boolean): Promise<void> {
  if (hoursPass) await moveOn(lapse, jumpSeconds.after);
  await workingTime(lapse);
}

/** The least number of dead letters for a redrive, and the days within which they must arrive. */
const leastLetters = 5;
const mostDays = 7;

/** Lets so many hours pass, and more until the queue has enough dead letters. */
export async function letHoursPass(
  client: () => SystemClient,
  hours: number,
  fills: DeadLetterQueue | undefined,
): Promise<void> {
  const letters = async () => (fills ? countLetters(client(), fills) : leastLetters);
  const enough = fills ? (await letters()) + leastLetters : leastLetters;
  for (let seconds = 0; ; seconds += jumpSeconds.during) {
    if (seconds >= hours * 3_600 && (await letters()) >= enough) return;
    if (seconds >= mostDays * 86_400)
      throw new Error(`fewer than ${leastLetters} dead letters in ${mostDays} days`);
    await moveOn(client(), jumpSeconds.during);
    await workingTime(client());
  }
}
