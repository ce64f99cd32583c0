import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createControlListener } from './aws/control.ts';
import { Clocks } from './clock/clock-control.ts';
import { startAwsServer } from './aws/server.ts';
import { createTables } from './dynamodb/create-tables.ts';
import { startDynamoDb } from './dynamodb/engine.ts';
import { startFrontPage } from './front-page/front-page.ts';
import { startApiFront } from './http/api-front.ts';
import { startFunctionUrlFront } from './http/function-url-front.ts';
import { type Listening, startListening } from './http/start-listening.ts';
import { startAtPreferredPort } from './http/preferred-port.ts';
import { type KlarnaProcess, startKlarnaProcess } from './klarna-simulator/process.ts';
import { injectFunctionFault } from './lambda/function-faults.ts';
import { type LambdaFunction, startFunction } from './lambda/lambda-function.ts';
import type { LocalOptions } from './options.ts';
import { LocalClock } from './clock/local-clock.ts';
import { openSecretFiles } from './secrets/secret-files.ts';
import { readStack } from './template/read-stack.ts';
import { synthesize } from './template/synthesize.ts';
import { startQueueSource } from './triggers/queue-source.ts';
import { startRecurringSchedule } from './triggers/recurring-schedule.ts';
import { startStreamSource } from './triggers/stream-source.ts';

/** Where the parts of a running system are; URLs without a slash at their end. */
export interface LocalSystem {
  readonly api: string;
  readonly webhook: string;
  readonly klarna: string;
  readonly control: string;
  /** For people: what there is to see, and buttons. */
  readonly page: string;
  /** What the functions and the stand-ins say, a line each. */
  readonly logFile: string;
}

const root = join(import.meta.dirname, '..');

/** Away from the others, which whoever starts a second system counts on from. */
const preferredPagePort = 4080;

/** The sweep is run soon after a start, since the last one may have been long ago; then in its own rhythm. */
const firstSweepAfterSeconds = 5;

/**
 * Brings up the whole stack on this machine: what the template names, on the bundles it would deploy. Whatever is started is
 * put on `running`, whose disposal ends it in the opposite order; so a start that fails, or is broken off, leaves nothing.
 */
