import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { Account } from '../domain/identifiers.ts';
import { Problem } from './problem.ts';

type Claims = Readonly<Record<string, unknown>>;

interface Authorizer {
  readonly iam?: { readonly userArn?: string };
  readonly jwt?: { readonly claims?: Claims };
}

/** The claim that lists the accounts a token is good for, separated by spaces; `*` is all of them. */
export const accountsClaim = 'lapse_accounts';

const authorizerOf = (event: APIGatewayProxyEventV2): Authorizer =>
  (event.requestContext as { readonly authorizer?: Authorizer }).authorizer ?? {};

/**
 * Who is calling, as the record keeps it: the role or user by its ARN, or the token's client. Never a person: the session name
 * of a role, which is an e-mail address where people sign in by single sign-on, is left out, and so is a subject that has an `@`.
 */
export function callerOf(event: APIGatewayProxyEventV2): string {
  const { iam, jwt } = authorizerOf(event);
  if (iam?.userArn !== undefined) return iam.userArn.replace(/(:assumed-role\/[^/]+)\/.*$/, '$1');
  const named = [jwt?.claims?.['client_id'], jwt?.claims?.['sub']].find(
    (claim) => typeof claim === 'string' && !claim.includes('@'),
  );
  return typeof named === 'string' ? `jwt:${named}` : 'unknown';
}

/**
 * Throws unless the caller may act for the account. IAM has decided that by the path before the function is called; a JWT
 * authorizer knows routes but no paths, so the token says it in {@link accountsClaim}.
 */
export function authorizeAccount(event: APIGatewayProxyEventV2, account: Account): void {
  const { jwt } = authorizerOf(event);
  if (!jwt) return;
  const accounts = listed(jwt.claims?.[accountsClaim]);
  if (accounts.includes(account) || accounts.includes('*')) return;
  const allowed = `an account that the token's claim ${accountsClaim} lists`;
  throw new Problem('forbidden', {
    detail: `account is ${account}; allowed: ${allowed}.`,
    errors: [{ field: 'account', given: account, allowed }],
  });
}

/** API Gateway passes a list on as `[a b]`. */
const listed = (claim: unknown): readonly string[] =>
  typeof claim === 'string' ? claim.replace(/^\[|\]$/g, '').split(/[ ,]+/) : [];
