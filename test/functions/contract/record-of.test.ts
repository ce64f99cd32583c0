import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { recordOf } from '../../../functions/contract/record-of.ts';

const schema = v.strictObject({
  rules: recordOf(
    v.pipe(v.string(), v.regex(/^[a-zOSP_]+$/, 'letters')),
    v.picklist(['a', 'b'], 'a or b'),
    'rules',
  ),
});
const parse = (rules: string) => v.safeParse(schema, { rules: JSON.parse(rules) as unknown });
const violations = (rules: string) =>
  parse(rules).issues?.map((issue) => [v.getDotPath(issue), issue.input, issue.message]);

describe('recordOf', () => {
  it.each(['constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'])(
    'the key %s is kept like any other',
    (name) => {
      const { output } = parse(`{"${name}":"a","other":"b"}`);
      expect(output).toEqual({ rules: { [name]: 'a', other: 'b' } });
      expect(violations(`{"${name}":"c"}`)).toEqual([[`rules.${name}`, 'c', 'a or b']]);
    },
  );

  it('the key __proto__ is a violation, and changes no prototype', () => {
    expect(violations('{"__proto__":"a"}')).toEqual([
      ['rules.__proto__', '__proto__', 'must have another name'],
    ]);
    expect(violations('{"__proto__":{"a":"b"},"other":"b"}')).toHaveLength(1);
  });

  it('a wrong key is a violation of its own', () => {
    expect(violations('{"A":"a"}')).toEqual([['rules.A', 'A', 'letters']]);
  });

  it.each(['[]', '["a"]', 'null', '"a"', '1'])('%s is not an object with keys', (rules) => {
    expect(violations(rules)).toEqual([['rules', JSON.parse(rules), 'rules']]);
  });

  it('an empty object is one', () => {
    expect(parse('{}').output).toEqual({ rules: {} });
  });
});