export async function startLocalSystem(
  options: LocalOptions,
  running: AsyncDisposableStack,
  onProgress: (step: string) => void = () => undefined,
): Promise<LocalSystem> {
  const secretFiles = openSecretFiles(options);
  const data = await openDataDirectory(options.dataDirectory, running);
  const clock = new LocalClock(join(data, 'clock.json'));
  const logFile = join(data, 'lapse.log');
  const log = createWriteStream(logFile, { flags: 'a' });
  running.defer(() => new Promise((done) => log.end(done)));
  const logAs = (speaker: string) => (line: string) => {
    log.write(`${speaker}: ${line}\n`);
  };

  onProgress('synthesizing the stack and starting DynamoDB');
  const dynamoDb = startDynamoDb({ dataDirectory: join(data, 'dynamodb'), onLog: logAs('dynamodb') });
  running.defer(async () => (await dynamoDb.catch(() => undefined))?.close());
  const [{ cdkOut }, { url: dynamodbUrl }] = await Promise.all([
    synthesize(root, { timers: options.timers }),
    dynamoDb,
  ]);
  const { tables, queues, streamSources, scheduleGroups, eventBuses, secrets, region, accountId } =
    await readStack(cdkOut, { awsUrl: '' });
  await createTables(dynamodbUrl, tables);

  onProgress('starting the AWS services');
  const aws = await startAwsServer({
    port: 0,
    dataDirectory: join(data, 'aws'),
    dynamodbUrl,
    region,
    accountId,
    scheduleGroups,
    eventBuses,
    queues,
    deadLetterQueues: streamSources.flatMap(({ onFailureQueueName: name }) => name ?? []),
    secrets: Object.fromEntries(
      secrets.map(({ name, purpose }) => [name, { read: readerOf(secretFiles, purpose) }]),
    ),
    clock,
    onLog: logAs('aws'),
  });
  running.defer(() => aws.close());

  // The functions' URLs come before the functions: Klarna has to know the webhook's, and they have to know Klarna's.
  const stack = await readStack(cdkOut, { awsUrl: aws.urls.sqs });
  const functions = new Map<string, LambdaFunction>();
  const functionOf = (id: string): LambdaFunction => {
    const found = functions.get(id);
    if (!found) throw new Error(`The template has no function ${id}.`);
    return found;
  };
  const [functionUrl] = stack.functionUrls;
  if (!functionUrl) throw new Error('The template has no Function URL for the webhook.');
  const webhook = await startFunctionUrlFront({
    port: options.webhookPort,
    invoke: (event) => functionOf(functionUrl.functionId).invoke(event),
  });
  running.defer(() => webhook.close());

  onProgress('starting Klarna and the functions');
  const clocks = new Clocks({
    clock,
    owners: () => [...[...functions.values()].map(({ name }) => name), ...(simulator ? ['klarna'] : [])],
    onChange: () => setKlarnasClock(),
  });
  const simulator =
    options.klarnaUrl === undefined
      ? await startSimulator(
          data,
          options,
          { ...secretFiles.klarnaConfiguration(webhook.url), clockAheadMs: clock.ahead },
          running,
          logAs,
        )
      : undefined;
  const klarna = simulator?.url ?? options.klarnaUrl?.replace(/\/+$/, '') ?? '';
  const setKlarnasClock = async () => {
    if (!simulator) return;
    await forwardTo(`${klarna}/_simulator/settings`)({ clockAheadMs: clocks.aheadOf('klarna') }).catch(() =>
      logAs('klarna')('does not hear what the time is'),
    );
  };
  for (const description of stack.functions) {
    const overrides = {
      AWS_ENDPOINT_URL_DYNAMODB: aws.urls.dynamodb,
      AWS_ENDPOINT_URL_SCHEDULER: aws.urls.scheduler,
      AWS_ENDPOINT_URL_SQS: aws.urls.sqs,
      AWS_ENDPOINT_URL_EVENTBRIDGE: aws.urls.eventbridge,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.urls.secretsmanager,
      // So that what is called, counted and made to fail is what a session calls.
      WARM_UP: 'off',
      // Half of a cold start on a machine that runs everything; Lambda has its own ways to be quick.
      NODE_COMPILE_CACHE: join(root, '.cache', 'compile'),
      ...('KLARNA_TEST_URL' in description.environment && {
        KLARNA_TEST_URL: klarna,
        KLARNA_LIVE_URL: klarna,
      }),
    };
    const onLog = logAs(description.name);
    const clockAhead = () => clocks.aheadOf(description.name);
    const started = startFunction({ description, region, accountId, overrides, clockAhead, onLog });
    functions.set(description.id, started);
    started.warm(1);
  }
  running.defer(() => {
    for (const each of functions.values()) each.kill();
    return Promise.resolve();
  });

  const api = await startApiFront({
    port: options.port,
    routes: stack.routes,
    invoke: (functionId, event) => functionOf(functionId).invoke(event),
  });
  running.defer(() => api.close());

  for (const source of stack.streamSources) {
    const { arn: functionArn, invoke } = functionOf(source.functionId);
    const loop = await startStreamSource({
      source,
      dynamoDbUrl: dynamodbUrl,
      region,
      accountId,
      functionArn,
      invoke,
      sendToQueue: (name, body) => {
        aws.queues.get(name).send({ body });
        return Promise.resolve();
      },
      checkpointDirectory: join(data, 'stream'),
      clock,
      onLog: logAs('stream'),
    });
    running.defer(() => loop.close());
  }
  for (const source of stack.queueSources) {
    const queue = stack.queues.find(({ name }) => name === source.queueName);
    if (!queue) throw new Error(`The template has no queue ${source.queueName}.`);
    const loop = startQueueSource({
      source,
      queue: aws.queues.get(queue.name),
      queueArn: queue.arn,
      region,
      visibilityTimeoutSeconds: queue.visibilityTimeoutSeconds,
      invoke: functionOf(source.functionId).invoke,
      onLog: logAs('queue'),
    });
    running.defer(() => loop.close());
  }
  const recurring = stack.recurringSchedules.map((schedule) =>
    startRecurringSchedule({
      schedule,
      invoke: functionOf(schedule.functionId).invoke,
      onLog: logAs('schedule'),
      firstAfterSeconds: firstSweepAfterSeconds,
      clock,
    }),
  );
  running.defer(async () => {
    await Promise.all(recurring.map((schedule) => schedule.close()));
  });

  const controlPort = options.port === 0 ? 0 : controlPortNextTo(options);
  const control = await startListening(
    controlPort,
    createControlListener({
      aws,
      injectFunctionFault: (fault) => injectFunctionFault([...functions.values()], fault),
      outputs: {
        ...stack.outputs,
        ApiUrl: api.url,
        SigningKeysSecretName: secrets.find(({ purpose }) => purpose === 'signing-keys')?.name ?? '',
        AwsEndpointUrl: aws.url,
        AwsRegion: region,
      },
      functionCalls: () =>
        Object.fromEntries([...functions.values()].map((each) => [each.name, each.calls()])),
      runRecurringSchedules: async () => {
        const results = await Promise.all(recurring.map((schedule) => schedule.runNow()));
        return results.map(({ kind }) => kind);
      },
      clocks,
      clearFaults: async () => {
        for (const each of functions.values()) each.throttle(false);
        if (!simulator) return;
        await simulator.start();
        await setKlarnasClock();
      },
      ...(simulator && {
        forwardKlarnaFault: async (fault) => {
          if (fault['kind'] !== 'refuse') return forwardTo(`${klarna}/_simulator/faults`)(fault);
          await simulator.kill();
          return { status: 201, body: fault };
        },
      }),
    }),
  );
  running.defer(() => control.close());

  const page = await startPage(options, {
    api: api.url,
    control: control.url,
    simulator: options.klarnaUrl === undefined ? klarna : undefined,
    accounts: secretFiles.accounts,
    now: () => clock.now(),
  });
  running.defer(() => page.close());

  return { api: api.url, webhook: webhook.url, klarna, control: control.url, page: page.url, logFile };
}

