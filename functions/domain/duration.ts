/** A number with up to nine decimals. Decimals are for the last component alone, whose unit ends the text. */
const amount = String.raw`(\d{1,10}(?:[.,]\d{1,9}(?=\D$))?)`;

/** Years and months are read where they are zero: several libraries write every component. */
const iso8601 = new RegExp(
  `^P(?:0{1,10}Y)?(?:0{1,10}M)?(?:${amount}W)?(?:${amount}D)?(?:T(?!$)(?:${amount}H)?(?:${amount}M)?(?:${amount}S)?)?$`,
);

/** Milliseconds of a week, a day, an hour, a minute and a second, in the order of {@link iso8601}. */
const units = [604_800_000, 86_400_000, 3_600_000, 60_000, 1000] as const;

/** The texts that {@link parseDuration} takes, in words for an error message. */
export const durationFormat =
  'a positive ISO 8601 duration in weeks, days, hours, minutes and seconds, such as PT30M; no years or months, because their length varies';

/**
 * Milliseconds of an ISO 8601 duration, rounded up to a whole one. `undefined` for anything else, and for years, months, signs and
 * zero.
 */
export function parseDuration(text: string): number | undefined {
  const match = iso8601.exec(text);
  if (!match) return undefined;
  const millis = units.reduce((sum, unit, index) => sum + millisOf(match[index + 1] ?? '0', unit), 0);
  return millis > 0 ? millis : undefined;
}

/** In whole numbers: 0.7 hours are 2520 seconds, and not a millisecond more. */
function millisOf(written: string, unit: number): number {
  const [whole = '', decimals = ''] = written.split(/[.,]/);
  const billionths = BigInt(decimals.padEnd(9, '0')) * BigInt(unit);
  return Number(whole) * unit + Number((billionths + 999_999_999n) / 1_000_000_000n);
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
