const iso8601 =
  /^P(?=\d|T\d)(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})(?:\.(\d{1,3}))?S)?)?$/;

/** The texts that {@link parseDuration} takes, in words for an error message. */
export const durationFormat =
  'a positive ISO 8601 duration in weeks, days, hours, minutes and seconds, such as PT30M; no years or months, because their length varies';

/** Milliseconds of an ISO 8601 duration; `undefined` for any other text, and for years, months, signs and zero. */
export function parseDuration(text: string): number | undefined {
  const match = iso8601.exec(text);
  if (!match) return undefined;
  const [, weeks, days, hours, minutes, seconds, fraction] = match;
  const whole = [weeks, days, hours, minutes, seconds].map((part) => Number(part ?? 0));
  const [w = 0, d = 0, h = 0, m = 0, s = 0] = whole;
  const millis =
    ((((w * 7 + d) * 24 + h) * 60 + m) * 60 + s) * 1000 + Number((fraction ?? '').padEnd(3, '0'));
  return millis > 0 ? millis : undefined;
}

/** The duration in ISO 8601, in days, hours, minutes and seconds. */
export function formatDuration(millis: number): string {
  const units: readonly (readonly [string, number])[] = [
    ['H', 3_600_000],
    ['M', 60_000],
  ];
  let rest = millis % 86_400_000;
  const days = (millis - rest) / 86_400_000;
  let time = '';
  for (const [letter, length] of units) {
    const count = Math.floor(rest / length);
    if (count > 0) time += `${count}${letter}`;
    rest -= count * length;
  }
  if (rest > 0) time += `${rest / 1000}S`;
  const text = `${days > 0 ? `${days}D` : ''}${time && `T${time}`}`;
  return `P${text || 'T0S'}`;
}
