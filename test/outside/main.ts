/**
 * `npm run outside`: deploys Lapse with the real CDK on an emulator of AWS that checks signatures and IAM policies. It plays the
 * scenarios on the stack, changes a setting, and destroys it. Needs Python 3 and the network, for packages from PyPI.
 *
 *     npm run outside                       every stage
 *     npm run outside -- --stage default    one stage; --stage can be given several times
 *
 * The stage `commands` types the five commands in an empty folder, with the packed package. With `TARGET=target.json` it does so on a
 * real account: `{"region": "…", "partner_account": "krn:…", "profile": "…"}`. The API key of Klarna's test environment is read from
 * standard input.
 *
 * What else follows `--` is passed on to Vitest.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import manifest from '../../package.json' with { type: 'json' };
import { selfSignedIdentity } from '../../bench/stand-ins/certificate.ts';
import { startKlarnaProcess } from '../../local/klarna-simulator/process.ts';
import { defaultAccounts } from '../../local/secrets/default-secrets.ts';
import { Deployment, type DeploymentParts } from './deployment.ts';
import { playScenarios } from './play-scenarios.ts';
import { type Emulator, region, startEmulator } from './emulator.ts';
import { type FiveCommandsOptions, typeFiveCommands } from './five-commands.ts';
import { reachableAt } from './reachable.ts';
import { pythonEnvironment } from '../support/python-environment.ts';
import { packPackages } from '../support/pack-packages.ts';
import { runProgram } from '../support/run-program.ts';
import { stagesOf } from './stage.ts';
import { replayArchive } from './replay.ts';
import { startTokenIssuer } from './token-issuer.ts';

const root = join(import.meta.dirname, '..', '..');
const cache = join(root, '.cache', 'outside');

/** From PyPI: the emulator, what it checks tokens with, and AWS's own command line. */
const packages = ['ministack==1.5.33', 'cryptography==50.0.2', 'boto3==1.43.106', 'awscli==1.46.3'];

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

/** What was done, for the last line. */
const counts = { stages: 0, resources: 0, scenarios: 0 };
const started = performance.now();

/** Runs a step and prints its seconds, and what came of it. */
async function step<Result>(
  title: string,
  work: () => Promise<Result>,
  describe: (result: Result) => string = () => '',
): Promise<Result> {
  const from = performance.now();
  try {
    const result = await work();
    const said = describe(result);
    say(`✓ ${title}  ${secondsSince(from)} s${said === '' ? '' : `, ${said}`}`);
    return result;
  } catch (error) {
    say(`✗ ${title}  ${secondsSince(from)} s`);
    throw error;
  }
}

const secondsSince = (from: number): string => ((performance.now() - from) / 1_000).toFixed(1);

async function tryStage(parts: DeploymentParts, vitestOptions: readonly string[]): Promise<void> {
  const { name } = parts.stage;
  const deployment = new Deployment(parts);
  counts.resources += await step(
    `${name}: cdk deploy`,
    () => deployment.deploy(),
    (resources) => `${resources} resources`,
  );
  await step(`${name}: IAM is evaluated`, () => deployment.expectIamIsEvaluated());
  const target = await step(`${name}: secrets, webhook at Klarna, rule on the bus`, () =>
    deployment.connect(),
  );
  const archived = await step(`${name}: archive of the registrations`, () =>
    deployment.archive('Payment Request Registered'),
  );
  counts.scenarios += await step(
    `${name}: scenarios`,
    () =>
      explained(
        deployment,
        playScenarios(parts, { target, filters: ['core-flows', 'deployed'], vitestOptions }),
      ),
    (passed) => `${passed} tests`,
  );
  await step(
    `${name}: lapse replay from an archive, seen by lapse listen`,
    () => replayArchive(parts, archived),
    (type) => type,
  );
  await step(`${name}: update with a changed setting`, () => deployment.deploy(true));
  await step(`${name}: cdk diff without differences`, () => deployment.expectNoDifferences());
  counts.scenarios += await step(
    `${name}: a session after the update`,
    () =>
      explained(
        deployment,
        playScenarios(parts, {
          target,
          filters: ['deployed', '--testNamePattern', '65 seconds'],
          environment: { TIMERS: 'sweep' },
        }),
      ),
    (passed) => `${passed} tests`,
  );
  await step(
    `${name}: no function was refused anything`,
    () => deployment.expectNoRefusals(),
    (lines) => `${lines} log lines`,
  );
  await step(`${name}: cdk destroy`, () => deployment.destroy());
  counts.stages += 1;
}

/** Log lines that are printed with a failure. */
const mostFaults = 20;

/** The same promise. When a scenario fails, the faults in the log of the functions are printed with it. */
async function explained<Result>(deployment: Deployment, scenarios: Promise<Result>): Promise<Result> {
  try {
    return await scenarios;
  } catch (error) {
    for (const line of (await deployment.faults()).slice(-mostFaults)) say(`  ${line}`);
    throw error;
  }
}

/** The checks of the doctor that need what the emulator does not have. */
const notEmulated = ['quotas', 'sweep'] as const;

/** What a new stack lacks until a person has subscribed to its alarms. */
const notYet = ['alarm topic'] as const;

const stageNames = ['default', 'api', 'commands'] as const;

