import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  earlierOf,
  formatInstant,
  instantFromMillis,
  type Instant,
  millisOf,
  parseInstant,
  plusMillis,
} from '../../functions/domain/instant.ts';
import { at } from '../support/fixtures.ts';

/** From the year 1 to the year 9998, so that every offset stays within what RFC 3339 can write. */
const seconds = fc.integer({ min: -62_135_596_800, max: 253_370_764_800 });
const fraction = fc
  .tuple(fc.integer({ min: 0, max: 999_999_999 }), fc.integer({ min: 0, max: 9 }))
  .map(([nanos, digits]) => String(nanos).padStart(9, '0').slice(0, digits));
const offset = fc.integer({ min: -(24 * 60 - 1), max: 24 * 60 - 1 });

/** A time in nanoseconds since 1970, and as text at some offset from UTC. */
const written = fc.tuple(seconds, fraction, offset).map(([second, fractional, minutes]) => {
  const local = new Date((second + minutes * 60) * 1000).toISOString().slice(0, 19);
  const zone = (sign: string, size: number) =>
    `${sign}${String(Math.floor(size / 60)).padStart(2, '0')}:${String(size % 60).padStart(2, '0')}`;
  const suffix = minutes === 0 ? 'Z' : zone(minutes < 0 ? '-' : '+', Math.abs(minutes));
  return {
    text: `${local}${fractional && `.${fractional}`}${suffix}`,
    nanos: BigInt(second) * 1_000_000_000n + BigInt(fractional.padEnd(9, '0')),
  };
});

/** Computed without the code under test. */
function nanosOf(instant: Instant): bigint {
  const [whole = '', fractional = ''] = instant.slice(0, -1).split('.');
  return BigInt(Date.parse(`${whole}Z`)) * 1_000_000n + BigInt(fractional);
}

