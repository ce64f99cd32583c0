import type { Duration } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { type AlarmThresholds, defaultThresholds } from './alarm-thresholds.ts';

/** What may differ from stage to stage: names no resource, only numbers and choices. All of it is optional. */
export interface LapseSettings {
  /**
   * Days for which a record is kept after its last change; 1 to 3650.
   * @default 400
   */
  readonly retentionDays?: number;
  /**
   * Days for which logs are kept; one of CloudWatch's steps, such as 7, 30 or 365.
   * @default 30
   */
  readonly logRetentionDays?: number;
  /**
   * How far away any account may set a deadline. The secret `accounts` can lower it further.
   * @default 48 hours, Klarna's own longest lifetime
   */
  readonly maxSession?: Duration;
  /**
   * Who ends sessions at their deadline: a schedule each with the sweep behind it, or the sweep alone, which is up to a minute late
   * and knows no quota of schedules.
   * @default 'scheduler'
   */
  readonly timers?: 'scheduler' | 'sweep';
  /**
   * Where Klarna's webhooks come in: a Lambda URL, or the route `POST /klarna/webhook` of the HTTP API.
   * @default 'function-url'
   */
  readonly webhookIngress?: 'function-url' | 'http-api';
  /**
   * Calls of the API a second, over all callers.
   * @default 500
   */
  readonly apiRateLimit?: number;
  /**
   * Calls of the API at once, above the rate.
   * @default 1000
   */
  readonly apiBurstLimit?: number;
  /**
   * Webhooks at once. A Lambda URL takes ten times as many a second; what is beyond is answered 429, and Klarna sends it again.
   * @default 50
   */
  readonly webhookConcurrency?: number;
  /**
   * Batches of timers at once, which is what presses on Klarna's rate limit when many sessions end together; 2 to 1000.
   * @default 10
   */
  readonly timerConcurrency?: number;
  /**
   * Requests that jobs may cancel a second, all jobs together: their share of Klarna's rate limit; 1 to 100.
   * @default 10
   */
  readonly cancelJobsPerSecond?: number;
  /**
   * Write units a second that the table will not go beyond: a ceiling for the bill.
   * @default 10000
   */
  readonly maxWriteUnits?: number;
  /**
   * Read units a second, likewise.
   * @default 10000
   */
  readonly maxReadUnits?: number;
  /**
   * Whether a new version gets a tenth of the calls for five minutes first, and goes if an alarm of its function rings.
   * @default true
   */
  readonly canary?: boolean;
  /**
   * Issuer of the JWTs that the API takes in place of IAM's signatures. A token says in its claim `lapse_accounts` for which
   * accounts it is good.
   * @default - IAM
   */
  readonly jwtIssuer?: string;
  /**
   * Audiences of those JWTs; required with `jwtIssuer`.
   * @default - none
   */
  readonly jwtAudience?: readonly string[];
  /**
   * Scopes of which a JWT must have one.
   * @default - none
   */
  readonly jwtScopes?: readonly string[];
  /**
   * When alarms ring.
   * @default - see `defaultThresholds`
   */
  readonly alarmThresholds?: Partial<AlarmThresholds>;
}

/** The settings with every default in place. */
export type ResolvedSettings = Required<
  Omit<
    LapseSettings,
    'logRetentionDays' | 'maxSession' | 'jwtIssuer' | 'jwtAudience' | 'jwtScopes' | 'alarmThresholds'
  >
> & {
  readonly maxSessionSeconds: number;
  readonly logRetentionDays: RetentionDays;
  readonly jwt:
    | { readonly issuer: string; readonly audience: readonly string[]; readonly scopes: readonly string[] }
    | undefined;
  readonly thresholds: AlarmThresholds;
};

const hours48 = 48 * 3_600;

const defaults = {
  retentionDays: 400,
  timers: 'scheduler',
  webhookIngress: 'function-url',
  apiRateLimit: 500,
  apiBurstLimit: 1_000,
  webhookConcurrency: 50,
  timerConcurrency: 10,
  cancelJobsPerSecond: 10,
  maxWriteUnits: 10_000,
  maxReadUnits: 10_000,
  canary: true,
} as const;

