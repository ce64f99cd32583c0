import { describe, expect, it } from 'vitest';
import {
  cursorBefore,
  listCursorOf,
  parseListCursor,
  timeOfCursor,
} from '../../functions/domain/list-cursor.ts';
import type { PaymentRequestId } from '../../functions/domain/identifiers.ts';
import { at, key, noon } from '../support/fixtures.ts';

describe('list cursors', () => {
  const position = listCursorOf({ ...key, createdAt: noon });

  it('a list cursor is a time and the end of an id, and is read as it was written', () => {
    expect(position).toBe('2026-03-01T12:00:00.000Z#41d55fafbdb4');
    expect(timeOfCursor(position)).toBe(noon);
    expect(parseListCursor(position)).toBe(position);
  });

  it.each([
    ['nothing', ''],
    ['a time alone', noon],
    ['a time of another form', '2026-03-01T12:00:00Z#41d55fafbdb4'],
    ['a time that does not exist', '2026-13-01T12:00:00.000Z#41d55fafbdb4'],
    ['an invalid id', '2026-03-01T12:00:00.000Z#krn:'],
    ['text after the id', `${position}#more`],
    ['text before the time', `x${position}`],
  ])('%s is not a list cursor', (_, text) => {
    expect(parseListCursor(text)).toBeUndefined();
    expect(timeOfCursor(text)).toBeUndefined();
  });

  it('the cursor before a moment is after every earlier record, and before those of the moment', () => {
    const moment = at('2026-03-01T12:00:00.124Z');
    const of = (time: string, paymentRequestId = key.paymentRequestId) =>
      listCursorOf({ paymentRequestId, createdAt: at(time) });
    expect(
      of('2026-03-01T12:00:00.123Z', 'krn:payment:eu1:request:zzzzzzzzzzzz' as PaymentRequestId) <
        cursorBefore(moment),
    ).toBe(true);
    expect(
      of('2026-03-01T12:00:00.124Z', 'krn:payment:eu1:request:0' as PaymentRequestId) > cursorBefore(moment),
    ).toBe(true);
    const finer = cursorBefore(at('2026-03-01T12:00:00.123000001Z'));
    expect(of('2026-03-01T12:00:00.123Z') < finer).toBe(true);
    expect(of('2026-03-01T12:00:00.124Z') > finer).toBe(true);
  });
});
