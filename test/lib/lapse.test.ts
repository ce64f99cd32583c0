import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type IGrantable, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { describe, expect, it } from 'vitest';
import { apiActions, routeKeys, routes } from '../../functions/contract/routes.ts';

import { type ApiAction, Lapse, type LapseProps } from '../../lib/lapse.ts';
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
  const resourcesFor = (...actions: readonly ApiAction[]): readonly string[] =>
    withLapse((lapse, stack) => {
      lapse.grantCall(backEndOf(stack), { account: 'shop-se', actions });
      return resourcesOf(Template.fromStack(stack))
        .filter(({ type, id }) => type === 'AWS::IAM::Policy' && id.startsWith('BackEnd'))
        .flatMap(({ properties }) => {
          const { Statement } = properties['PolicyDocument'] as {
            Statement: { Resource: string | string[] }[];
          };
          return Statement.flatMap(({ Resource }) => Resource);
        });
    });

  it.each(apiActions)('grantCall with the action %s allows exactly the routes of the action', (action) => {
    const patterns = resourcesFor(action).map(
      (resource) =>
        new RegExp(
          `^${resource
            .replace(/^.*\$default/, '')
            .split('*')
            .map((text) => text.replaceAll('.', String.raw`\.`))
            .join('.*')}$`,
        ),
    );
    for (const route of routeKeys) {
      const path = `/${route
        .replace(' ', '')
        .replace('{account}', 'shop-se')
        .replaceAll(/\{\w+\}/g, 'some-id')}`;
      const isAllowed = patterns.some((pattern) => pattern.test(path));
      expect([route, isAllowed]).toEqual([route, routes[route].permission === action]);
    }
  });

  it('grantCall without actions allows what a shop needs, for one account and for no other', () => {
    const statements = withLapse((lapse, stack) => {
      lapse.grantCall(backEndOf(stack), { account: 'shop-se' });
      return resourcesOf(Template.fromStack(stack))
        .filter(({ type, id }) => type === 'AWS::IAM::Policy' && id.startsWith('BackEnd'))
        .map(({ properties }) => properties['PolicyDocument']);
    });
    const resource = (path: string): unknown =>
      expect.stringMatching(
        new RegExp(
          String.raw`^arn:aws:execute-api:eu-west-1:000000000000:\w+/\$default/\*/accounts/shop-se/${path}\*$`,
        ),
      );
    expect(statements).toEqual([
      {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Action: 'execute-api:Invoke',
            Resource: ['payment-requests', 'registrations', 'sessions', 'references', 'cancel-jobs'].map(
              resource,
            ),
          },
        ],
      },
    ]);
  });

  it('grantCall with the start of names allows every account whose name starts so', () => {
    withLapse((lapse, stack) => {
      lapse.grantCall(backEndOf(stack), { account: 'm4*', actions: ['settings'] });
      expect(JSON.stringify(Template.fromStack(stack).toJSON())).toContain('/accounts/m4*/settings*');
    });
  });

  it('grantCall with several actions allows each of them, and nothing else', () => {
    expect(
      resourcesFor('register', 'cancel').map((resource) => resource.replace(/^.*\$default/, '')),
    ).toEqual([
      '/PUT/accounts/shop-se/payment-requests/*',
      '/PATCH/accounts/shop-se/payment-requests/*',
      '/DELETE/accounts/shop-se/payment-requests/*',
      '/POST/accounts/shop-se/payment-requests/*/authorized',
      '/*/accounts/shop-se/registrations*',
      '/DELETE/accounts/shop-se/sessions/*',
      '/PUT/accounts/shop-se/references/*',
      '/DELETE/accounts/shop-se/references/*',
    ]);
  });

  it('grantCall refuses an action that does not exist, and a list without any', () => {
    for (const actions of [['write'], []])
      expect(() => resourcesFor(...(actions as ApiAction[]))).toThrow(
        `actions is ${JSON.stringify(actions)}; allowed: read, register, cancel, cancel-jobs, settings.`,
      );
  });

  it('grantCall refuses what cannot be the name of an account', () => {
    withLapse((lapse, stack) => {
      const backEnd = backEndOf(stack);
      for (const account of ['', 'Shop', '*', '*-se', 'm4**', 'shop/../other', 'a'.repeat(33)]) {
        expect(() => lapse.grantCall(backEnd, { account })).toThrow(
          `account is ${account}; allowed: 1 to 32 of a-z, 0-9 and -, or the start of names and a *.`,
        );
      }
    });
  });

  it('grantCall refuses an API with JWTs, which does not look at policies', () => {
    withLapse(
      (lapse, stack) => {
        expect(() => lapse.grantCall(backEndOf(stack), { account: 'shop-se' })).toThrow(
          'needs the IAM authorizer',
        );
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
  const ofLapse = {
    namespace: 'Lapse',
    dimensions: [{ name: 'stack', value: expect.stringMatching(/^Checkout-Lapse-/) as string }],
  };
  expect(configs).toMatchObject([
    { metricStat: { ...ofLapse, metricName: 'Attention', statistic: 'Sum' } },
    { metricStat: { ...ofLapse, metricName: 'TimerLateness', statistic: 'Maximum' } },
  ]);
});
