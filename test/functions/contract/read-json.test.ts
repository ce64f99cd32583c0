import { describe, expect, it } from 'vitest';
import { readJson } from '../../../functions/contract/read-json.ts';

describe('readJson', () => {
  it.each([
    ['{"a":[1,null]}', { a: [1, null] }],
    ['null', null],
    ['"å"', 'å'],
  ])('reads %s from text and from bytes', (text, value) => {
    expect(readJson(text)).toEqual(value);
    expect(readJson(Buffer.from(text))).toEqual(value);
  });

  it.each([[''], ['{'], ['{"secret":"abc"} trailing'], ['undefined']])(
    'returns undefined for %j, which is not JSON',
    (text) => {
      expect(readJson(text)).toBeUndefined();
      expect(readJson(Buffer.from(text))).toBeUndefined();
    },
  );

  it('returns undefined for bytes that are not UTF-8, though they would be JSON with the bad byte replaced', () => {
    expect(readJson(Buffer.from([0x22, 0xff, 0x22]))).toBeUndefined();
  });
});
