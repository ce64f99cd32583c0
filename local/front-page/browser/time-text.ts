import { serverNow } from './server-clock.ts';

const timeOfToday = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const timeOfAnotherDay = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** A time of the API in whole seconds, in the reader's time zone. It has the date where that is not today's. */
export function timeText(instant: string, now = serverNow()): string {
  const time = new Date(instant);
  const isToday = time.toDateString() === new Date(now).toDateString();
  return (isToday ? timeOfToday : timeOfAnotherDay).format(time);
}
