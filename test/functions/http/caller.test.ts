import { describe, expect, it } from 'vitest';
import {
  accountsClaim,
  authorizeAccount,
  authorizeAdmin,
  callerCauseOf,
  callerOf,
} from '../../../functions/http/caller.ts';
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

const askedBy = (name: string, event = user('checkout')) => ({
  ...event,
  headers: { ...event.headers, 'x-requested-by': name },
});

describe('X-Requested-By', () => {
  it('callerOf adds who is behind the caller', () => {
    expect(callerOf(askedBy('operator:night-shift'))).toBe(
      'arn:aws:iam::000000000000:user/checkout for operator:night-shift',
    );
  });

  it('callerOf replaces an e-mail address in it by a pseudonym', () => {
    expect(callerOf(askedBy('user:jane@example.com'))).toMatch(/ for user:person-[0-9a-f]{8}$/);
  });

  it('callerOf shortens the caller, and not the addition, to 200 characters', () => {
    const longest = `user:${'n'.repeat(64)}`;
    const caller = callerOf(askedBy(longest, byToken({ client_id: 'c'.repeat(300) })));
    expect(caller).toHaveLength(200);
    expect(caller.endsWith(` for ${longest}`)).toBe(true);
  });

  it('callerCauseOf is operator for an operator, and api for everyone else', () => {
    expect(callerCauseOf(askedBy('operator:night-shift'))).toBe('operator');
    expect(callerCauseOf(askedBy('user:operator'))).toBe('api');
    expect(callerCauseOf(user('operator'))).toBe('api');
  });

  it.each([
    '',
    'operator',
    'operator:',
    'admin:jane',
    'user:a b',
    'user:a,user:b',
    `user:${'n'.repeat(65)}`,
    'USER:a',
  ])('callerOf refuses %j', (name) => {
    expect(() => callerOf(askedBy(name))).toThrow(Problem);
    expect(() => callerCauseOf(askedBy(name))).toThrow(Problem);
  });
});

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

const routeOf = { read: 'GET', register: 'PUT', cancel: 'DELETE' } as const;
const byTokenOn = (route: string, claim: unknown) => ({
  ...byToken({ [accountsClaim]: claim }),
  routeKey: route,
});
const calling = (permission: keyof typeof routeOf, claim: unknown) =>
  byTokenOn(`${routeOf[permission]} /accounts/{account}/payment-requests/{payment_request_id}`, claim);
const settings = 'PUT /accounts/{account}/settings';

describe('a JWT, for all accounts', () => {
  it.each(['admin:*', 'shop-se admin:*'])('a JWT with the accounts %j may see all accounts', (accounts) => {
    expect(() => authorizeAdmin(byToken({ [accountsClaim]: accounts }))).not.toThrow();
  });

  it.each(['*', 'read:*', 'admin:m4*', 'admin', 'settings:*', undefined])(
    'a JWT with the accounts %j may not see all accounts',
    (accounts) => {
      expect(() => authorizeAdmin(byToken({ [accountsClaim]: accounts }))).toThrow(Problem);
    },
  );
});

describe('a JWT', () => {
  it.each([
    `${account} other`,
    `[other ${account}]`,
    account,
    '*',
    '[*]',
    'shop-*',
    'read:shop-*',
    'x read:*',
  ])('a JWT with the accounts %j may read the account', (accounts) => {
    expect(() => authorizeAccount(calling('read', accounts), account)).not.toThrow();
  });

  it.each([
    'other',
    '',
    `${account}2`,
    undefined,
    7,
    'shop-n*',
    'cancel:*',
    's*e',
    '**',
    ':*',
    'read:',
    'read:*:*',
  ])('a JWT with the accounts %j may not read the account', (accounts) => {
    const refusal = (): void => authorizeAccount(calling('read', accounts), account);
    expect(refusal).toThrow(Problem);
    expect(refusal).toThrow(
      `account is ${account}; allowed: an account for which the token's claim lapse_accounts allows read.`,
    );
  });

  it('a JWT can allow reading many accounts and canceling one', () => {
    const claim = `read:* cancel:${account}`;
    const other = 'shop-no' as typeof account;
    expect(() => authorizeAccount(calling('read', claim), other)).not.toThrow();
    expect(() => authorizeAccount(calling('cancel', claim), account)).not.toThrow();
    expect(() => authorizeAccount(calling('cancel', claim), other)).toThrow(Problem);
    expect(() => authorizeAccount(calling('register', claim), account)).toThrow(Problem);
  });

  it('an entry of a JWT without an action allows what a shop needs, but not the settings', () => {
    const job = byTokenOn('PUT /accounts/{account}/cancel-jobs/{job_id}', '*');
    expect(() => authorizeAccount(job, account)).not.toThrow();
    for (const permission of ['read', 'register', 'cancel'] as const) {
      expect(() => authorizeAccount(calling(permission, '*'), account)).not.toThrow();
    }
    expect(() => authorizeAccount(byTokenOn(settings, '*'), account)).toThrow(Problem);
    expect(() => authorizeAccount(byTokenOn(settings, 'settings:*'), account)).not.toThrow();
  });
});

it('a caller with IAM credentials may act for every account', () => {
  expect(() => authorizeAccount(calledBy({ iam: { userArn: callerArn } }), account)).not.toThrow();
});
