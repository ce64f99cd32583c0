import { join } from 'node:path';
import type { FunctionName } from '../functions/contract/function-name.ts';
import { readStack } from '../local/template/read-stack.ts';
import { synthesize } from '../local/template/synthesize.ts';
import type { Bundles, LeanName } from './bundles.ts';
import type { Sandboxed } from './lambda/sample.ts';
import type { StandInName } from './stand-ins/latencies.ts';

/** A function with its environment, ready to start. */
export type Prepared = Omit<Sandboxed, 'bootstrap'>;

/** The functions and the peers as they are started. */
export interface Sandboxes {
  readonly ours: (name: FunctionName, overrides?: Readonly<Record<string, string>>) => Prepared;
  readonly typicalCancel: Prepared;
  readonly typicalWebhook: Prepared;
  readonly lean: (name: LeanName) => Prepared;
  readonly empty: Prepared;
}

/** Prepares the functions with the environment of the stack, and the peers. */
export async function prepareSandboxes(
  bundles: Bundles,
  urls: Readonly<Record<StandInName, string>>,
  certificateFile: string,
): Promise<Sandboxes> {
  const { cdkOut } = await synthesize(root);
  const { functions } = await readStack(cdkOut, { awsUrl: urls.sqs });
  const services = servicesOf(urls, certificateFile);
  const ours: Sandboxes['ours'] = (name, overrides = {}) => {
    const description = functions.find((each) => each.name === name);
    if (!description) throw new Error(`the stack has no function ${name}`);
    return {
      bundle: bundles.functions[name],
      handler: description.handler,
      memoryMegabytes: description.memoryMegabytes,
      environment: {
        ...description.environment,
        KLARNA_TEST_URL: urls.klarna,
        KLARNA_LIVE_URL: urls.klarna,
        AWS_LAMBDA_FUNCTION_NAME: name,
        ...services,
        ...overrides,
      },
    };
  };
  const typical = (name: 'typical-cancel' | 'typical-webhook', secretId: string): Prepared => ({
    bundle: bundles.peers[name],
    handler: 'index.handler',
    memoryMegabytes: 256,
    environment: { ...typicalEnvironment(name, secretId), KLARNA_URL: urls.klarna, ...services },
  });
  return {
    ours,
    typicalCancel: typical('typical-cancel', 'typical/accounts'),
    typicalWebhook: typical('typical-webhook', 'typical/signing-keys'),
    lean: (name) => ({
      bundle: bundles.peers[name],
      handler: 'index.handler',
      memoryMegabytes: 256,
      environment: { ...leanEnvironment(name), KLARNA_URL: urls.klarna, ...services },
    }),
    empty: {
      bundle: bundles.peers.empty,
      handler: 'index.handler',
      memoryMegabytes: 256,
      environment: { AWS_LAMBDA_FUNCTION_NAME: 'empty', ...services },
    },
  };
}

const root = join(import.meta.dirname, '..');

const servicesOf = (
  urls: Readonly<Record<StandInName, string>>,
  certificateFile: string,
): Readonly<Record<string, string>> => ({
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'bench',
  AWS_SECRET_ACCESS_KEY: 'bench',
  AWS_SESSION_TOKEN: 'bench-session-token',
  AWS_ENDPOINT_URL_DYNAMODB: urls.dynamodb,
  AWS_ENDPOINT_URL_SCHEDULER: urls.scheduler,
  AWS_ENDPOINT_URL_SQS: urls.sqs,
  AWS_ENDPOINT_URL_EVENTBRIDGE: urls.eventbridge,
  AWS_ENDPOINT_URL_SECRETS_MANAGER: urls.secretsmanager,
  NODE_EXTRA_CA_CERTS: certificateFile,
});

const typicalEnvironment = (name: string, secretId: string): Readonly<Record<string, string>> => ({
  TABLE_NAME: 'typical',
  IDEMPOTENCY_TABLE_NAME: 'idempotency',
  EVENT_BUS_NAME: 'shop',
  SCHEDULE_GROUP_NAME: 'sessions',
  SECRET_ID: secretId,
  POWERTOOLS_SERVICE_NAME: name,
  POWERTOOLS_METRICS_NAMESPACE: 'Typical',
  AWS_LAMBDA_FUNCTION_NAME: name,
  // Lambda's runtime has the SDK; here the project's own takes its place.
  NODE_PATH: join(root, 'node_modules'),
});

const leanEnvironment = (name: LeanName): Readonly<Record<string, string>> => ({
  TABLE_NAME: 'lean',
  EVENT_BUS_NAME: 'shop',
  SCHEDULE_GROUP_NAME: 'sessions',
  SCHEDULER_ROLE_ARN: 'arn:aws:iam::000000000000:role/scheduler',
  TIMER_FUNCTION_ARN: 'arn:aws:lambda:eu-west-1:000000000000:function:lean-timer',
  DEAD_LETTER_QUEUE_ARN: 'arn:aws:sqs:eu-west-1:000000000000:timer-dead-letters',
  // The peers keep their secrets in the same form.
  SECRET_ID: name === 'lean-webhook' ? 'typical/signing-keys' : 'typical/accounts',
  AWS_LAMBDA_FUNCTION_NAME: name,
});
