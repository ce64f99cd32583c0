/**
 * The two secrets where no files are given: one account and one signing key, both invented. `npm start` prints them.
 */

const merchant = 'krn:partner:global:account:test:M4CIYH2N';

export const defaultAccounts = {
  demo: {
    environment: 'test',
    api_key: 'klarna_test_api_local-not-a-real-key',
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
