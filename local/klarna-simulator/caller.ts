import type { Environment } from './environment.ts';

/** The caller of the API. */
export interface Caller {
  readonly environment: Environment;
  /** The partner account that the key is bound to; undefined where it may act for any. */
  readonly partnerAccountId?: string;
}

/** What an account has at Klarna: a key, a certificate, a webhook. */
export interface Managed {
  /** Undefined: in both, which only a configured one is. */
  readonly environment?: Environment;
  /** The partner account that has it; undefined: the acquiring partner. */
  readonly account?: string;
  /** From the configuration, not created by a call. */
  readonly configured?: true;
}

/**
 * Whether the caller may see and change it. A key that is bound to an account manages what that account has, and what is configured for
 * no account by name. Any other key manages everything in its environment.
 */
export function isManagedBy({ environment, account, configured }: Managed, caller: Caller): boolean {
  if (environment !== undefined && environment !== caller.environment) return false;
  const { partnerAccountId } = caller;
  if (partnerAccountId === undefined || partnerAccountId === account) return true;
  return account === undefined && configured === true;
}

/** What a caller creates belongs to its account. */
export const managedFor = ({ environment, partnerAccountId: account }: Caller): Managed => ({
  environment,
  ...(account !== undefined && { account }),
});
