import { describe, expect, it } from 'vitest';
import { listCursorOf, parseListCursor } from '../../functions/domain/list-cursor.ts';
import { key, noon } from '../support/fixtures.ts';

describe('a position in a list', () => {
  const position = listCursorOf({ ...key, createdAt: noon });

  it('is a time and an id, and is read back as it was written', () => {
    expect(position).toBe(`2026-03-01T12:00:00.000000000Z#${key.paymentRequestId}`);
    expect(parseListCursor(position)).toBe(position);
  });

  it.each([
    ['nothing', ''],
    ['a time alone', noon],
    ['a time of another form', `2026-03-01T12:00:00Z#${key.paymentRequestId}`],
    ['an id that is none', `${noon}#krn`],
    ['something behind the id', `${position}#more`],
    ['something before the time', `x${position}`],
  ])('is not %s', (_, text) => {
    expect(parseListCursor(text)).toBeUndefined();
  });
});
