import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type AwsServer, startAwsServer } from './aws/server.ts';
import { ClockControl } from './clock/clock-control.ts';
import { LocalClock } from './clock/local-clock.ts';
import { createTables } from './dynamodb/create-tables.ts';
import { startDynamoDb } from './dynamodb/engine.ts';
import { type FrontPageOptions, startFrontPage } from './front-page/front-page.ts';
import { startApiFront } from './http/api-front.ts';
import { checkPorts } from './http/check-ports.ts';
import { startFunctionUrlFront } from './http/function-url-front.ts';
import { startAtPreferredPort } from './http/preferred-port.ts';
import type { Listening } from './http/start-listening.ts';
import type { LocalOptions } from './options.ts';
import { openPageKeys } from './secrets/page-keys.ts';
import { openSecretFiles, type SecretFiles } from './secrets/secret-files.ts';
import { startControl } from './start-control.ts';
import { prepareFunctions, type RunningFunctions } from './start-functions.ts';
import { type Klarna, startKlarna } from './start-klarna.ts';
import type { StartParts } from './start-parts.ts';
import { startTriggers } from './start-triggers.ts';
import { assemblyFor } from './template/assembly.ts';
import { readStack } from './template/read-stack.ts';
import type { StackDescription } from './template/stack-description.ts';

/** The addresses of a running system; URLs without a slash at their end. */
export interface LocalSystem {
  readonly api: string;
  readonly webhook: string;
  readonly klarna: string;
  readonly control: string;
  /** The page for a browser. */
  readonly page: string;
  /** The log of the functions and the stand-ins, one line an entry. */
  readonly logFile: string;
}

/** Apart from the other ports: a second system is often started on the next few numbers. */
const preferredPagePort = 4080;

/**
 * Starts the whole stack on this machine: what the template names, on the bundles it would deploy. Disposing of `running` ends
 * everything in reverse order, so a start that fails or is interrupted leaves nothing behind.
 */
export async function startLocalSystem(
  options: LocalOptions,
  running: AsyncDisposableStack,
  onProgress: (step: string) => void = () => undefined,
): Promise<LocalSystem> {
  onProgress('checking the ports');
  await checkPorts(options);
  const files = openSecretFiles(options);
  const data = await openDataDirectory(options.dataDirectory, running);
  const secretFiles = { ...files, 'page-keys': await openPageKeys(join(data, 'aws', 'page-keys.json')) };
  const clock = new LocalClock(join(data, 'clock.json'));
  const logFile = join(data, 'lapse.log');
  const parts: StartParts = { options, data, clock, running, logAs: openLog(logFile, running) };

  onProgress('synthesizing the stack and starting DynamoDB');
  const { cdkOut, dynamodbUrl } = await startDatabase(parts);
  onProgress('starting the AWS services');
  const aws = await startAws(parts, { cdkOut, dynamodbUrl, secretFiles });
  const stack = await readStack(cdkOut, { awsUrl: aws.urls.sqs });

  onProgress('starting Klarna and the functions');
  // Klarna must know the webhook's address, and the functions Klarna's: the webhook's server starts before its function.
  const functions = prepareFunctions(parts, stack);
  const webhook = await startWebhook(parts, stack, functions);
  const klarna = await startKlarna(parts, secretFiles.klarnaConfiguration(webhook.url));
  const clocks = clockControlFor(clock, functions, klarna);
  functions.start({
    awsUrls: aws.urls,
    klarnaUrls: klarna.urls,
    credentials: [...secretFiles.credentials.keys()],
    pageOrigins: options.pageOrigins,
    clockAheadOf: (name) => clocks.aheadOf(name),
  });
  const api = await startApiFront({
    port: options.port,
    routes: stack.routes,
    invoke: (functionId, event) => functions.get(functionId).invoke(event),
  });
  running.defer(() => api.close());
  const built = { ...parts, stack, functions, aws, dynamodbUrl };
  const recurring = await startTriggers(built);

  const outputs = outputsOf(stack, { api, webhook, aws, klarna });
  const control = await startControl({ ...built, klarna, clocks, recurring, outputs, logFile });
  const page = await startPage(options, {
    api: api.url,
    control: control.url,
    simulator: klarna.simulator && klarna.url,
    accounts: () => aws.secretText(secretNamed(stack, 'accounts')),
    now: () => clock.now(),
  });
  running.defer(() => page.close());
  return {
    api: api.url,
    webhook: webhook.url,
    klarna: klarna.url,
    control: control.url,
    page: page.url,
    logFile,
  };
}

/** The folder as given, or a temporary one that is removed at the end. */
async function openDataDirectory(given: string | undefined, running: AsyncDisposableStack): Promise<string> {
  const directory =
    given === undefined ? await mkdtemp(join(tmpdir(), 'lapse-')) : resolve(process.cwd(), given);
  if (given === undefined)
    running.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  for (const part of ['dynamodb', 'aws', 'klarna', 'stream']) {
    await mkdir(join(directory, part), { recursive: true }).catch((error: unknown) => {
      throw new Error(`--data is ${directory}; allowed: a folder that can be written.`, { cause: error });
    });
  }
  return directory;
}

