import { timeText } from './time-text.ts';

/** A time of the API as an element: the time of day as text, the whole time as its title. */
export function timeElement(instant: string): HTMLTimeElement {
  const made = document.createElement('time');
  made.dateTime = instant;
  made.title = instant;
  made.textContent = timeText(instant);
  return made;
}