describe('Instant', () => {
  it('an instant is the written moment to the nanosecond, at any offset', () => {
    fc.assert(
      fc.property(written, ({ text, nanos }) => {
        const instant = at(text);
        expect(instant).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
        expect(nanosOf(instant)).toBe(nanos);
      }),
    );
  });

  it('instants sort as text in the order of time', () => {
    fc.assert(
      fc.property(written, written, (a, b) => {
        const [x, y] = [at(a.text), at(b.text)];
        expect(Math.sign(x < y ? -1 : x > y ? 1 : 0)).toBe(
          a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0,
        );
        expect(earlierOf(x, y)).toBe(a.nanos < b.nanos ? x : y);
      }),
    );
  });

  it('an instant is the same after it was formatted and read again', () => {
    fc.assert(
      fc.property(written, ({ text }) => {
        const instant = at(text);
        expect(parseInstant(formatInstant(instant))).toBe(instant);
        expect(formatInstant(instant)).not.toMatch(/(\.|\.\d*0)Z$/);
      }),
    );
  });

  it('plusMillis moves an instant and keeps its finer digits', () => {
    fc.assert(
      fc.property(written, fc.integer({ min: 0, max: 10 ** 9 }), ({ text, nanos }, millis) => {
        expect(nanosOf(plusMillis(at(text), millis))).toBe(nanos + BigInt(millis) * 1_000_000n);
      }),
    );
  });

  it('an instant made of milliseconds has the same milliseconds', () => {
    fc.assert(
      fc.property(seconds, fc.integer({ min: 0, max: 999 }), (second, rest) => {
        const millis = second * 1000 + rest;
        expect(millisOf(instantFromMillis(millis))).toBe(millis);
        expect(nanosOf(instantFromMillis(millis))).toBe(BigInt(millis) * 1_000_000n);
      }),
    );
  });

  it('an instant in milliseconds is rounded down', () => {
    fc.assert(
      fc.property(written, ({ text, nanos }) => {
        const millis = millisOf(at(text));
        expect(nanos - BigInt(millis) * 1_000_000n).toBeGreaterThanOrEqual(0n);
        expect(nanos - BigInt(millis) * 1_000_000n).toBeLessThan(1_000_000n);
      }),
    );
  });

  it.each([
    ['2026-03-01T12:00:00Z', '2026-03-01T12:00:00Z'],
    ['2026-03-01t12:00:00z', '2026-03-01T12:00:00Z'],
    ['2026-03-01T12:00:00.120Z', '2026-03-01T12:00:00.12Z'],
    ['2026-03-01T12:00:00.000000001Z', '2026-03-01T12:00:00.000000001Z'],
    ['2026-03-01T00:30:00+01:00', '2026-02-28T23:30:00Z'],
    ['2025-12-31T23:30:00-00:30', '2026-01-01T00:00:00Z'],
    ['2024-02-29T00:00:00-00:00', '2024-02-29T00:00:00Z'],
    ['2026-03-01T10:20:30.400Z', '2026-03-01T10:20:30.4Z'],
    // java.time.OffsetDateTime omits parts that are zero.
    ['2026-11-29T14:54Z', '2026-11-29T14:54:00Z'],
    ['2026-11-29T14:54+01:00', '2026-11-29T13:54:00Z'],
    // strftime("%z"), PHP's DATE_ISO8601, Jackson.
    ['2026-11-29T14:54:00+0000', '2026-11-29T14:54:00Z'],
    ['2026-11-29T14:54:00.000-0530', '2026-11-29T20:24:00Z'],
    // PostgreSQL, and str() of a Python datetime.
    ['2026-11-29 14:54:00+00', '2026-11-29T14:54:00Z'],
    ['2026-11-29 14:54:00.123456+00:00', '2026-11-29T14:54:00.123456Z'],
    // A locale with decimal commas, and more than nine decimals.
    ['2026-11-29T14:54:00,5Z', '2026-11-29T14:54:00.5Z'],
    ['2026-11-29T14:54:00.1234567891Z', '2026-11-29T14:54:00.123456789Z'],
    // The basic format of AWS and of calendars.
    ['20261129T145400Z', '2026-11-29T14:54:00Z'],
    ['20261129T1454Z', '2026-11-29T14:54:00Z'],
    ['20261129T145400.123+0100', '2026-11-29T13:54:00.123Z'],
    // A leap second.
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00Z'],
    ['2017-01-01T00:59:60.5+01:00', '2017-01-01T00:00:00.5Z'],
  ])('%s is read as %s', (given, plain) => {
    expect(formatInstant(at(given))).toBe(plain);
  });

  it.each([
    '',
    'now',
    '2026-03-01',
    '2026-03-01T12:00:00',
    '2026-03-01 12:00',
    '2026-03-01T12Z',
    '2026-03-01T12:00.5Z',
    '2026-03-01T12:00:00 01:00',
    '2026-03-01T12:00:00+1',
    '2026-03-01T12:00:00+010',
    '2026-03-01T12:00:00+2400',
    '2026-03-01T12:00:00Z+01:00',
    '2026-03-01T12:0000Z',
    '2026-0301T12:00:00Z',
    '20260301T12:00:00Z',
    '20260301 120000Z',
    '20260301T12000Z',
    '20260301T120000',
    '20260230T120000Z',
    '2026-03-01T12:00:60Z',
    '2026-03-01T23:59:61Z',
    '2026-03-01T23:59:60-01:00',
    '2026-W09-7T12:00:00Z',
    '2026-060T12:00:00Z',
    '2026-03-01T12:00:00+01:00[Europe/Berlin]',
    '2026-03-01T12:00:00.Z',
    '2026-03-01T12:00:00+24:00',
    '2026-03-01T12:00:00+01:60',
    '2026-03-01T12:00:00Z ',
    '2026-03-01T12:00:00Z\n',
    '2026-02-29T12:00:00Z',
    '2026-02-31T12:00:00Z',
    '2026-04-31T12:00:00Z',
    '2026-13-01T12:00:00Z',
    '2026-00-01T12:00:00Z',
    '2026-01-00T12:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T12:60:00Z',
    '1900-02-29T12:00:00Z',
    '0000-01-01T00:00:00+01:00',
    '9999-12-31T23:59:59-01:00',
    '+010000-01-01T00:00:00Z',
    '12026-01-01T00:00:00Z',
    '1772366400000',
    '٢٠٢٦-03-01T12:00:00Z',
  ])('%j is not an instant', (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  it('plusMillis never goes past the year 9999', () => {
    const late = plusMillis(at('2026-03-01T12:00:00.000000007Z'), 999_999 * 7 * 86_400_000);
    expect(late).toBe('9999-12-31T23:59:59.999000007Z');
    expect(late > at('2026-03-01T12:00:00Z')).toBe(true);
  });
});