function openLog(file: string, running: AsyncDisposableStack): StartParts['logAs'] {
  const log = createWriteStream(file, { flags: 'a' });
  running.defer(() => new Promise((done) => log.end(done)));
  return (speaker) => (line) => {
    log.write(`${speaker}: ${line}\n`);
  };
}

interface Database {
  readonly cdkOut: string;
  readonly dynamodbUrl: string;
}

async function startDatabase({ options, data, running, logAs }: StartParts): Promise<Database> {
  const dynamoDb = startDynamoDb({ dataDirectory: join(data, 'dynamodb'), onLog: logAs('dynamodb') });
  running.defer(async () => (await dynamoDb.catch(() => undefined))?.close());
  const [cdkOut, { url }] = await Promise.all([assemblyFor(options.timers), dynamoDb]);
  return { cdkOut, dynamodbUrl: url };
}

async function startAws(
  { data, clock, running, logAs }: StartParts,
  { cdkOut, dynamodbUrl, secretFiles }: Database & { readonly secretFiles: LocalSecrets },
): Promise<AwsServer> {
  const { tables, queues, streamSources, scheduleGroups, eventBuses, secrets, functions, region, accountId } =
    await readStack(cdkOut, { awsUrl: '' });
  await createTables(dynamodbUrl, tables);
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
    secrets: Object.fromEntries([
      ...secrets.map(({ name, purpose }) => [name, { read: readerOf(secretFiles, purpose) }] as const),
      ...[...secretFiles.credentials].map(
        ([name, read]) => [`${credentialsPrefixOf(functions)}${name}`, { read }] as const,
      ),
    ]),
    clock,
    onLog: logAs('aws'),
  });
  running.defer(() => aws.close());
  return aws;
}

/** What the names of the credentials' secrets start with. */
const credentialsPrefixOf = (functions: StackDescription['functions']): string =>
  functions
    .map(({ environment }) => environment['CREDENTIALS_PREFIX'])
    .find((prefix) => prefix !== undefined) ?? '';

/** The files of the secrets, and the secret that the stack itself generates. */
type LocalSecrets = SecretFiles & { readonly 'page-keys': () => string };

const purposes = ['accounts', 'signing-keys', 'page-keys'] as const;

function readerOf(secrets: LocalSecrets, purpose: string): () => string {
  const known = purposes.find((each) => each === purpose);
  if (known === undefined)
    throw new Error(`The template has a secret for ${purpose}; the local system has ${purposes.join(', ')}.`);
  return secrets[known];
}

async function startWebhook(
  { options, running }: StartParts,
  { functionUrls: [functionUrl] }: StackDescription,
  functions: RunningFunctions,
): Promise<Listening> {
  if (!functionUrl) throw new Error('The template does not have a function URL for the webhook.');
  const webhook = await startFunctionUrlFront({
    port: options.webhookPort,
    invoke: (event) => functions.get(functionUrl.functionId).invoke(event),
  });
  running.defer(() => webhook.close());
  return webhook;
}

function clockControlFor(
  clock: LocalClock,
  functions: RunningFunctions,
  { simulator }: Klarna,
): ClockControl {
  const clocks: ClockControl = new ClockControl({
    clock,
    owners: () => [...functions.all().map(({ name }) => name), ...(simulator ? ['klarna'] : [])],
    onChange: async () => simulator?.setClock(clocks.aheadOf('klarna')),
  });
  return clocks;
}

interface Addressed {
  readonly api: Listening;
  readonly webhook: Listening;
  readonly aws: AwsServer;
  readonly klarna: Klarna;
}

/** What the outputs of a deployed stack name, with the local addresses. */
const outputsOf = (
  stack: StackDescription,
  { api, webhook, aws, klarna }: Addressed,
): Readonly<Record<string, string>> => ({
  ...stack.outputs,
  Stage: 'local',
  ApiUrl: api.url,
  WebhookUrl: webhook.url,
  KlarnaTestUrl: klarna.urls.test,
  KlarnaLiveUrl: klarna.urls.live,
  AccountsSecretName: secretNamed(stack, 'accounts'),
  SigningKeysSecretName: secretNamed(stack, 'signing-keys'),
  PageKeysSecretName: secretNamed(stack, 'page-keys'),
  AwsEndpointUrl: aws.url,
  AwsRegion: stack.region,
});

const secretNamed = (
  { secrets }: Pick<StackDescription, 'secrets'>,
  wanted: (typeof purposes)[number],
): string => secrets.find(({ purpose }) => purpose === wanted)?.name ?? '';

/** Serves the page at the port that was given; else at the preferred port, or at a free one where that is taken. */
function startPage(
  { port, pagePort }: LocalOptions,
  parts: Omit<FrontPageOptions, 'port' | 'waitLimitMillis'>,
): Promise<Listening> {
  if (pagePort !== undefined) return startFrontPage({ ...parts, port: pagePort });
  // A caller who takes free ports for the rest takes one for the page, too.
  return startAtPreferredPort(port === 0 ? 0 : preferredPagePort, (chosen, waitLimitMillis) =>
    startFrontPage({ ...parts, port: chosen, waitLimitMillis }),
  );
}
