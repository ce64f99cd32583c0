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

describe('callerOf', () => {
  it.each([
    ['the ARN of a user', calledBy({ iam: { userArn: callerArn } }), callerArn],
    [
      'the ARN of a role without its session name',
      byRole('jane@example.com'),
      'arn:aws:sts::000000000000:assumed-role/Checkout',
    ],
    ['the client of a token', byToken({ client_id: 'checkout', sub: 'user-1' }), 'jwt:checkout'],
    ['the subject of a token', byToken({ sub: 'checkout' }), 'jwt:checkout'],
    ['unknown if the subject is an e-mail address', byToken({ sub: 'jane@example.com' }), 'unknown'],
    ['unknown if there is no authorizer', calledBy(undefined), 'unknown'],
  ])('callerOf returns %s', (_, event, expected) => {
    expect(callerOf(event)).toBe(expected);
  });
});

describe('a JWT', () => {
  it.each([`${account} other`, `[other ${account}]`, account, '*', '[*]'])(
    'a JWT with the accounts %j may act for the account',
    (accounts) => {
      expect(() => authorizeAccount(byToken({ [accountsClaim]: accounts }), account)).not.toThrow();
    },
  );

  it.each(['other', '', `${account}2`, undefined, 7])(
    'a JWT with the accounts %j may not act for the account',
    (accounts) => {
      const refusal = (): void => authorizeAccount(byToken({ [accountsClaim]: accounts }), account);
      expect(refusal).toThrow(Problem);
      expect(refusal).toThrow(
        `account is ${account}; allowed: an account that the token's claim lapse_accounts lists.`,
      );
    },
  );
});

it('a caller with IAM credentials may act for every account', () => {
  expect(() => authorizeAccount(calledBy({ iam: { userArn: callerArn } }), account)).not.toThrow();
});
