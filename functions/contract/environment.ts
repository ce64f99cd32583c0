/**
 * The environment variables of each function: one schema a function, parsed once when the process starts.
 * The stack takes its types from here, so a variable that is missing, or set and never read, does not compile.
 */
import * as v from 'valibot';

// Words of our own for each: valibot's would repeat the value.
const name = v.pipe(v.string(), v.minLength(1, 'must not be empty'));
const url = v.pipe(v.string(), v.url('must be a URL'));
const wholeNumber = v.pipe(v.string(), v.regex(/^\d{1,9}$/, 'must be a whole number'), v.transform(Number));

/** Where the records are, and for how many days after its last change one is kept. */
const table = { TABLE_NAME: name, RETENTION_DAYS: wholeNumber };

/** The secret `accounts`, for how many seconds it is cached, and how far away any of them may set a deadline. */
const accounts = {
  ACCOUNTS_SECRET_ID: name,
  SECRETS_CACHE_SECONDS: wholeNumber,
  MAX_SESSION_SECONDS: wholeNumber,
};

/** Klarna's two environments. Nobody but the stack knows their addresses. */
const klarna = { KLARNA_TEST_URL: url, KLARNA_LIVE_URL: url };

/** What it takes to remove a session timer, and no more. */
const timerRemoval = {
  /** Who ends sessions at their deadline: a schedule each, with the sweep behind it, or the sweep alone. */
  TIMERS: v.picklist(['scheduler', 'sweep'], 'must be scheduler or sweep'),
  SCHEDULE_GROUP_NAME: name,
};

/** What it takes to arm, move and remove a session timer. */
const timer = {
  ...timerRemoval,
  SCHEDULE_ROLE_ARN: name,
  TIMER_QUEUE_ARN: name,
  TIMER_QUEUE_URL: url,
  TIMER_DEAD_LETTER_QUEUE_ARN: name,
  /** A deadline closer than this many seconds goes to the queue with a delay; Scheduler's precision is 60 s. */
  SHORT_TIMER_SECONDS: wholeNumber,
};

/** One schema per function; the keys are the names of the files in functions/. */
export const environments = {
  'register-payment-request': v.object({ ...table, ...accounts, ...klarna, ...timer }),
  'get-payment-request': v.object({ ...table, ...accounts, ...klarna }),
  'cancel-payment-request': v.object({ ...table, ...accounts, ...klarna, ...timerRemoval }),
  'receive-klarna-webhook': v.object({
    ...table,
    SIGNING_KEYS_SECRET_ID: name,
    SECRETS_CACHE_SECONDS: wholeNumber,
  }),
  'cancel-expired-session': v.object({ ...table, ...accounts, ...klarna, ...timer }),
  'reconcile-payment-requests': v.object({
    ...table,
    ...accounts,
    ...klarna,
    ...timer,
    /** Cancels that all jobs together may begin a second. */
    CANCEL_JOBS_PER_SECOND: wholeNumber,
  }),
  'publish-state-changes': v.object({ EVENT_BUS_NAME: name }),
} as const;

/** The name of a function: of its file, its bundle and, in the stack, its construct. */
export type FunctionName = keyof typeof environments;

/** What the stack must set for a function: every variable, as text. */
export type EnvironmentOf<F extends FunctionName> = v.InferInput<(typeof environments)[F]>;

/** What a function reads: the same, parsed. */
export type ParsedEnvironment<F extends FunctionName> = v.InferOutput<(typeof environments)[F]>;

/**
 * Parses a function's environment. Throws one error that names every variable that is missing or malformed;
 * values are not repeated in it.
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
