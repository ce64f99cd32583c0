const format = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/** A time of the API as an element: the time of day as text, the whole time as its title. */
export function timeElement(instant: string): HTMLTimeElement {
  const made = document.createElement('time');
  made.dateTime = instant;
  made.title = instant;
  made.textContent = timeText(instant);
  return made;
}

/** A time of the API in whole seconds, in the reader's time zone. */
export const timeText = (instant: string): string => format.format(new Date(instant));
