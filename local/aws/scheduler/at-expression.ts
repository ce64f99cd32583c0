/**
 * The time of a one-time schedule, in milliseconds since 1970; `undefined` for anything but `at(yyyy-mm-ddThh:mm:ss)`
 * in UTC.
 */
export function parseAtExpression(expression: string): number | undefined {
  const [, time] = /^at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$/.exec(expression) ?? [];
  if (time === undefined) return undefined;
  const date = new Date(`${time}Z`);
  // Date turns 31 February into a day of March. A text that does not come back unchanged was not a date.
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 19) !== time) return undefined;
  return date.getTime();
}
