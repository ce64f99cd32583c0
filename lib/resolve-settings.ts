import { RemovalPolicy } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { type AlarmThresholds, defaultThresholds } from './alarm-thresholds.ts';
import { lapsePropNames } from './lapse-props.ts';
import type { LapseSettings } from './lapse-settings.ts';

/** The settings that shorten or lengthen the retention of one kind of data. */
type KindOfRetention = (typeof kindsOfRetention)[number];
const kindsOfRetention = ['quarantineRetentionDays', 'jobRetentionDays', 'tombstoneRetentionDays'] as const;

/** The settings with every default in place. */
export type ResolvedSettings = Required<
  Omit<
    LapseSettings,
    | 'logRetentionDays'
    | 'maxSession'
    | 'webhookConcurrency'
    | 'jwtIssuer'
    | 'jwtAudience'
    | 'jwtScopes'
    | 'alarmThresholds'
    | 'armedFrom'
    | 'archiveDays'
    | KindOfRetention
  >
> & {
  /** Days for which each kind of data is kept. */
  readonly retention: Readonly<Record<'records' | 'quarantine' | 'jobs' | 'tombstones', number>>;
  /** Undefined: no session is observed for the time of its registration. */
  readonly armedFrom: string | undefined;
  /** Undefined: there is no archive. */
  readonly archiveDays: number | undefined;
  /** Undefined: none is set aside. */
  readonly webhookConcurrency: number | undefined;
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
  credentials: [] as readonly string[],
  observe: false,
  secretStaleMinutes: 15,
  timers: 'scheduler',
  webhookIngress: 'function-url',
  apiRateLimit: 500,
  apiBurstLimit: 1_000,
  pageOrigins: [] as readonly string[],
  pageRateLimit: 100,
  timerConcurrency: 10,
  cancelJobsPerSecond: 10,
  maxWriteUnits: 10_000,
  maxReadUnits: 10_000,
  klarnaTestUrl: 'https://api-global.test.klarna.com',
  klarnaLiveUrl: 'https://api-global.klarna.com',
  removalPolicy: RemovalPolicy.RETAIN,
  logLevel: 'INFO',
  tracing: false,
  alarms: true,
  dashboard: true,
  canary: true,
} as const;

/**
 * Fills in the defaults. Throws one error with a sentence for every wrong setting: what was given and what is allowed. An app in
 * JavaScript has no compiler that refuses a value of a wrong type.
 */
