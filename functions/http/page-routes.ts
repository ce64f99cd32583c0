import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as v from 'valibot';
import type { Clock, PageKeys } from '../application/ports.ts';
import type { readSession } from '../application/read-session.ts';
import { pagePath } from '../contract/routes.ts';
import { parseDuration } from '../domain/duration.ts';
import type { Account } from '../domain/identifiers.ts';
import { formatInstant, type Instant, plusMillis } from '../domain/instant.ts';
import { isExpired, type PageToken, pageTokenMillis } from '../domain/page-token.ts';
import { corsHeaders, preflightHeaders } from './cors.ts';
import { isPageToken, longestPageToken, openPageToken, signPageToken } from './page-token-signature.ts';
import { optionalBodyOf, queryOf, sessionIdOf } from './parse-request.ts';
import { Problem } from './problem.ts';
import { noQuery } from './query-schemas.ts';
import { jsonResponse } from './response.ts';
import type { OpenRoutes, RouteHandler } from './serve-routes.ts';
import { pageSessionResponse, unknownSession } from './session-response.ts';
import { unknownRoute } from './unknown-route.ts';

/** What page tokens are made and accepted with. */
export interface PageReading {
  readonly readSession: ReturnType<typeof readSession>;
  readonly clock: Pick<Clock, 'instant'>;
  /** Undefined: the stack has no `pageOrigins`. */
  readonly page: PageAccess | undefined;
}

/** Which pages may read a session, and the keys of their tokens. */
export interface PageAccess {
  readonly origins: ReadonlySet<string>;
  readonly keys: PageKeys;
}

const validForFormat = 'an ISO 8601 duration from PT1M to PT48H, such as PT30M';

const validFor = v.pipe(
  v.string(validForFormat),
  v.transform((given) => parseDuration(given) ?? 0),
  v.check(
    (millis) => millis >= pageTokenMillis.shortest && millis <= pageTokenMillis.longest,
    validForFormat,
  ),
);

/** The body of the call that makes a token. */
export const pageTokenBody = v.strictObject({ valid_for: v.optional(validFor) });

/** POST of a page token: for the shop's back end, like every other route. */
export const pageTokenRoutes = ({ readSession: read, clock, page }: PageReading) =>
  ({
    'POST /accounts/{account}/sessions/{session_id}/page-token': async (event, account) => {
      const sessionId = sessionIdOf(event);
      queryOf(event, noQuery);
      const { valid_for: millis = pageTokenMillis.byDefault } = optionalBodyOf(event, pageTokenBody) ?? {};
      if (!page) throw noPageOrigins();
      const records = await read(account, sessionId);
      if (records.length === 0) throw unknownSession(sessionId);
      const [key] = await page.keys.known();
      const expiresAt = plusMillis(clock.instant(), millis);
      const token = signPageToken({ account, sessionId, expiresAt }, key);
      const made = {
        account,
        session_id: sessionId,
        token,
        expires_at: formatInstant(expiresAt),
        path: pagePath,
      };
      return jsonResponse(201, made, { 'cache-control': 'no-store' });
    },
  }) satisfies Readonly<Record<string, RouteHandler<Account>>>;

/** The routes without an authorizer: a page reads the session of its token. Every response says which origin may read it. */
export const pageReadRoutes = ({ readSession: read, clock, page }: PageReading): OpenRoutes => ({
  handlers: {
    'GET /page/session': async (event) => {
      if (!page) throw unknownRoute(event);
      const now = clock.instant();
      const { account, sessionId } = await allowedBy(event, page.keys, now);
      queryOf(event, noQuery);
      const records = await read(account, sessionId);
      return pageSessionResponse(sessionId, records, { ifNoneMatch: event.headers['if-none-match'], now });
    },
    'OPTIONS /page/session': (event) =>
      Promise.resolve({ statusCode: 204, headers: preflightHeaders(event, page?.origins), body: '' }),
  },
  headersOf: (event) => corsHeaders(event, page?.origins),
  isDeployed: page !== undefined,
});

/** What the token of the call allows. Throws the problem to respond with. Nothing is read from the table before. */
async function allowedBy(event: APIGatewayProxyEventV2, keys: PageKeys, now: Instant): Promise<PageToken> {
  const header = event.headers['authorization'];
  if (header === undefined)
    throw refused('The header Authorization is missing; allowed: Bearer and a page token.', 'Bearer');
  const text = bearer.exec(header)?.[1];
  const token = text === undefined ? undefined : await openedWith(text, keys);
  if (!token) throw refused(`The page token is not valid. ${advice}`, invalidToken);
  if (isExpired(token, now)) throw refused(`The page token has expired. ${advice}`, invalidToken);
  return token;
}

/** Another process may know a newer key: it is looked for every five seconds at most, whatever callers send. */
async function openedWith(text: string, keys: PageKeys): Promise<PageToken | undefined> {
  if (!isPageToken(text)) return undefined;
  const opened = openPageToken(text, await keys.known());
  if (opened) return opened;
  const newer = await keys.refreshed();
  return newer && openPageToken(text, newer);
}

/** One token. Its length is limited before it is looked at. */
const bearer = new RegExp(`^Bearer ([A-Za-z0-9._-]{1,${longestPageToken}})$`, 'i');

const invalidToken = 'Bearer error="invalid_token"';

const advice = "Get a new one from the shop's back end.";

const refused = (detail: string, challenge: string): Problem =>
  new Problem('invalid-page-token', { detail, challenge });

const noPageOrigins = (): Problem =>
  new Problem('no-page-origins', {
    detail:
      "This deployment serves no pages. Set pageOrigins to the origins of the shop's pages, such as https://shop.example, and deploy.",
  });
