const format = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/** A time of the API in whole seconds, in the reader's time zone. */
export const timeText = (instant: string): string => format.format(new Date(instant));
