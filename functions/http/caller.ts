import { hash } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { type ApiAction, type Route, routes, shopActions } from '../contract/routes.ts';
import { includesAccount } from '../domain/account-pattern.ts';
import type { Account } from '../domain/identifiers.ts';
import type { Requester } from '../domain/requester.ts';
import { callerTraceIdIn } from '../domain/trace.ts';
import { invalid, Problem, shown } from './problem.ts';

type Claims = Readonly<Record<string, unknown>>;

interface Authorizer {
  readonly iam?: { readonly userArn?: string };
  readonly jwt?: { readonly claims?: Claims };
}

/**
 * The claim that lists the accounts that a token may act for, separated by spaces. Each entry is a name or a pattern such as `m4*`;
 * `*` means all. A permission before it, as in `read:m4*`, allows that alone.
 */
export const accountsClaim = 'lapse_accounts';

const authorizerOf = (event: APIGatewayProxyEventV2): Authorizer =>
  (event.requestContext as { readonly authorizer?: Authorizer }).authorizer ?? {};

/**
 * The caller as the record stores it: the ARN of the role or user, or the client of the token; at most 200 characters. The header
 * `X-Requested-By` adds who is behind it. It never
 * names a person. Session names are left out, since single sign-on puts e-mail addresses there. An e-mail address elsewhere
 * becomes `person-` and the start of its SHA-256, so that calls of one person can still be told apart.
 */
export function callerOf(event: APIGatewayProxyEventV2): string {
  const { iam, jwt } = authorizerOf(event);
  const { client_id: client, sub: subject } = jwt?.claims ?? {};
  const named = [client, subject].find((claim) => typeof claim === 'string' && claim !== '');
  const name =
    iam?.userArn === undefined
      ? printable(typeof named === 'string' ? `jwt:${named}` : 'unknown')
      : callerOfArn(iam.userArn);
  const behind = requestedByOf(event);
  if (behind === undefined) return name.slice(0, longestCaller);
  const addition = ` for ${printable(behind)}`;
  return `${name.slice(0, longestCaller - addition.length)}${addition}`;
}

/** The caller as the record stores it, with the trace of its `traceparent`. */
export const requesterOf = (event: APIGatewayProxyEventV2): Requester => ({
  requestedBy: callerOf(event),
  callerTraceId: callerTraceIdOf(event),
});

/** The trace id of the caller's `traceparent`, if it sends one that is well formed. */
export const callerTraceIdOf = ({ headers }: APIGatewayProxyEventV2): string | undefined =>
  callerTraceIdIn(headers['traceparent']);

/** The caller with this ARN, as the record stores it. */
export const callerOfArn = (arn: string): string =>
  printable(arn.replace(sessionName, '$1')).slice(0, longestCaller);

/** `operator` where the header `X-Requested-By` names one; otherwise `api`. It says who asks, and gives no permission. */
export const callerCauseOf = (event: APIGatewayProxyEventV2): 'api' | 'operator' =>
  requestedByOf(event)?.startsWith('operator:') ? 'operator' : 'api';

/** Who is behind the caller, by its own word. Throws the problem `invalid-request` where the header is malformed. */
function requestedByOf({ headers }: APIGatewayProxyEventV2): string | undefined {
  const given = headers[requestedByHeader];
  if (given === undefined || requestedByPattern.test(given)) return given;
  throw invalid({
    field: 'X-Requested-By',
    given: shown(given),
    allowed: 'user: or operator: and 1 to 64 of A-Z, a-z, 0-9 and ._@+-',
  });
}

const printable = (caller: string): string =>
  caller.replace(emailAddress, pseudonymOf).replace(/[^\x20-\x7e]/g, '?');

const longestCaller = 200;

/** API Gateway writes the names of headers in lower case. */
const requestedByHeader = 'x-requested-by';

const requestedByPattern = /^(?:user|operator):[A-Za-z0-9._@+-]{1,64}$/;

/** The session name of an assumed role, or of a federated user (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html). */
const sessionName = /(:(?:assumed-role\/[^/]+|federated-user))\/.*$/s;

const emailAddress = /[^/:\s]*(?:@|%40)[^/:\s]*/gi;

const pseudonymOf = (person: string): string => `person-${hash('sha256', person.toLowerCase()).slice(0, 8)}`;

/**
 * Throws the problem `forbidden` unless the caller may make this call for the account. IAM decides by the method and the path before
 * it invokes the function. A JWT authorizer knows routes and no accounts, so the token lists in {@link accountsClaim} what it may do.
 */
export function authorizeAccount(event: APIGatewayProxyEventV2, account: Account): void {
  const { jwt } = authorizerOf(event);
  if (!jwt) return;
  const permission = permissionOf(event.routeKey);
  const isGranted = listed(jwt.claims?.[accountsClaim]).some((grant) => grants(grant, permission, account));
  if (isGranted) return;
  const allowed = `an account for which the token's claim ${accountsClaim} allows ${permission}`;
  throw new Problem('forbidden', {
    detail: `account is ${account}; allowed: ${allowed}.`,
    errors: [{ field: 'account', given: account, allowed }],
  });
}

/** Throws the problem `forbidden` unless the caller may see all accounts. IAM decides by the path, and a token needs `admin:*`. */
export function authorizeAdmin(event: APIGatewayProxyEventV2): void {
  const { jwt } = authorizerOf(event);
  if (!jwt || listed(jwt.claims?.[accountsClaim]).includes('admin:*')) return;
  const allowed = `a token whose claim ${accountsClaim} has admin:*`;
  throw new Problem('forbidden', {
    detail: `The call is about all accounts; allowed: ${allowed}.`,
    errors: [{ field: 'account', given: 'all', allowed }],
  });
}

/** The permission of a route. An unknown route has been refused before. */
const permissionOf = (routeKey: string): ApiAction =>
  Object.hasOwn(routes, routeKey) ? routes[routeKey as Route].permission : 'settings';

/** Whether an entry of the claim, such as `m4*` or `read:m4*`, grants the permission for the account. */
function grants(grant: string, permission: ApiAction, account: Account): boolean {
  const [pattern = '', named] = grant.split(':').toReversed();
  const isMeant = named === undefined ? shopActions.includes(permission) : named === permission;
  return isMeant && grant.split(':').length <= 2 && includesAccount(pattern, account);
}

/** API Gateway writes a claim that is a list as `[a b]`. */
const listed = (claim: unknown): readonly string[] =>
  typeof claim === 'string' ? claim.replace(/^\[|\]$/g, '').split(/[ ,]+/) : [];
