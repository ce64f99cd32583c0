import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readOutputs } from '../../operations/stack-outputs.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const outputs = {
  ApiUrl: 'https://a',
  TableName: 't',
  RetentionDays: '90',
  EventBusName: 'b',
  SigningKeysSecretName: 's',
  TimerQueueUrl: 'https://q/1',
  DeadTimersQueueUrl: 'https://q/2',
  UnpublishedEventsQueueUrl: 'https://q/3',
};

async function fileOf(content: unknown): Promise<string> {
  const file = join(await temporaryFolder(), 'outputs.json');
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

describe('the outputs of a stack', () => {
  it('the outputs are those of the only stack, or of the named one', async () => {
    expect(await readOutputs({ file: await fileOf({ Lapse: outputs }) })).toEqual({
      ...outputs,
      RetentionDays: 90,
    });
    const two = await fileOf({ Live: outputs, Test: { ...outputs, TableName: 'other' } });
    expect(await readOutputs({ file: two }, 'Test')).toMatchObject({ TableName: 'other' });
  });

  it('the outputs of one Lapse among several of a stack are those with its prefix', async () => {
    const prefixed = Object.fromEntries(
      ['Sweden', 'Norway'].flatMap((prefix) =>
        Object.entries(outputs).map(([name, value]) => [
          `${prefix}${name}`,
          name === 'TableName' ? prefix : value,
        ]),
      ),
    );
    const file = await fileOf({ Lapse: prefixed });
    expect(await readOutputs({ file }, undefined, 'Norway')).toEqual({
      ...outputs,
      TableName: 'Norway',
      RetentionDays: 90,
    });
    await expect(readOutputs({ file }, undefined, 'Denmark')).rejects.toThrow(
      'does not have the output DenmarkApiUrl, DenmarkTableName',
    );
  });

  it.each<[string, unknown, string | undefined, string]>([
    ['no JSON', 'malformed', undefined, 'is not a file of cdk deploy --outputs-file'],
    ['several stacks', { Live: {}, Test: {} }, undefined, '--stack is missing; allowed: Live, Test.'],
    ['another stack', { Live: {} }, 'Test', '--stack is Test; allowed: Live.'],
    [
      'an older stack',
      { Live: { TableName: 't' } },
      undefined,
      'does not have the output ApiUrl, RetentionDays, EventBusName',
    ],
    [
      'a retention that is none',
      { Lapse: { ...outputs, RetentionDays: 'long' } },
      undefined,
      'does not have the output RetentionDays.',
    ],
  ])('the outputs of %s are refused', async (_, content, stack, sentence) => {
    const file = await fileOf(content);
    await expect(readOutputs({ file }, stack)).rejects.toThrow(sentence);
  });
});
