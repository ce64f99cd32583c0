import type { AwsServer } from './aws/server.ts';
import { type LambdaFunction, startFunction } from './lambda/lambda-function.ts';
import { programFiles } from './program-files.ts';
import type { Klarna } from './start-klarna.ts';
import type { StartParts } from './start-parts.ts';
import type { StackDescription } from './template/stack-description.ts';

/** The functions of the stack, which can be addressed before they run. */
export interface RunningFunctions {
  /** By logical id. Throws when the template does not have it, or when it does not run yet. */
  get(id: string): LambdaFunction;
  all(): readonly LambdaFunction[];
  /** Starts each function with one warm execution environment. */
  start(settings: FunctionSettings): void;
}

export interface FunctionSettings {
  readonly awsUrls: AwsServer['urls'];
  /** Klarna's addresses by environment, without a slash at the end. */
  readonly klarnaUrls: Klarna['urls'];
  /** The names of the credentials that have secrets. */
  readonly credentials: readonly string[];
  /** The origins of pages that may read a session. */
  readonly pageOrigins: readonly string[];
  /** By how many milliseconds a function's clock is ahead of the machine's. */
  readonly clockAheadOf: (name: string) => number;
}

/** Prepares the functions of a stack. They end with the rest of the system. */
export function prepareFunctions(
  { running, logAs }: Pick<StartParts, 'running' | 'logAs'>,
  { functions, region, accountId }: Pick<StackDescription, 'functions' | 'region' | 'accountId'>,
): RunningFunctions {
  const started = new Map<string, LambdaFunction>();
  running.defer(() => {
    for (const each of started.values()) each.kill();
    return Promise.resolve();
  });
  return {
    get(id) {
      const found = started.get(id);
      if (!found) throw new Error(`The template does not have a function ${id}.`);
      return found;
    },
    all: () => [...started.values()],
    start(settings) {
      for (const description of functions) {
        const { id, name, environment } = description;
        const running = startFunction({
          description,
          region,
          accountId,
          overrides: overridesFor(environment, settings),
          clockAhead: () => settings.clockAheadOf(name),
          onLog: logAs(name),
        });
        started.set(id, running);
        running.warm(1);
      }
    },
  };
}

function overridesFor(
  environment: Readonly<Record<string, string>>,
  { awsUrls, klarnaUrls, credentials, pageOrigins }: FunctionSettings,
): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL_DYNAMODB: awsUrls.dynamodb,
    AWS_ENDPOINT_URL_SCHEDULER: awsUrls.scheduler,
    AWS_ENDPOINT_URL_SQS: awsUrls.sqs,
    AWS_ENDPOINT_URL_EVENTBRIDGE: awsUrls.eventbridge,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: awsUrls.secretsmanager,
    // Priming would add calls to those that `/calls` counts and that faults apply to.
    WARM_UP: 'off',
    // Saves half of a cold start on a machine that runs everything. Lambda does not need it.
    NODE_COMPILE_CACHE: programFiles.compiled,
    ...('KLARNA_TEST_URL' in environment && {
      KLARNA_TEST_URL: klarnaUrls.test,
      KLARNA_LIVE_URL: klarnaUrls.live,
    }),
    ...('CREDENTIALS' in environment && { CREDENTIALS: credentials.join(',') }),
    ...('PAGE_ORIGINS' in environment && { PAGE_ORIGINS: pageOrigins.join(',') }),
  };
}
