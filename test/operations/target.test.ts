import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, it } from 'vitest';
import { findTarget } from '../../operations/target.ts';
import { UsageError } from '../../operations/usage-error.ts';
import { rawOutputs } from '../support/stack-outputs.ts';

const cloudFormation = mockClient(CloudFormationClient);

beforeEach(() => {
  cloudFormation.reset();
});

it('a stack is described by its name, with the profile and the Region', async () => {
  cloudFormation.on(DescribeStacksCommand, { StackName: 'Shop' }).resolves({
    Stacks: [
      {
        StackName: 'Shop',
        CreationTime: new Date(),
        StackStatus: 'CREATE_COMPLETE',
        Outputs: Object.entries(rawOutputs).map(([name, value]) => ({
          OutputKey: `Lapse${name}`,
          OutputValue: value,
        })),
      },
    ],
  });
  const target = await findTarget(
    { stack: 'Shop', prefix: 'Lapse', region: 'eu-north-1', profile: 'shop-test' },
    '/nowhere',
  );
  expect(target).toEqual({
    name: 'Shop',
    isLocal: false,
    outputs: {
      ...rawOutputs,
      RetentionDays: 90,
      FunctionNames: new Map([['reconcile-payment-requests', 'Lapse-sweep']]),
    },
    aws: { region: 'eu-north-1', profile: 'shop-test' },
  });
});

it('a stack that does not exist is an error in the command', async () => {
  const missing = Object.assign(new Error('Stack with id Shop does not exist'), { name: 'ValidationError' });
  cloudFormation.on(DescribeStacksCommand).rejects(missing);
  const finding = findTarget({ stack: 'Shop' }, '/nowhere');
  await expect(finding).rejects.toThrow(UsageError);
  await expect(finding).rejects.toThrow('--stack is Shop; allowed: a stack of this account and Region.');
});

it('a refusal of AWS is passed on', async () => {
  const refused = Object.assign(new Error('not authorized'), { name: 'AccessDenied' });
  cloudFormation.on(DescribeStacksCommand).rejects(refused);
  await expect(findTarget({ stack: 'Shop' }, '/nowhere')).rejects.toBe(refused);
});
