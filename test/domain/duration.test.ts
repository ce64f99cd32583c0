import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durationFormat, formatDuration, parseDuration } from '../../functions/domain/duration.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe('parseDuration and formatDuration', () => {
  it('the described format of a duration contains a valid example', () => {
    const [example = ''] = /PT\w+/.exec(durationFormat) ?? [];
    expect(parseDuration(example)).toBe(30 * minute);
  });

  it.each([
    ['PT30M', 30 * minute],
    ['PT5S', 5 * second],
    ['PT0.001S', 1],
    ['PT1.5S', 1500],
    ['PT90M', 90 * minute],
    ['PT48H', 48 * hour],
    ['P2D', 2 * day],
    ['P1W', 7 * day],
    ['P1DT2H3M4.05S', day + 2 * hour + 3 * minute + 4050],
    ['PT0H1M', minute],
    ['P999999W', 999_999 * 7 * day],
    ['PT9999999999S', 9_999_999_999 * second],
  ])('the duration %s is read', (text, millis) => {
    expect(parseDuration(text)).toBe(millis);
  });

  it.each([
    ['java.time.Duration', 'PT20M', 20 * minute],
    ['java.time.Duration, with nanoseconds', 'PT1.000000001S', 1001],
    ['javax.xml.datatype.Duration', 'P0Y0M0DT0H20M0.000S', 20 * minute],
    ['date-fns formatISODuration', 'P0Y0M0DT0H20M0S', 20 * minute],
    ['pydantic', 'P0DT0H20M0.000000S', 20 * minute],
    ['Django', 'P0DT00H20M00S', 20 * minute],
    ['Luxon', 'PT0.5H', 30 * minute],
    ['a library with a locale of commas', 'PT90,5S', 90_500],
    ['a fraction of weeks', 'P0.5W', 3.5 * day],
    ['a fraction of days', 'P1.25D', 30 * hour],
    ['a fraction of minutes', 'PT1,5M', 90 * second],
    ['a fraction that has no exact double', 'PT0.7H', 42 * minute],
    ['a fraction that has none either', 'PT1.1H', 66 * minute],
    ['less than a millisecond', 'PT0.000000001S', 1],
  ])('a duration in the form of %s is read: %s', (_, text, millis) => {
    expect(parseDuration(text)).toBe(millis);
  });

  it.each([
    ['nothing', ''],
    ['negative', '-PT5S'],
    ['a negative part', 'PT-5S'],
    ['a sign', '+PT5S'],
    ['years, which have no fixed length', 'P1Y'],
    ['months, which have no fixed length', 'P1M'],
    ['years and more', 'P1Y2DT3H'],
    ['text', 'half an hour'],
    ['a number', '1800'],
    ['a number with a unit', '30m'],
    ['no part at all', 'P'],
    ['no part of time', 'PT'],
    ['days and an empty time', 'P1DT'],
    ['a part without a unit', 'PT5'],
    ['a unit without a number', 'PTS'],
    ['hours where days belong', 'P5H'],
    ['days where hours belong', 'PT5D'],
    ['weeks where hours belong', 'PT5W'],
    ['parts out of order', 'PT5S3M'],
    ['a part twice', 'PT5M5M'],
    ['a fraction of a minute before seconds', 'PT1.5M2S'],
    ['a fraction of a day before an hour', 'P0.5DT1H'],
    ['a fraction without digits', 'PT1.S'],
    ['a fraction alone', 'PT.5S'],
    ['lower case', 'pt30m'],
    ['a blank before', ' PT30M'],
    ['a blank after', 'PT30M '],
    ['a line feed after', 'PT30M\n'],
    ['zero', 'PT0S'],
    ['zero in many parts', 'P0Y0M0DT0H0M0.000S'],
    ['a number beyond eleven digits', 'PT10000000000S'],
    ['ten decimals', 'PT1.0000000001S'],
    ['a fraction of no years', 'P0.0YT1H'],
    ['months before years', 'P0M0YT1H'],
    ['two marks', 'PT1.,5S'],
    ['a number in exponents', 'PT1e3S'],
    ['digits of another script', 'PT٣M'],
  ])('%s is not a duration', (_, text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('a duration is the same after it was written and read again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999 * day }), (millis) => {
        expect(parseDuration(formatDuration(millis))).toBe(millis);
      }),
    );
  });

  it.each([
    [48 * hour, 'P2D'],
    [90 * minute, 'PT1H30M'],
    [day + 1, 'P1DT0.001S'],
    [0, 'PT0S'],
  ])('a duration of %i ms is written %s', (millis, text) => {
    expect(formatDuration(millis)).toBe(text);
  });
});
