import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type IGrantable, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { describe, expect, it } from 'vitest';
import { Lapse, type LapseProps } from '../../lib/lapse.ts';
import { LapseStack } from '../../lib/lapse-stack.ts';
import { resourcesOf, withBundles } from './synthesized.ts';

const withLapse = <Result>(use: (lapse: Lapse, stack: Stack) => Result, props: LapseProps = {}): Result =>
  withBundles((bundles) => {
    const stack = new Stack(new App(), 'Checkout');
    return use(new Lapse(stack, 'Lapse', { bundles, ...props }), stack);
  });

const backEndOf = (stack: Stack): IGrantable =>
  new Role(stack, 'BackEnd', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });

describe('grantCall', () => {
  it('grantCall allows every call for one account and for no other', () => {
    const statements = withLapse((lapse, stack) => {
      lapse.grantCall(backEndOf(stack), 'shop-se');
      return resourcesOf(Template.fromStack(stack))
        .filter(({ type, id }) => type === 'AWS::IAM::Policy' && id.startsWith('BackEnd'))
        .map(({ properties }) => properties['PolicyDocument']);
    });
    expect(statements).toEqual([
      {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Action: 'execute-api:Invoke',
            Resource: expect.stringMatching(
              /^arn:aws:execute-api:eu-west-1:000000000000:\w+\/\$default\/\*\/accounts\/shop-se\/\*$/,
            ) as unknown,
          },
        ],
      },
    ]);
  });

  it('grantCall refuses what cannot be the name of an account', () => {
    withLapse((lapse, stack) => {
      const backEnd = backEndOf(stack);
      for (const account of ['', 'Shop', '*', 'shop/../other', 'a'.repeat(33)]) {
        expect(() => lapse.grantCall(backEnd, account)).toThrow(
          `account is ${account}; allowed: 1 to 32 of a-z, 0-9 and -.`,
        );
      }
    });
  });

  it('grantCall refuses an API with JWTs, which does not look at policies', () => {
    withLapse(
      (lapse, stack) => {
        expect(() => lapse.grantCall(backEndOf(stack), 'shop-se')).toThrow('needs the IAM authorizer');
      },
      { jwtIssuer: 'https://issuer.example', jwtAudience: ['lapse'] },
    );
  });
});

it('addOutputs gives a stack of your own the same output names as LapseStack', () => {
  const outputsOf = (stack: Stack) => Object.keys(Template.fromStack(stack).findOutputs('*')).toSorted();
  const own = withLapse((lapse, stack) => {
    lapse.addOutputs();
    return outputsOf(stack);
  });
  const ofLapseStack = withBundles((bundles) =>
    outputsOf(new LapseStack(new App(), 'Lapse', { lapse: { bundles } })),
  );
  expect(own).toEqual(ofLapseStack);
  expect(own).toContain('ApiUrl');
});

it('metric gives the metrics that the functions write, with the name of this Lapse as the only dimension', () => {
  const configs = withLapse((lapse, stack) =>
    (['Attention', 'TimerLateness'] as const).map(
      (name) => stack.resolve(lapse.metric(name).toMetricConfig()) as unknown,
    ),
  );
  const ofLapse = { namespace: 'Lapse', dimensions: [{ name: 'stack', value: 'Checkout' }] };
  expect(configs).toMatchObject([
    { metricStat: { ...ofLapse, metricName: 'Attention', statistic: 'Sum' } },
    { metricStat: { ...ofLapse, metricName: 'TimerLateness', statistic: 'Maximum' } },
  ]);
});
