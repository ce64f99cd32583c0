import { describe, expect, it } from 'vitest';
import { listCursorOf, parseListCursor } from '../../functions/domain/list-cursor.ts';
import { key, noon } from '../support/fixtures.ts';

describe('list cursors', () => {
  const position = listCursorOf({ ...key, createdAt: noon });

  it('a list cursor is a time and an id, and is read as it was written', () => {
    expect(position).toBe(`2026-03-01T12:00:00.000000000Z#${key.paymentRequestId}`);
    expect(parseListCursor(position)).toBe(position);
  });

  it.each([
    ['nothing', ''],
    ['a time alone', noon],
    ['a time of another form', `2026-03-01T12:00:00Z#${key.paymentRequestId}`],
    ['an invalid id', `${noon}#krn`],
    ['text after the id', `${position}#more`],
    ['text before the time', `x${position}`],
  ])('%s is not a list cursor', (_, text) => {
    expect(parseListCursor(text)).toBeUndefined();
  });
});