export function resolveSettings(written: LapseSettings): ResolvedSettings {
  const { given, wrongTypes } = byType(written);
  const {
    logRetentionDays = 30,
    maxSession,
    webhookConcurrency,
    jwtIssuer,
    jwtAudience = [],
    jwtScopes = [],
    alarmThresholds,
    ...choices
  } = given;
  const settings = {
    ...defaults,
    ...choices,
    webhookConcurrency,
    ...optionalOf(given),
    maxSessionSeconds: maxSession?.toSeconds({ integral: false }) ?? hours48,
    jwt: jwtIssuer === undefined ? undefined : jwtOf(jwtIssuer, jwtAudience, jwtScopes),
    thresholds: { ...defaultThresholds, ...alarmThresholds },
  };
  const problems = [
    ...unknownProperties(written),
    ...wrongTypes.values(),
    wholeNumber('retentionDays', settings.retentionDays, daysToKeep(settings.maxSessionSeconds), 3_650),
    oneOf('logRetentionDays', logRetentionDays, [...retentionSteps]),
    wholeNumber('maxSession in seconds', settings.maxSessionSeconds, 1, hours48),
    wholeNumber('secretStaleMinutes', settings.secretStaleMinutes, 0, 1_440),
    ...optionalProblems(given),
    credentialNames(settings.credentials),
    oneOf('timers', settings.timers, ['scheduler', 'sweep']),
    oneOf('webhookIngress', settings.webhookIngress, ['function-url', 'http-api']),
    ...apiProblems(settings),
    ifGiven(webhookConcurrency, (given) => wholeNumber('webhookConcurrency', given, 1, 1_000)),
    wholeNumber('timerConcurrency', settings.timerConcurrency, 2, 1_000),
    wholeNumber('cancelJobsPerSecond', settings.cancelJobsPerSecond, 1, 100),
    wholeNumber('maxWriteUnits', settings.maxWriteUnits, 1, 40_000),
    wholeNumber('maxReadUnits', settings.maxReadUnits, 1, 40_000),
    klarnaAddress('klarnaTestUrl', settings.klarnaTestUrl),
    klarnaAddress('klarnaLiveUrl', settings.klarnaLiveUrl),
    oneOf('removalPolicy', settings.removalPolicy, [RemovalPolicy.RETAIN, RemovalPolicy.DESTROY]),
    oneOf('logLevel', settings.logLevel, ['INFO', 'WARN', 'ERROR']),
    ...(['observe', 'tracing', 'alarms', 'dashboard', 'canary'] as const).map((name) =>
      trueOrFalse(name, settings[name]),
    ),
    ...(jwtSettings.some((name) => wrongTypes.has(name))
      ? []
      : jwtProblems(jwtIssuer, jwtAudience, jwtScopes)),
    ...thresholdProblems(settings.thresholds),
  ].filter((problem) => problem !== undefined);
  if (problems.length > 0) throw new Error(`The settings of Lapse are wrong. ${problems.join(' ')}`);
  return {
    ...settings,
    retention: retentionOf(settings),
    logRetentionDays: retentionStep(logRetentionDays) ?? RetentionDays.ONE_MONTH,
  };
}

/** A record must outlive its session: one day more, in whole days. */
const daysToKeep = (maxSessionSeconds: number): number => Math.ceil(maxSessionSeconds / 86_400) + 1;

/** Whole days in which Klarna has sent a webhook for the last time: 21 hours after the first. */
const klarnasLastDay = 2;

const retentionOf = ({
  retentionDays: records,
  quarantineRetentionDays: quarantine = records,
  jobRetentionDays: jobs = records,
  tombstoneRetentionDays: tombstones = records,
}: Pick<LapseSettings, KindOfRetention> & { readonly retentionDays: number }) => ({
  records,
  quarantine,
  jobs,
  tombstones,
});

/** CloudWatch's steps without `never expire`. */
const retentionSteps = Object.values(RetentionDays)
  .filter((step) => typeof step !== 'string')
  .filter((step) => step !== RetentionDays.INFINITE);

const retentionStep = (days: number): RetentionDays | undefined =>
  retentionSteps.find((step) => step.valueOf() === days);

type Finding = string | undefined;

/** What a setting must be before its value can be checked. */
interface Shape {
  readonly fits: (given: unknown) => boolean;
  readonly allowed: string;
}

const isText = (given: unknown): given is string => typeof given === 'string';
const isListOfTexts = (given: unknown): boolean => Array.isArray(given) && given.every(isText);
const isPlainObject = (given: unknown): boolean =>
  typeof given === 'object' && given !== null && !Array.isArray(given);

/** Another copy of the CDK has a class of its own. */
const isDuration = (given: unknown): boolean =>
  typeof given === 'object' &&
  given !== null &&
  'toSeconds' in given &&
  typeof given.toSeconds === 'function';

/** A function reads them all to find the one that serves an account. */
const mostCredentials = 20;
const credentialsFormat = `at most ${mostCredentials} different names of a-z, 0-9 and -, up to 32 characters each`;

/** They are one environment variable of a function, and all variables of one have at most 4 KB. */
const mostOrigins = 20;
const originsFormat = `at most ${mostOrigins} different origins such as https://shop.example, of up to 100 characters, without a path. http is for this machine only`;

