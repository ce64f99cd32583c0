const format = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/** A time of the API as an element: the clock's time to read, the whole of it on asking. */
export function timeElement(instant: string): HTMLTimeElement {
  const made = document.createElement('time');
  made.dateTime = instant;
  made.title = instant;
  made.textContent = timeText(instant);
  return made;
}

/** A time of the API, to the second, by the reader's clock. */
export const timeText = (instant: string): string => format.format(new Date(instant));
