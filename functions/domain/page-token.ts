import { type Account, parseAccount, parseSessionId, type SessionId } from './identifiers.ts';
import { formatInstant, type Instant, parseInstant } from './instant.ts';

/** What a page token allows: reading one session, until a moment. */
export interface PageToken {
  readonly account: Account;
  readonly sessionId: SessionId;
  /** The token is no longer valid from this moment on. */
  readonly expiresAt: Instant;
}

/** Milliseconds for which a page token is valid: at least, at most, and where the caller names none. */
export const pageTokenMillis = { shortest: 60_000, longest: 48 * 3_600_000, byDefault: 3_600_000 } as const;

/** What the token says, as the text that is signed. */
export const claimsOf = ({ account, sessionId, expiresAt }: PageToken): string =>
  JSON.stringify([account, sessionId, formatInstant(expiresAt)]);

/** The token of a JSON value that {@link claimsOf} wrote; `undefined` for any other value. */
export function parseClaims(claims: unknown): PageToken | undefined {
  if (!Array.isArray(claims) || claims.length !== 3) return undefined;
  const [account, sessionId, expiresAt] = claims.map((claim: unknown) =>
    typeof claim === 'string' ? claim : '',
  );
  const token = {
    account: parseAccount(account ?? ''),
    sessionId: parseSessionId(sessionId ?? ''),
    expiresAt: parseInstant(expiresAt ?? ''),
  };
  return isComplete(token) ? token : undefined;
}

const isComplete = (token: {
  readonly [Name in keyof PageToken]: PageToken[Name] | undefined;
}): token is PageToken =>
  token.account !== undefined && token.sessionId !== undefined && token.expiresAt !== undefined;

/** Whether the token is no longer valid. */
export const isExpired = ({ expiresAt }: Pick<PageToken, 'expiresAt'>, now: Instant): boolean =>
  expiresAt <= now;
