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

const user = (name: string) => calledBy({ iam: { userArn: `arn:aws:iam::000000000000:user/${name}` } });

describe('callerOf', () => {
  it.each([
    ['a user is named by its ARN', calledBy({ iam: { userArn: callerArn } }), callerArn],
    [
      'a role is named without its session',
      byRole('jane@example.com'),
      'arn:aws:sts::000000000000:assumed-role/Checkout',
    ],
    [
      'a federated user is named without its name',
      calledBy({ iam: { userArn: 'arn:aws:sts::000000000000:federated-user/jane' } }),
      'arn:aws:sts::000000000000:federated-user',
    ],
    ['a token is named by its client', byToken({ client_id: 'checkout', sub: 'jane' }), 'jwt:checkout'],
    ['a token without a client is named by its subject', byToken({ sub: 'checkout' }), 'jwt:checkout'],
    ['a call without an authorizer has an unknown caller', calledBy(undefined), 'unknown'],
  ])('%s', (_, event, expected) => {
    expect(callerOf(event)).toBe(expected);
  });

  it.each([
    ['a user', user('jane@example.com'), 'arn:aws:iam::000000000000:user/person-'],
    ['a user below a path', user('shop/jane@example.com'), 'arn:aws:iam::000000000000:user/shop/person-'],
    [
      'a role',
      calledBy({ iam: { userArn: 'arn:aws:sts::000000000000:assumed-role/jane@example.com/x' } }),
      'arn:aws:sts::000000000000:assumed-role/person-',
    ],
    ['a client', byToken({ client_id: 'jane@example.com' }), 'jwt:person-'],
    ['a subject', byToken({ sub: 'Jane%40example.com' }), 'jwt:person-'],
  ])('callerOf replaces an e-mail address by a pseudonym in the name of %s', (_, event, beginning) => {
    const caller = callerOf(event);
    expect(caller.slice(0, -8)).toBe(beginning);
    expect(caller).toMatch(/person-[0-9a-f]{8}$/);
    expect(caller).not.toMatch(/jane|example/i);
  });

  it('callerOf gives one e-mail address one pseudonym, in upper and lower case', () => {
    expect(callerOf(user('jane@example.com'))).toBe(callerOf(user('Jane@Example.com')));
    expect(callerOf(user('jane@example.com'))).not.toBe(callerOf(user('joan@example.com')));
  });

  it('callerOf returns at most 200 printable characters', () => {
    expect(callerOf(byToken({ client_id: `\u0000é${'x'.repeat(500)}` }))).toBe(`jwt:??${'x'.repeat(194)}`);
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