const momentFormat = 'a time in RFC 3339 and UTC, such as 2026-03-01T06:00:00Z';
const addressFormat = 'an https URL, or an http URL of this machine';
const jwtSettings = ['jwtIssuer', 'jwtAudience', 'jwtScopes'] as const;

/** The settings that are neither a number, a word nor a switch: the checks of those take any value. */
const shapes: Readonly<Partial<Record<keyof LapseSettings, Shape>>> = {
  credentials: { fits: isListOfTexts, allowed: `a list of ${credentialsFormat}` },
  pageOrigins: { fits: isListOfTexts, allowed: `a list of ${originsFormat}` },
  jwtIssuer: { fits: isText, allowed: 'an https URL' },
  jwtAudience: { fits: isListOfTexts, allowed: 'a list of texts' },
  jwtScopes: { fits: isListOfTexts, allowed: 'a list of texts' },
  klarnaTestUrl: { fits: isText, allowed: addressFormat },
  klarnaLiveUrl: { fits: isText, allowed: addressFormat },
  armedFrom: { fits: isText, allowed: momentFormat },
  maxSession: { fits: isDuration, allowed: 'a Duration of the CDK, such as Duration.hours(2)' },
  alarmThresholds: { fits: isPlainObject, allowed: 'an object from thresholds to numbers' },
};

/** The settings that have the right type, and a finding for each of the others. A setting that is `undefined` is left out. */
function byType(written: LapseSettings): {
  readonly given: LapseSettings;
  readonly wrongTypes: ReadonlyMap<string, string>;
} {
  const values = new Map<string, unknown>(Object.entries(written));
  const wrongTypes = new Map(
    Object.entries(shapes).flatMap(([name, { fits, allowed }]) => {
      const value = values.get(name);
      if (value === undefined || fits(value)) return [];
      return [[name, `${name} is ${textOf(value)}; allowed: ${allowed}.`] as const];
    }),
  );
  const given: LapseSettings = Object.fromEntries(
    [...values].filter(([name, value]) => value !== undefined && !wrongTypes.has(name)),
  );
  return { given, wrongTypes };
}

/** A value as a sentence can show it. A text has quotes, so that it does not look like the number or the list that is allowed. */
function textOf(given: unknown): string {
  if (Array.isArray(given)) return `[${given.map(textOf).join(', ')}]`;
  if (typeof given === 'string') return JSON.stringify(given);
  if (typeof given === 'function') return 'a function';
  return typeof given === 'object' && given !== null ? 'an object' : String(given);
}

const unknownProperties = (given: object): readonly Finding[] =>
  Object.keys(given)
    .filter((name) => !lapsePropNames.includes(name))
    .map((name) => `${name} is unknown; allowed: ${lapsePropNames.join(', ')}.`);

const trueOrFalse = (name: string, given: unknown): Finding =>
  typeof given === 'boolean' ? undefined : `${name} is ${textOf(given)}; allowed: true, false.`;

const wholeNumber = (name: string, given: unknown, least: number, most: number): Finding =>
  typeof given === 'number' && Number.isInteger(given) && given >= least && given <= most
    ? undefined
    : `${name} is ${textOf(given)}; allowed: a whole number from ${least} to ${most}.`;

const credentialNames = (given: readonly string[]): Finding =>
  given.length <= mostCredentials &&
  new Set(given).size === given.length &&
  given.every((name) => /^[a-z0-9-]{1,32}$/.test(name))
    ? undefined
    : `credentials is [${given.join(', ')}]; allowed: ${credentialsFormat}.`;

type ApiSettings = Pick<ResolvedSettings, 'apiRateLimit' | 'apiBurstLimit' | 'pageOrigins' | 'pageRateLimit'>;

/** What is wrong with the limits of the API, and with its pages. */
const apiProblems = (given: ApiSettings): readonly Finding[] => [
  wholeNumber('apiRateLimit', given.apiRateLimit, 1, 10_000),
  wholeNumber('apiBurstLimit', given.apiBurstLimit, 1, 5_000),
  originsOfPages(given.pageOrigins),
  wholeNumber('pageRateLimit', given.pageRateLimit, 1, 10_000),
];

