import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { asKept } from './simulated-table.ts';

const leaf = fc.oneof(fc.string(), fc.boolean(), fc.maxSafeInteger(), fc.constant(undefined));
const name = fc.stringMatching(/^[a-z][A-Za-z0-9_]{0,8}$/);
const { tree } = fc.letrec((tie) => ({
  tree: fc.dictionary(name, fc.oneof({ depthSize: 'small' }, leaf, tie('tree')), { noNullPrototype: true }),
}));

it('the simulated table stores a value as DynamoDB does', () => {
  fc.assert(
    fc.property(tree, (value) => {
      const marshalled = marshall(value, { removeUndefinedValues: true });
      expect(asKept(value)).toStrictEqual(unmarshall(marshalled));
    }),
  );
});

it.each([null, 1.5, Number.NaN, 1n, new Date(0), [null], new Map(), () => 1])(
  'the simulated table refuses a value that no record contains: %s',
  (value) => expect(() => asKept({ value })).toThrow(TypeError),
);
