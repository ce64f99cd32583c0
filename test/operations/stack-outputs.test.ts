import { describe, expect, it } from 'vitest';
import { outputsOfStack, parseOutputs } from '../../operations/stack-outputs.ts';
import { rawOutputs } from '../support/stack-outputs.ts';

const outputs = rawOutputs;

describe('the outputs of a stack', () => {
  it('the outputs are those of the only stack, or of the named one', () => {
    expect(parseOutputs(outputsOfStack({ Lapse: outputs }, 'the file'), 'Lapse')).toEqual({
      ...outputs,
      RetentionDays: 90,
      FunctionNames: new Map([['reconcile-payment-requests', 'Lapse-sweep']]),
    });
    const two = { Live: outputs, Test: { ...outputs, TableName: 'other' } };
    expect(outputsOfStack(two, 'the file', 'Test')).toMatchObject({ TableName: 'other' });
  });

  it('a stack may have the name constructor', () => {
    const two = { Live: {}, constructor: outputs };
    expect(outputsOfStack(two, 'the file', 'constructor')).toEqual(outputs);
  });

  it('the outputs of one Lapse among several of a stack are those with its prefix', () => {
    const prefixed = Object.fromEntries(
      ['Sweden', 'Norway'].flatMap((prefix) =>
        Object.entries(outputs).map(([name, value]) => [
          `${prefix}${name}`,
          name === 'TableName' ? prefix : value,
        ]),
      ),
    );
    expect(parseOutputs(prefixed, 'Lapse', 'Norway')).toMatchObject({
      TableName: 'Norway',
      RetentionDays: 90,
    });
    expect(() => parseOutputs(prefixed, 'Lapse', 'Denmark')).toThrow(
      'does not have the output DenmarkApiUrl, DenmarkApiAuthorization',
    );
  });

  it.each<[string, unknown, string | undefined, string]>([
    ['no JSON', undefined, undefined, 'is not a file of cdk deploy --outputs-file'],
    ['several stacks', { Live: {}, Test: {} }, undefined, '--stack is missing; allowed: Live, Test.'],
    ['another stack', { Live: {} }, 'Test', '--stack is Test; allowed: Live.'],
    ['an inherited name', { Live: {} }, 'toString', '--stack is toString; allowed: Live.'],
  ])('a file with %s is refused', (_, content, stack, sentence) => {
    expect(() => outputsOfStack(content, 'the file', stack)).toThrow(sentence);
  });

  it.each<[string, object, string]>([
    [
      'of an older stack',
      { TableName: 't' },
      'does not have the output ApiUrl, ApiAuthorization, WebhookUrl',
    ],
    ['with a retention that is none', { ...outputs, RetentionDays: 'long' }, 'the output RetentionDays.'],
  ])('outputs %s are refused', (_, raw, sentence) => {
    expect(() => parseOutputs({ ...raw }, 'Lapse')).toThrow(sentence);
  });
});
