import type { Account, CredentialName } from './identifiers.ts';
import type { Instant } from './instant.ts';
import type { TimeoutSwitches } from './timeout-switches.ts';

/** What an account decides about its sessions. Durations are in milliseconds. */
export interface AccountPolicies extends TimeoutSwitches {
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
  /** Whether a payment ends the other open attempts of its session. */
  readonly endOtherAttempts: boolean;
  /** Whether a payment that nothing told to be authorized needs a person, and lapses. */
  readonly watchAuthorization: boolean;
  /** Milliseconds after COMPLETED at which it needs a person: less than the hour after which it lapses. */
  readonly authorizationAlertAfter: number;
  /** Whether a payment that lapsed is canceled, where Klarna allows that. */
  readonly cancelUnauthorized: boolean;
}

/** The settings of one Klarna partner account, with defaults filled in. */
export interface AccountSettings extends AccountPolicies {
  readonly account: Account;
  readonly klarna: KlarnaCredentials;
}

/** How to call Klarna for an account. Opaque to the use cases: only the Klarna adapter reads it. */
export interface KlarnaCredentials {
  /** Names the API key, without being secret. Calls with the same one share Klarna's rate limit. */
  readonly credential: string;
  /** The part of that limit that Lapse may use, above 0 and at most 1. */
  readonly rateShare: number;
  readonly environment: 'test' | 'live';
  readonly apiKey: string;
  readonly username: string | undefined;
  readonly partnerAccountId: string | undefined;
  readonly clientCertificate: string | undefined;
  readonly clientKey: string | undefined;
  /** When the first of the certificates in `clientCertificate` ends. */
  readonly certificateExpiresAt?: Instant | undefined;
  /** Who integrates with Klarna, by a name such as ACME_PAYMENTS. @default the name of this product */
  readonly integrator?: string | undefined;
  /** On whose behalf: the systems before Lapse, such as the shop's platform. @default none */
  readonly originators?: readonly IntegrationParty[] | undefined;
}

/** A system that takes part in the calls of an account. */
export interface IntegrationParty {
  /** A name such as SHOP_PLATFORM. */
  readonly name: string;
  readonly moduleName?: string | undefined;
  readonly moduleVersion?: string | undefined;
}

/** What an account without an entry in the secret `accounts` decides by itself. The rest it has from its credential. */
export interface AccountOverrides extends Partial<Omit<AccountPolicies, 'stage'>> {
  /** The credential that serves the account, where several could. */
  readonly credential?: CredentialName;
  /** A name for people. It is shown beside the account and never stands for it. */
  readonly alias?: string;
}

/** What is stored about an account without an entry. */
export interface StoredAccount {
  readonly overrides: AccountOverrides;
  /** Klarna reported the account as operational, to the webhook of this credential. */
  readonly onboarded: { readonly credential: CredentialName; readonly at: Instant } | undefined;
  /** Who wrote the overrides last, and when. */
  readonly updated: { readonly by: string; readonly at: Instant } | undefined;
}
