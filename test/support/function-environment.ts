import type { EnvironmentOf } from '../../functions/contract/environment.ts';

/** Every variable of every function, as a stack would set it. */
const variables = {
  TABLE_NAME: 'lapse',
  RETENTION_DAYS: '90',
  QUARANTINE_RETENTION_DAYS: '60',
  JOB_RETENTION_DAYS: '40',
  ACCOUNTS_SECRET_ID: 'lapse/accounts',
  CREDENTIALS_PREFIX: 'lapse/credentials/',
  CREDENTIALS: '',
  SIGNING_KEYS_SECRET_ID: 'lapse/signing-keys',
  SECRETS_CACHE_SECONDS: '0',
  SECRETS_STALE_SECONDS: '0',
  MAX_SESSION_SECONDS: '172800',
  OBSERVE: 'false',
  ARMED_FROM: '',
  KLARNA_TEST_URL: 'http://127.0.0.1:9',
  KLARNA_LIVE_URL: 'http://127.0.0.1:9',
  TIMERS: 'scheduler',
  SCHEDULE_GROUP_NAME: 'lapse-sessions',
  SCHEDULE_ROLE_ARN: 'arn:aws:iam::000000000000:role/timer',
  TIMER_QUEUE_ARN: 'arn:aws:sqs:eu-north-1:000000000000:timers',
  TIMER_QUEUE_URL: 'https://sqs.eu-north-1.amazonaws.com/000000000000/timers',
  TIMER_DEAD_LETTER_QUEUE_ARN: 'arn:aws:sqs:eu-north-1:000000000000:timers-dead',
  SHORT_TIMER_SECONDS: '90',
  EVENT_BUS_NAME: 'lapse',
  UNPUBLISHED_QUEUE_URL: 'https://sqs.eu-north-1.amazonaws.com/000000000000/unpublished',
  CANCEL_JOBS_PER_SECOND: '10',
} as const satisfies EnvironmentOf<'reconcile-payment-requests'> &
  EnvironmentOf<'receive-klarna-webhook'> &
  EnvironmentOf<'publish-state-changes'>;

/** What a stack with `pageOrigins` sets too. */
export const pageEnvironment = {
  PAGE_ORIGINS: 'https://shop.example,https://www.shop.example:8443',
  PAGE_KEYS_SECRET_ID: 'lapse/page-keys',
} as const satisfies Partial<EnvironmentOf<'get-payment-request'>>;

/** Sets the environment for the import of a handler. Secrets are not cached, so that a test can change them. */
export function setFunctionEnvironment(
  overrides: Partial<Record<keyof typeof variables | keyof typeof pageEnvironment, string>> = {},
): void {
  Object.assign(process.env, variables, overrides, {
    AWS_REGION: 'eu-north-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    SERVICE_NAME: 'lapse',
    METRICS_STACK: 'Lapse',
  });
}
