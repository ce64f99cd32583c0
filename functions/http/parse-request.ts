import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as v from 'valibot';
import type { Accounts } from '../application/ports.ts';
import type { AccountSettings } from '../domain/account-settings.ts';
import { readJson } from '../contract/read-json.ts';
import { durationFormat, parseDuration } from '../domain/duration.ts';
import {
  type Account,
  parseAccount,
  parsePaymentRequestId,
  parseSessionId,
  parseReference,
  type PaymentRequestKey,
  pathIdPattern,
  type Reference,
  textPattern,
  type SessionId,
} from '../domain/identifiers.ts';
import { parseInstant } from '../domain/instant.ts';
import { authorizeAccount } from './caller.ts';
import { type FieldError, invalid, Problem, shortened, shown } from './problem.ts';

/** Bytes. Most bodies have a few hundred. */
const defaultBodyLimit = 16 * 1024;

/**
 * Throws a problem unless the path is its route with the path parameters in it. API Gateway decodes a path before it matches a
 * route: an encoded `?` cuts a parameter, and dot segments are folded. The parameters would then name something else than the path.
 */
export function checkPath({ routeKey, rawPath, pathParameters }: APIGatewayProxyEventV2): void {
  const [, template = ''] = routeKey.split(' ');
  const expected = template.replace(/\{(\w+)\}/g, (_, name: string) => pathParameters?.[name] ?? '');
  if (rawPath !== expected) throw invalid({ field: 'path', given: shown(rawPath), allowed: template });
}

/** The account of the path. Throws the problem to respond with when it is malformed or the caller may not act for it. */
export function accountNameOf(event: APIGatewayProxyEventV2): Account {
  const given = event.pathParameters?.['account'] ?? '';
  const account = parseAccount(given);
  if (!account)
    throw invalid({
      field: 'account',
      given: shown(given),
      allowed: '1 to 32 lower-case letters, digits and hyphens',
    });
  authorizeAccount(event, account);
  return account;
}

/** The settings of the account in the path. Throws the problem to respond with. */
export async function accountOf(event: APIGatewayProxyEventV2, accounts: Accounts): Promise<AccountSettings> {
  const account = accountNameOf(event);
  const settings = await accounts.find(account);
  if (!settings) throw unknownAccount(account);
  return settings;
}

/** The problem of an account that has no entry, and that no credential serves. */
export function unknownAccount(account: Account): Problem {
  const allowed = 'an account in the secret accounts, or one that a credential serves';
  return new Problem('unknown-account', {
    detail: `account is ${shown(account)}; allowed: ${allowed}.`,
    errors: [{ field: 'account', given: shown(account), allowed }],
  });
}

/** The Payment Request of the path, under an account that has been checked. */
export function keyOf(
  event: APIGatewayProxyEventV2,
  { account }: Pick<AccountSettings, 'account'>,
): PaymentRequestKey {
  const given = event.pathParameters?.['payment_request_id'] ?? '';
  const paymentRequestId = parsePaymentRequestId(given);
  if (!paymentRequestId) {
    const allowed =
      "Klarna's id of a Payment Request, such as krn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-41d55fafbdb4";
    throw invalid({ field: 'payment_request_id', given: shown(given), allowed });
  }
  return { account, paymentRequestId };
}

/** The session of the path. */
export function sessionIdOf(event: APIGatewayProxyEventV2): SessionId {
  const given = event.pathParameters?.['session_id'] ?? '';
  const sessionId = parseSessionId(given);
  if (!sessionId) throw invalid({ field: 'session_id', given: shown(given), allowed: pathIdFormat });
  return sessionId;
}

/** The shop's own reference in the path. */
export function referenceOf(event: APIGatewayProxyEventV2): Reference {
  const given = event.pathParameters?.['reference'] ?? '';
  const reference = parseReference(given);
  if (!reference) throw invalid({ field: 'reference', given: shown(given), allowed: pathIdFormat });
  return reference;
}

/**
 * The query, by a strict schema: a misspelled `dry_run` must not cancel anything. A GET or DELETE with a body is refused, because a
 * `dry_run` in it would have no effect. A field that is given twice is refused, because API Gateway joins the two by a comma.
 */
export function queryOf<Schema extends v.GenericSchema>(
  event: APIGatewayProxyEventV2,
  schema: Schema,
): v.InferOutput<Schema> {
  if (queryMethods.includes(event.requestContext.http.method)) refuseBody(event);
  const names = [...new URLSearchParams(event.rawQueryString).keys()];
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) {
    throw invalid({ field: shortened(twice), given: 'given more than once', allowed: 'once' });
  }
  return parse(schema, event.queryStringParameters ?? {}, 'query');
}

/** Methods of calls that take only a query. */
const queryMethods = ['GET', 'DELETE'];