async function run(chosen: readonly string[], vitestOptions: readonly string[]): Promise<void> {
  const wrong = chosen.find((name) => !stageNames.some((known) => known === name));
  if (wrong !== undefined) throw new Error(`--stage is ${wrong}; allowed: ${stageNames.join(', ')}.`);
  const isChosen = (name: string): boolean => chosen.length === 0 || chosen.includes(name);
  const python = await step('Python environment', () => pythonEnvironment(join(cache, 'python'), packages));
  const folder = join(cache, 'run');
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'klarna'), { recursive: true });
  const identity = await selfSignedIdentity();
  // The simulator delivers its webhooks to the emulator. What this machine trusts besides stays: a registry may need it.
  const certificate = join(folder, 'trusted.pem');
  const trusted = process.env['NODE_EXTRA_CA_CERTS'];
  const others = trusted === undefined ? '' : await readFile(trusted, 'utf8').catch(() => '');
  await writeFile(certificate, `${identity.certificate}\n${others}`);
  process.env['NODE_EXTRA_CA_CERTS'] = certificate;
  const issuer = await startTokenIssuer(identity);
  const klarna = await step('Klarna simulator', () =>
    startKlarnaProcess({
      port: 0,
      dataDirectory: join(folder, 'klarna'),
      configuration: {},
      onLog: (line) => process.stderr.write(`klarna: ${line}\n`),
    }),
  );
  const emulator = await step('emulator of AWS', () => startEmulator({ python, folder, identity }));
  const tryStages = async (): Promise<void> => {
    for (const stage of stagesOf(klarna.url, issuer).filter(({ name }) => isChosen(name))) {
      const parts = { stage, emulator, python, klarnaUrl: klarna.url, folder: join(folder, stage.name) };
      await tryStage(parts, vitestOptions);
    }
  };
  try {
    await step('cdk bootstrap', () =>
      runProgram('npx', ['cdk', 'bootstrap', `aws://000000000000/${region}`, '--no-notices'], {
        cwd: root,
        environment: { ...emulator.environment, CDK_DISABLE_CLI_TELEMETRY: 'true' },
      }),
    );
    // Most of their time they wait for a deadline, so they wait at the same time.
    await Promise.all([tryStages(), isChosen('commands') && tryCommandsHere(emulator, klarna.url, folder)]);
  } finally {
    await emulator.stop();
    await klarna.stop();
    await issuer.stop();
  }
}

/** Types the five commands on the emulator. */
async function tryCommandsHere(emulator: Emulator, klarnaUrl: string, folder: string): Promise<void> {
  const packed = join(folder, 'packed');
  await step('commands: packed packages', () => packPackages(packed));
  await tryCommands(packed, {
    apiKey: `klarna_test_api_${randomBytes(24).toString('base64url')}`,
    partnerAccount: defaultAccounts.demo.partner_account_id,
    region,
    environment: {
      ...emulator.environment,
      NODE_EXTRA_CA_CERTS: join(folder, 'trusted.pem'),
      NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import=${join(import.meta.dirname, 'local-names.ts')}`,
    },
    klarnaUrl,
    // The API has an address of its own there, and the webhook has not.
    reachable: (outputs) => ({ WebhookUrl: reachableAt(emulator.url, outputs).WebhookUrl }),
    mayFind: [...notEmulated, ...notYet],
  });
}

async function tryCommands(
  packed: string,
  options: Omit<FiveCommandsOptions, 'folder' | 'tarball'>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lapse-shop-'));
  try {
    const tarball = join(packed, `lapse-${manifest.version}.tgz`);
    await step('commands: from an empty folder to a canceled Payment Request', () =>
      typeFiveCommands({ folder, tarball, ...options }),
    );
    counts.stages += 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const targetSchema = v.strictObject({
  region: v.string(),
  partner_account: v.string(),
  profile: v.optional(v.string()),
});

/** Types the five commands on a real account. */
async function tryCommandsAt(targetFile: string): Promise<void> {
  const target = v.parse(targetSchema, JSON.parse(await readFile(targetFile, 'utf8')));
  const packed = join(cache, 'packed');
  await step('commands: packed packages', () => packPackages(packed));
  await tryCommands(packed, {
    apiKey: (await text(process.stdin)).trim(),
    partnerAccount: target.partner_account,
    region: target.region,
    environment: target.profile === undefined ? {} : { AWS_PROFILE: target.profile },
    mayFind: notYet,
  });
}

const { values, positionals, tokens } = parseArgs({
  options: { stage: { type: 'string', multiple: true } },
  allowPositionals: true,
  strict: false,
  tokens: true,
});
const vitestOptions = tokens
  .filter((token) => token.kind === 'option' && token.name !== 'stage')
  .map((token) => (token.kind === 'option' ? `${token.rawName}=${token.value ?? ''}` : ''));
try {
  if (positionals.length > 0)
    throw new Error(`There is no parameter ${positionals.join(' ')}; allowed: --stage.`);
  const chosen = (values.stage ?? []).filter((name) => typeof name === 'string');
  const target = process.env['TARGET'];
  if (target === undefined) await run(chosen, vitestOptions);
  else await tryCommandsAt(target);
  say(
    `${counts.stages} stages, ${counts.resources} resources, ${counts.scenarios} scenarios, ${secondsSince(started)} s`,
  );
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
