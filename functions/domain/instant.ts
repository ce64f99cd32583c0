declare const brand: unique symbol;

/**
 * A moment in UTC as RFC 3339 text with exactly nine fractional digits, so that comparing texts compares times.
 * Klarna's timestamps have up to nine digits; our own clock has three.
 */
export type Instant = string & { readonly [brand]: 'Instant' };

const extended =
  /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d+))?)?([Zz]|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)$/;

/** The basic format of ISO 8601, without separators, such as `20261129T145400Z`. */
const basic = /^\d{8}[Tt]\d{4}(?:\d{2})?(?=[.,Zz+-])/;

/**
 * The moment of a time as libraries write it. It takes RFC 3339 with any offset and any number of decimals, of which nine count.
 * From ISO 8601 it also takes times without seconds, the basic format, a comma, and offsets such as `+0000` and `+01`.
 *
 * @returns `undefined` for any other text, such as a time without an offset or 31 February
 */
export function parseInstant(text: string): Instant | undefined {
  const match = extended.exec(withSeparators(text));
  if (!match) return undefined;
  // Stryker disable next-line StringLiteral: date, minute and offset always take part in a match
  const [, date = '', minute = '', given = '00', decimals = '', offset = ''] = match;
  const isLeapSecond = given === '60';
  const written = `${date}T${minute}:${isLeapSecond ? '59' : given}`;
  const local = new Date(`${written}Z`);
  // Date rolls 31 February over to March: what does not come back the same was not a date.
  if (Number.isNaN(local.getTime()) || local.toISOString().slice(0, 19) !== written) return undefined;
  const utc = new Date(local.getTime() - offsetMillis(offset)).toISOString();
  if (utc.length !== 24) return undefined;
  const instant = `${utc.slice(0, 19)}.${decimals.slice(0, 9).padEnd(9, '0')}Z` as Instant;
  if (!isLeapSecond) return instant;
  // A day in UTC may end with a leap second, which our clock does not have: it is read as one second later.
  return utc.slice(11, 19) === '23:59:59' ? plusMillis(instant, 1000) : undefined;
}

const withSeparators = (text: string): string =>
  basic.test(text)
    ? text
        .replace(/^(\d{4})(\d{2})(\d{2}.\d{2})(\d{2})/, '$1-$2-$3:$4')
        .replace(/^([^:]+:\d{2})(\d{2})/, '$1:$2')
    : text;

/** `Z` has no digits, which is 0; minutes may be left out. */
function offsetMillis(offset: string): number {
  const sign = offset.startsWith('-') ? -1 : 1;
  return sign * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(3).replace(':', ''))) * 60_000;
}

/** The moment this many milliseconds after 1970. */
export const instantFromMillis = (millis: number): Instant =>
  `${new Date(millis).toISOString().slice(0, -1)}000000Z` as Instant;

/** Milliseconds since 1970. V8 ignores the finer digits. */
export const millisOf = (instant: Instant): number => Date.parse(instant);

/** The last millisecond that RFC 3339 can write. */
const lastMillis = Date.parse('9999-12-31T23:59:59.999Z');

/** The moment this many milliseconds later, at most the end of the year 9999. */
export const plusMillis = (instant: Instant, millis: number): Instant =>
  `${new Date(Math.min(millisOf(instant) + millis, lastMillis)).toISOString().slice(0, 23)}${instant.slice(23)}` as Instant;

/**
 * Stands for a time that is not known: before every time that Klarna or we can mean. A stored position holds it like any other time.
 */
export const unknownTime = '1970-01-01T00:00:00.000000000Z' as Instant;

/** The time, if it is known. */
export const knownTime = (instant: Instant | undefined): Instant | undefined =>
  instant === unknownTime ? undefined : instant;

/** The earlier of two. */
// Stryker disable next-line EqualityOperator: two equal texts are the same
export const earlierOf = (a: Instant, b: Instant): Instant => (a < b ? a : b);

/** The later of two. */
// Stryker disable next-line EqualityOperator: two equal texts are the same
export const laterOf = (a: Instant, b: Instant): Instant => (a > b ? a : b);

/** RFC 3339 without trailing zeros. */
export const formatInstant = (instant: Instant): string => instant.replace(/\.?0+Z/, 'Z');