function refuseBody(event: APIGatewayProxyEventV2): void {
  const { length } = bytesOf(event);
  if (length === 0) return;
  const allowed = 'no body; send parameters in the query';
  throw invalid({ field: 'body', given: `${length} bytes`, allowed });
}

const bytesOf = ({ body, isBase64Encoded }: APIGatewayProxyEventV2): Buffer =>
  Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8');

/** The body by a strict schema: a JSON object of at most `bodyLimit` bytes. */
export function bodyOf<Schema extends v.GenericSchema>(
  event: APIGatewayProxyEventV2,
  schema: Schema,
  bodyLimit = defaultBodyLimit,
): v.InferOutput<Schema> {
  const bytes = bytesOf(event);
  if (bytes.length > bodyLimit) {
    throw new Problem('payload-too-large', {
      detail: `body is ${bytes.length} bytes; allowed: at most ${bodyLimit} bytes.`,
      errors: [{ field: 'body', given: `${bytes.length} bytes`, allowed: `at most ${bodyLimit} bytes` }],
    });
  }
  return parse(schema, objectOf(bytes), 'body');
}

/** The body by a strict schema; `undefined` where there is none. */
export const optionalBodyOf = <Schema extends v.GenericSchema>(
  event: APIGatewayProxyEventV2,
  schema: Schema,
): v.InferOutput<Schema> | undefined => (bytesOf(event).length > 0 ? bodyOf(event, schema) : undefined);

/** Refuses a body with anything in it: the call takes none, or `{}`. */
export function checkEmptyBody(event: APIGatewayProxyEventV2): void {
  optionalBodyOf(event, v.strictObject({}));
}

/** The schema alone would accept an empty array as an empty object. */
function objectOf(bytes: Buffer): unknown {
  const json = readJson(bytes);
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json;
  throw invalid({ field: 'body', given: givenAs(bytes, json), allowed: 'a JSON object in UTF-8' });
}

/** What the body is, and not the body itself where that is not JSON. */
function givenAs({ length }: Buffer, json: unknown): string {
  if (json !== undefined) return shown(json);
  if (length === 0) return 'missing';
  return length === 1 ? '1 byte that is not JSON' : `${length} bytes that are not JSON`;
}

/** The input by a schema. Throws the problem that names each wrong field. `whole` is the name of all of it. */
export function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
  whole: string,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, input);
  if (parsed.success) return parsed.output;
  throw invalid(...parsed.issues.map((issue) => fieldError(issue, whole)));
}

function fieldError(issue: v.BaseIssue<unknown>, whole: string): FieldError {
  const field = shortened(v.getDotPath(issue) ?? whole);
  return {
    field,
    given: shown(sentIn(issue)),
    allowed: issue.expected === 'never' ? 'no field of this name' : issue.message,
  };
}

/** What the caller sent. The input of a check that follows a transformation is something else, and that of a wrong name is the name. */
function sentIn({ input, path, expected }: v.BaseIssue<unknown>): unknown {
  const last = path?.at(-1);
  if (!last) return input;
  return 'origin' in last && last.origin === 'key' && expected !== 'never' ? input : last.value;
}

const pathIdFormat =
  '1 to 255 characters, no control characters and none of / \\ ? # %, and not . or .. alone';

/** An id that a path can carry, for sessions and references. */
export const pathId = v.pipe(v.string(pathIdFormat), v.regex(pathIdPattern, pathIdFormat));

const textFormat = '1 to 255 characters, no control characters';

/** A short text in the caller's words. */
export const text = v.pipe(v.string(textFormat), v.regex(textPattern, textFormat));

/** An ISO 8601 duration; the text as given, and its milliseconds. */
export const duration = v.pipe(
  v.string(durationFormat),
  v.check((given) => parseDuration(given) !== undefined, durationFormat),
  v.transform((given) => ({ given, millis: parseDuration(given) ?? 0 })),
);

const timeFormat = 'a time in RFC 3339, such as 2026-01-31T12:00:00Z';

/** An RFC 3339 time; the text as given, and the instant. */
export const time = v.pipe(
  v.string(timeFormat),
  v.check((given) => parseInstant(given) !== undefined, timeFormat),
  v.transform((given) => ({ given, at: parseInstant(given) })),
);

/** Words as a list for a person: `GET`, `GET or PUT`, `GET, PUT or DELETE`. */
export const listed = (words: readonly string[]): string =>
  [words.slice(0, -1).join(', '), ...words.slice(-1)].filter((part) => part !== '').join(' or ');

/** One of these words. */
export const choice = <const Words extends readonly string[]>(words: Words) =>
  v.picklist(words, listed(words));

/** `true` or `false` in a query. */
export const flag = v.pipe(
  choice(['true', 'false']),
  v.transform((given) => given === 'true'),
);
