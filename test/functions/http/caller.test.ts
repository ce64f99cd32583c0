import { describe, expect, it } from 'vitest';
import { accountsClaim, authorizeAccount, callerOf } from '../../../functions/http/caller.ts';
import { Problem } from '../../../functions/http/problem.ts';
import { account } from '../../support/fixtures.ts';
import { apiEvent, callerArn } from '../../support/lambda-events.ts';

const calledBy = (authorizer: unknown) => {
  const event = apiEvent({ method: 'GET' });
  return { ...event, requestContext: { ...event.requestContext, authorizer } };
};
const byToken = (claims: object) => calledBy({ jwt: { claims, scopes: [] } });
const byRole = (session: string) =>
  calledBy({ iam: { userArn: `arn:aws:sts::000000000000:assumed-role/Checkout/${session}` } });

describe('the caller', () => {
  it.each([
    ['the ARN of a user', calledBy({ iam: { userArn: callerArn } }), callerArn],
    [
      'the ARN of a role, without who has taken it',
      byRole('jane@example.com'),
      'arn:aws:sts::000000000000:assumed-role/Checkout',
    ],
    ['the client of a token', byToken({ client_id: 'checkout', sub: 'somebody' }), 'jwt:checkout'],
    ['the subject of a token', byToken({ sub: 'checkout' }), 'jwt:checkout'],
    ['nobody where the subject is an e-mail address', byToken({ sub: 'jane@example.com' }), 'unknown'],
    ['nobody where nobody is authorized', calledBy(undefined), 'unknown'],
  ])('is %s', (_, event, expected) => {
    expect(callerOf(event)).toBe(expected);
  });
});

describe('a token', () => {
  it.each([`${account} other`, `[other ${account}]`, account, '*', '[*]'])(
    'whose accounts are %j is good for this one',
    (accounts) => {
      expect(() => authorizeAccount(byToken({ [accountsClaim]: accounts }), account)).not.toThrow();
    },
  );

  it.each(['other', '', `${account}2`, undefined, 7])('whose accounts are %j is not', (accounts) => {
    const refusal = (): void => authorizeAccount(byToken({ [accountsClaim]: accounts }), account);
    expect(refusal).toThrow(Problem);
    expect(refusal).toThrow(
      `account is ${account}; allowed: an account that the token's claim lapse_accounts lists.`,
    );
  });
});

it('IAM has decided before the function is called', () => {
  expect(() => authorizeAccount(calledBy({ iam: { userArn: callerArn } }), account)).not.toThrow();
});
