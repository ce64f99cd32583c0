/**
 * The environment variables of each function, one schema per function, parsed once when the process starts.
 * The stack takes its types from here: a variable that is missing, or set and never read, does not compile.
 */
import * as v from 'valibot';
import type { FunctionName } from './function-name.ts';

// Messages of our own: valibot's repeat the value.
const name = v.pipe(v.string(), v.minLength(1, 'must not be empty'));
const url = v.pipe(v.string(), v.url('must be a URL'));
const wholeNumber = v.pipe(v.string(), v.regex(/^\d{1,9}$/, 'must be a whole number'), v.transform(Number));

/** The table, and for how many days after its last change a record is retained. */
const table = { TABLE_NAME: name, RETENTION_DAYS: wholeNumber };

/** For how many days after its last change a cancel job is retained, with its report. */
const jobs = { JOB_RETENTION_DAYS: wholeNumber };

/** The seconds that a secret is cached, and those that its last known value serves after that while it cannot be read. */
const secretTimes = { SECRETS_CACHE_SECONDS: wholeNumber, SECRETS_STALE_SECONDS: wholeNumber };

/** Names separated by commas; none in an empty text. */
const names = v.pipe(
  v.string(),
  v.regex(/^(?:[a-z0-9-]{1,32}(?:,(?!$)|$))*$/, 'must be names separated by commas'),
  v.transform((given) => (given === '' ? [] : given.split(','))),
);

/** A time in RFC 3339, or an empty text for none. */
const timeOrNone = v.pipe(
  v.string(),
  v.regex(/^(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)?$/, 'must be a time in RFC 3339 or empty'),
);

/**
 * The secret `accounts`, the secrets of credentials, and the longest session that any account may set, in seconds. The name of a
 * credential follows the prefix.
 */
const accounts = {
  ACCOUNTS_SECRET_ID: name,
  CREDENTIALS_PREFIX: name,
  /** The credentials whose secrets the stack created. The table names the others. */
  CREDENTIALS: names,
  ...secretTimes,
  MAX_SESSION_SECONDS: wholeNumber,
  /** Whether the stage only observes the end of every session, and before which registration. */
  OBSERVE: v.picklist(['true', 'false'], 'must be true or false'),
  ARMED_FROM: timeOrNone,
};

/** Origins of pages, separated by commas. */
const origins = v.pipe(
  v.string(),
  v.regex(/^[^\s,]+(?:,[^\s,]+)*$/, 'must be origins separated by commas'),
  v.transform((given) => given.split(',')),
);

/** What a function needs to make and to accept page tokens. Only a stack with `pageOrigins` sets it. */
const page = {
  /** The origins whose pages a browser lets read a response. */
  PAGE_ORIGINS: v.exactOptional(origins),
  /** The secret with the keys that sign page tokens. */
  PAGE_KEYS_SECRET_ID: v.exactOptional(name),
};

/** The base URLs of Klarna's two environments. Only the stack knows them. */
const klarna = { KLARNA_TEST_URL: url, KLARNA_LIVE_URL: url };

/** What a function needs to remove a session timer. */
const timerRemoval = {
  /** What ends sessions at their deadline: one schedule per session backed by the sweep, or the sweep alone. */
  TIMERS: v.picklist(['scheduler', 'sweep'], 'must be scheduler or sweep'),
  SCHEDULE_GROUP_NAME: name,
};

/** What a function needs to arm, move and remove a session timer. */
const timer = {
  ...timerRemoval,
  SCHEDULE_ROLE_ARN: name,
  TIMER_QUEUE_ARN: name,
  TIMER_QUEUE_URL: url,
  TIMER_DEAD_LETTER_QUEUE_ARN: name,
  /** A deadline closer than this many seconds goes to the queue with a delay: Scheduler's precision is 60 s. */
  SHORT_TIMER_SECONDS: wholeNumber,
};

/** One schema per function. */
export const environments = {
  'register-payment-request': v.object({ ...table, ...accounts, ...klarna, ...timer }),
  'get-payment-request': v.object({ ...table, ...accounts, ...klarna, ...page }),
  'cancel-payment-request': v.object({
    ...table,
    ...jobs,
    ...accounts,
    ...klarna,
    ...timerRemoval,
  }),
  'receive-klarna-webhook': v.object({
    ...table,
    /** For how many days after its arrival a quarantined delivery is retained. */
    QUARANTINE_RETENTION_DAYS: wholeNumber,
    SIGNING_KEYS_SECRET_ID: name,
    ...secretTimes,
  }),
  'cancel-expired-session': v.object({ ...table, ...accounts, ...klarna, ...timer }),
  'reconcile-payment-requests': v.object({
    ...table,
    ...jobs,
    ...accounts,
    ...klarna,
    ...timer,
    /** Cancels per second that all jobs together may start. */
    CANCEL_JOBS_PER_SECOND: wholeNumber,
  }),
  'publish-state-changes': v.object({
    ...table,
    EVENT_BUS_NAME: name,
    UNPUBLISHED_QUEUE_URL: url,
    TIMER_QUEUE_URL: url,
  }),
} as const satisfies Readonly<Record<FunctionName, unknown>>;

/** The variables that the stack must set for a function, as text. */
export type EnvironmentOf<F extends FunctionName> = v.InferInput<(typeof environments)[F]>;

/** The same variables, parsed. */
export type ParsedEnvironment<F extends FunctionName> = v.InferOutput<(typeof environments)[F]>;

/**
 * Parses a function's environment.
 *
 * @throws Error that names every missing or malformed variable and repeats no value.
 */
export function parseEnvironment<F extends FunctionName>(
  functionName: F,
  variables: Readonly<Record<string, string | undefined>>,
): ParsedEnvironment<F> {
  const parsed = v.safeParse(environments[functionName], variables);
  if (parsed.success) return parsed.output;
  const problems = parsed.issues.map(
    (issue) => `${v.getDotPath(issue) ?? '?'} ${issue.input === undefined ? 'is missing' : issue.message}`,
  );
  throw new Error(`${functionName}: environment variables missing or malformed: ${problems.join('; ')}`);
}