/** Fills in the defaults. Throws one error that has a sentence for every setting that is wrong: what was given, what is allowed. */
export function resolveSettings(given: LapseSettings): ResolvedSettings {
  const {
    logRetentionDays = 30,
    maxSession,
    jwtIssuer,
    jwtAudience = [],
    jwtScopes = [],
    alarmThresholds,
    ...choices
  } = given;
  const settings = {
    ...defaults,
    ...choices,
    maxSessionSeconds: maxSession?.toSeconds({ integral: false }) ?? hours48,
    jwt:
      jwtIssuer === undefined ? undefined : { issuer: jwtIssuer, audience: jwtAudience, scopes: jwtScopes },
    thresholds: { ...defaultThresholds, ...alarmThresholds },
  };
  const problems = [
    wholeNumber('retentionDays', settings.retentionDays, 1, 3_650),
    oneOf('logRetentionDays', logRetentionDays, [...retentionSteps]),
    wholeNumber('maxSession in seconds', settings.maxSessionSeconds, 1, hours48),
    oneOf('timers', settings.timers, ['scheduler', 'sweep']),
    oneOf('webhookIngress', settings.webhookIngress, ['function-url', 'http-api']),
    wholeNumber('apiRateLimit', settings.apiRateLimit, 1, 10_000),
    wholeNumber('apiBurstLimit', settings.apiBurstLimit, 1, 5_000),
    wholeNumber('webhookConcurrency', settings.webhookConcurrency, 1, 1_000),
    wholeNumber('timerConcurrency', settings.timerConcurrency, 2, 1_000),
    wholeNumber('cancelJobsPerSecond', settings.cancelJobsPerSecond, 1, 100),
    wholeNumber('maxWriteUnits', settings.maxWriteUnits, 1, 40_000),
    wholeNumber('maxReadUnits', settings.maxReadUnits, 1, 40_000),
    ...jwtProblems(jwtIssuer, jwtAudience, jwtScopes),
    ...Object.entries(settings.thresholds).map(([name, value]) =>
      name in defaultThresholds
        ? atLeast(`alarmThresholds.${name}`, value)
        : `alarmThresholds.${name} is no threshold; allowed: ${Object.keys(defaultThresholds).join(', ')}.`,
    ),
  ].filter((problem) => problem !== undefined);
  if (problems.length > 0) throw new Error(`The settings of Lapse are wrong. ${problems.join(' ')}`);
  return {
    ...settings,
    logRetentionDays: retentionStep(logRetentionDays) ?? RetentionDays.ONE_MONTH,
  };
}

/** CloudWatch's steps, but for `for ever`. */
const retentionSteps = Object.values(RetentionDays)
  .filter((step) => typeof step !== 'string')
  .filter((step) => step !== RetentionDays.INFINITE);

const retentionStep = (days: number): RetentionDays | undefined =>
  retentionSteps.find((step) => step.valueOf() === days);

type Finding = string | undefined;

const wholeNumber = (name: string, given: number, least: number, most: number): Finding =>
  Number.isInteger(given) && given >= least && given <= most
    ? undefined
    : `${name} is ${given}; allowed: a whole number from ${least} to ${most}.`;

const atLeast = (name: string, given: number): Finding =>
  Number.isFinite(given) && given > 0 ? undefined : `${name} is ${given}; allowed: a number above 0.`;

const oneOf = (name: string, given: string | number, allowed: readonly (string | number)[]): Finding =>
  allowed.includes(given) ? undefined : `${name} is ${given}; allowed: ${allowed.join(', ')}.`;

function jwtProblems(
  issuer: string | undefined,
  audience: readonly string[],
  scopes: readonly string[],
): readonly Finding[] {
  if (issuer === undefined) {
    return audience.length + scopes.length > 0
      ? ['jwtAudience and jwtScopes are given without a jwtIssuer; allowed: all three, or none.']
      : [];
  }
  return [
    issuer.startsWith('https://') ? undefined : `jwtIssuer is ${issuer}; allowed: an https URL.`,
    audience.length > 0
      ? undefined
      : 'jwtAudience is empty; allowed: at least one audience with a jwtIssuer.',
  ];
}
