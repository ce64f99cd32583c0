import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { environments, parseEnvironment } from '../../../functions/contract/environment.ts';
import { functionNames } from '../../../functions/contract/function-name.ts';
import { pageEnvironment } from '../../support/function-environment.ts';

const timerVariables = {
  TABLE_NAME: 'lapse',
  RETENTION_DAYS: '90',
  ACCOUNTS_SECRET_ID: 'accounts',
  CREDENTIALS_PREFIX: 'Lapse/credentials/',
  CREDENTIALS: 'acquirer,direct',
  SECRETS_CACHE_SECONDS: '120',
  SECRETS_STALE_SECONDS: '900',
  MAX_SESSION_SECONDS: '172800',
  OBSERVE: 'true',
  ARMED_FROM: '2026-03-01T06:00:00Z',
  KLARNA_TEST_URL: 'https://api-global.test.klarna.com',
  KLARNA_LIVE_URL: 'https://api-global.klarna.com',
  TIMERS: 'scheduler',
  SCHEDULE_GROUP_NAME: 'sessions',
  SCHEDULE_ROLE_ARN: 'arn:aws:iam::000000000000:role/timer',
  TIMER_QUEUE_ARN: 'arn:aws:sqs:eu-north-1:000000000000:timers',
  TIMER_QUEUE_URL: 'https://sqs.eu-north-1.amazonaws.com/000000000000/timers',
  TIMER_DEAD_LETTER_QUEUE_ARN: 'arn:aws:sqs:eu-north-1:000000000000:timers-dead',
  SHORT_TIMER_SECONDS: '90',
};

it('environment.ts has one schema for each name, which is a file in functions/', () => {
  const files = readdirSync(new URL('../../../functions', import.meta.url)).filter((file) =>
    file.endsWith('.ts'),
  );
  expect(functionNames.map((name) => `${name}.ts`).toSorted()).toEqual(files.toSorted());
  expect(Object.keys(environments).toSorted()).toEqual(functionNames.toSorted());
});

describe('parseEnvironment', () => {
  it('parseEnvironment returns numbers as numbers and only the variables of the function', () => {
    const parsed = parseEnvironment('cancel-expired-session', { ...timerVariables, HOME: '/root' });
    expect(parsed).toEqual({
      ...timerVariables,
      CREDENTIALS: ['acquirer', 'direct'],
      RETENTION_DAYS: 90,
      SECRETS_CACHE_SECONDS: 120,
      SECRETS_STALE_SECONDS: 900,
      MAX_SESSION_SECONDS: 172800,
      SHORT_TIMER_SECONDS: 90,
    });
  });

  it.each(functionNames)('parseEnvironment has no default for any variable of %s', (name) => {
    const message = messageOf(() => parseEnvironment(name, {}));
    for (const variable of Object.keys(environments[name].entries)) {
      if (!(variable in pageEnvironment)) expect(message).toContain(`${variable} is missing`);
    }
  });

  it('parseEnvironment reads the origins of pages, where the stack has any', () => {
    const { PAGE_ORIGINS, PAGE_KEYS_SECRET_ID } = pageEnvironment;
    const parse = (page: object) => parseEnvironment('get-payment-request', { ...timerVariables, ...page });
    expect(parse({})).not.toHaveProperty('PAGE_ORIGINS');
    expect(parse(pageEnvironment)).toMatchObject({
      PAGE_ORIGINS: PAGE_ORIGINS.split(','),
      PAGE_KEYS_SECRET_ID,
    });
    expect(() => parse({ PAGE_ORIGINS: 'https://shop.example, https://m.shop.example' })).toThrow(
      'PAGE_ORIGINS must be origins separated by commas',
    );
  });

  it('parseEnvironment names every wrong variable at once and quotes no value', () => {
    const secret = 'klarna_test_api_in-the-wrong-place';
    const message = messageOf(() =>
      parseEnvironment('cancel-expired-session', {
        ...timerVariables,
        TABLE_NAME: '',
        KLARNA_TEST_URL: secret,
        SECRETS_CACHE_SECONDS: secret,
        RETENTION_DAYS: '-1',
        ACCOUNTS_SECRET_ID: undefined,
        OBSERVE: 'yes',
        ARMED_FROM: 'tomorrow',
      }),
    );
    expect(message).toBe(
      'cancel-expired-session: environment variables missing or malformed: TABLE_NAME must not be empty; ' +
        'RETENTION_DAYS must be a whole number; ACCOUNTS_SECRET_ID is missing; ' +
        'SECRETS_CACHE_SECONDS must be a whole number; OBSERVE must be true or false; ' +
        'ARMED_FROM must be a time in RFC 3339 or empty; KLARNA_TEST_URL must be a URL',
    );
  });

  it.each(['a,', ',a', 'a b', 'A', 'a'.repeat(33)])('parseEnvironment refuses the names %o', (text) => {
    expect(() =>
      parseEnvironment('cancel-expired-session', { ...timerVariables, CREDENTIALS: text }),
    ).toThrow('CREDENTIALS must be names separated by commas');
  });

  it('parseEnvironment returns no names for an empty text', () => {
    const parsed = parseEnvironment('cancel-expired-session', { ...timerVariables, CREDENTIALS: '' });
    expect(parsed.CREDENTIALS).toEqual([]);
  });

  it('parseEnvironment accepts two values of TIMERS', () => {
    const timers = (TIMERS: string) =>
      parseEnvironment('cancel-expired-session', { ...timerVariables, TIMERS });
    expect(timers('sweep').TIMERS).toBe('sweep');
    expect(() => timers('cron')).toThrow('TIMERS must be scheduler or sweep');
  });

  it.each(['1.5', '1e3', ' 1', '', '9999999999', '０'])('parseEnvironment refuses the number %o', (text) => {
    expect(() =>
      parseEnvironment('cancel-expired-session', { ...timerVariables, SHORT_TIMER_SECONDS: text }),
    ).toThrow('SHORT_TIMER_SECONDS must be a whole number');
  });
});

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('nothing was thrown');
}
