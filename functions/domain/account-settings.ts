import type { Account } from './identifiers.ts';

/** The settings of one Klarna partner account, with defaults filled in. Durations are in milliseconds. */
export interface AccountSettings {
  readonly account: Account;
  /** The timeout of a session that is registered without one; `undefined` where the account has no default. */
  readonly defaultSessionTimeout: number | undefined;
  /** Whether a request that only a webhook reported gets the default timeout. */
  readonly armOnSubmitted: boolean;
  /** Whether callers may cancel a COMPLETED request without `allow_completed`. */
  readonly cancelCompleted: boolean;
  /** Extra time, given once, for a customer who is IN_PROGRESS at the deadline. */
  readonly inProgressGrace: number | undefined;
  /** How often a deadline may be moved to a later time. */
  readonly maxExtensions: number;
  /** How far from its registration a deadline may be. */
  readonly maxSession: number;
  /** Whether Klarna's expiry of a request follows the deadline of its session. */
  readonly syncKlarnaExpiry: boolean;
  readonly klarna: KlarnaCredentials;
}

/** How to call Klarna for an account. Opaque to the use cases: only the Klarna adapter reads it. */
export interface KlarnaCredentials {
  readonly environment: 'test' | 'live';
  readonly apiKey: string;
  readonly username: string | undefined;
  readonly partnerAccountId: string | undefined;
  readonly clientCertificate: string | undefined;
  readonly clientKey: string | undefined;
}