const originsOfPages = (given: readonly string[]): Finding =>
  given.length <= mostOrigins && new Set(given).size === given.length && given.every(isOrigin)
    ? undefined
    : `pageOrigins is [${given.join(', ')}]; allowed: ${originsFormat}.`;

/** As a browser sends it: in lower case, without a path, and without the port that is the default. */
function isOrigin(given: string): boolean {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const isHere = url?.protocol === 'http:' && ['127.0.0.1', 'localhost'].includes(url.hostname);
  return (
    given.length <= 100 &&
    !given.includes('*') &&
    (url?.protocol === 'https:' || isHere) &&
    url.origin === given
  );
}

const atLeast = (name: string, given: unknown): Finding =>
  typeof given === 'number' && Number.isFinite(given) && given > 0
    ? undefined
    : `${name} is ${textOf(given)}; allowed: a number above 0.`;

const between = (name: string, given: unknown, least: number, most: number): Finding =>
  typeof given !== 'number' || (given >= least && given <= most)
    ? undefined
    : `${name} is ${given}; allowed: a number from ${least} to ${most}.`;

const thresholdProblems = (thresholds: AlarmThresholds): readonly Finding[] => [
  between('alarmThresholds.durationPercent', thresholds.durationPercent, 50, 100),
  between('alarmThresholds.secretPercent', thresholds.secretPercent, 50, 100),
  ...Object.entries(thresholds).map(([name, value]) =>
    Object.hasOwn(defaultThresholds, name)
      ? atLeast(`alarmThresholds.${name}`, value)
      : `alarmThresholds.${name} is unknown; allowed: ${Object.keys(defaultThresholds).join(', ')}.`,
  ),
];

const jwtOf = (issuer: string, audience: readonly string[], scopes: readonly string[]) => ({
  issuer,
  audience,
  scopes,
});

/** The settings that have no default. */
const optionalOf = ({ armedFrom, archiveDays }: LapseSettings) => ({ armedFrom, archiveDays });

/** What is wrong with the settings that have no default. */
const optionalProblems = ({ armedFrom, archiveDays, ...given }: LapseSettings): readonly Finding[] => [
  ...kindsOfRetention.map((name) =>
    ifGiven(given[name], (days) => wholeNumber(name, days, klarnasLastDay, 3_650)),
  ),
  ifGiven(armedFrom, (moment) => momentInUtc('armedFrom', moment)),
  ifGiven(archiveDays, (days) => wholeNumber('archiveDays', days, 1, 3_650)),
];

/** The finding about a setting that may be left out. */
const ifGiven = <Given>(given: Given | undefined, find: (given: Given) => Finding): Finding =>
  given === undefined ? undefined : find(given);

/** Also a day and a month that do not exist are refused. */
const momentInUtc = (name: string, given: string): Finding =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/.test(given) &&
  !Number.isNaN(Date.parse(given)) &&
  new Date(given).toISOString().slice(0, 19) === given.slice(0, 19)
    ? undefined
    : `${name} is ${given}; allowed: ${momentFormat}.`;

function oneOf<Choice extends string | number>(
  name: string,
  given: Choice,
  allowed: readonly Choice[],
): Finding {
  if (allowed.includes(given)) return undefined;
  const shown = typeof given === typeof allowed[0] ? String(given) : textOf(given);
  return `${name} is ${shown}; allowed: ${allowed.join(', ')}.`;
}

/** An API key must not travel in plain text beyond this machine. */
function klarnaAddress(name: string, given: string): Finding {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const isHere = url?.protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  return url?.protocol === 'https:' || isHere ? undefined : `${name} is ${given}; allowed: ${addressFormat}.`;
}

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
