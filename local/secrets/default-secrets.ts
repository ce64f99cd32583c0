/**
 * What there is where no files are given, all of it invented: one account, one signing key, and API keys. `npm start` prints them.
 */

const merchant = 'krn:partner:global:account:test:M4CIYH2N';

/** The API keys that Klarna knows from the start. */
export const defaultApiKeys = {
  test: 'klarna_test_api_local-not-a-real-key',
  live: 'klarna_live_api_local-not-a-real-key',
} as const;

/** The credential of an unconnected system. Its secret is empty. */
export const emptyCredential = 'acquirer';

export const defaultAccounts = {
  demo: {
    environment: 'test',
    api_key: defaultApiKeys.test,
    partner_account_id: merchant,
    default_session_timeout: 'PT30M',
  },
} as const;

export const defaultSigningKeys = {
  'krn:partner:global:notification:signing-key:local-1': {
    key: 'local-signing-key-not-a-real-secret',
    live: false,
    accounts: { [merchant]: 'demo' },
  },
} as const;