/** The folder as given, or a temporary one that goes at the end. */
async function openDataDirectory(given: string | undefined, running: AsyncDisposableStack): Promise<string> {
  const directory =
    given === undefined ? await mkdtemp(join(tmpdir(), 'lapse-')) : resolve(process.cwd(), given);
  if (given === undefined)
    running.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  for (const part of ['dynamodb', 'aws', 'klarna', 'stream']) {
    await mkdir(join(directory, part), { recursive: true });
  }
  return directory;
}

function readerOf(files: ReturnType<typeof openSecretFiles>, purpose: string): () => string {
  if (purpose !== 'accounts' && purpose !== 'signing-keys') {
    throw new Error(
      `The template has a secret for ${purpose}; the local system has accounts and signing-keys.`,
    );
  }
  return files[purpose];
}

async function startSimulator(
  data: string,
  { klarnaPort }: LocalOptions,
  configuration: Parameters<typeof startKlarnaProcess>[0]['configuration'],
  running: AsyncDisposableStack,
  logAs: (speaker: string) => (line: string) => void,
): Promise<KlarnaProcess> {
  const dataDirectory = join(data, 'klarna');
  const simulator = await startKlarnaProcess({
    port: klarnaPort,
    dataDirectory,
    configuration,
    onLog: logAs('klarna'),
  });
  running.defer(() => simulator.stop());
  return simulator;
}

/** The first port after the API's that is not asked for by somebody else of the system. */
function controlPortNextTo({ port, webhookPort, klarnaPort }: LocalOptions): number {
  const taken = [port, webhookPort, klarnaPort];
  return (
    [port + 1, port + 2, port + 3].find((candidate) => !taken.includes(candidate) && candidate < 65_536) ?? 0
  );
}

/** The page at the port that was named, or at the usual one if that can be had. */
function startPage(
  { port, pagePort }: LocalOptions,
  parts: Omit<Parameters<typeof startFrontPage>[0], 'port' | 'patienceMillis'>,
): Promise<Listening> {
  if (pagePort !== undefined) return startFrontPage({ ...parts, port: pagePort });
  // Who takes free ports for the rest has none in mind for this either.
  return startAtPreferredPort(port === 0 ? 0 : preferredPagePort, (chosen, waitLimitMillis) =>
    startFrontPage({ ...parts, port: chosen, waitLimitMillis }),
  );
}

const forwardTo = (url: string) => async (fault: Readonly<Record<string, unknown>>) => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fault),
  });
  return { status: response.status, body: await response.json() };
};
