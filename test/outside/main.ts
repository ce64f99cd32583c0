/**
 * `npm run outside`: deploys Lapse with the real CDK on an emulator of AWS that checks signatures and IAM policies. It plays the
 * scenarios on the stack, changes a setting, and destroys it. Needs Python 3 and the network, for packages from PyPI.
 *
 *     npm run outside                       every stage
 *     npm run outside -- --stage default    one stage
 *
 * What else follows `--` is passed on to Vitest.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { selfSignedIdentity } from '../../bench/stand-ins/certificate.ts';
import { startKlarnaProcess } from '../../local/klarna-simulator/process.ts';
import { Deployment, type DeploymentParts } from './deployment.ts';
import { playScenarios } from './play-scenarios.ts';
import { region, startEmulator } from './emulator.ts';
import { pythonEnvironment } from '../support/python-environment.ts';
import { runProgram } from '../support/run-program.ts';
import { stagesOf } from './stage.ts';
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
  counts.scenarios += await step(
    `${name}: scenarios`,
    () => playScenarios(parts, { target, filters: ['core-flows', 'deployed'], vitestOptions }),
    (passed) => `${passed} tests`,
  );
  await step(`${name}: update with a changed setting`, () => deployment.deploy(true));
  await step(`${name}: cdk diff without differences`, () => deployment.expectNoDifferences());
  counts.scenarios += await step(
    `${name}: a session after the update`,
    () =>
      playScenarios(parts, {
        target,
        filters: ['deployed', '--testNamePattern', '65 seconds'],
        environment: { TIMERS: 'sweep' },
      }),
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

async function run(stageName: string | undefined, vitestOptions: readonly string[]): Promise<void> {
  const python = await step('Python environment', () => pythonEnvironment(join(cache, 'python'), packages));
  const folder = join(cache, 'run');
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'klarna'), { recursive: true });
  const identity = await selfSignedIdentity();
  const certificate = join(folder, 'trusted.pem');
  await writeFile(certificate, identity.certificate);
  // The simulator delivers its webhooks to the emulator.
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
  try {
    const stages = stagesOf(klarna.url, issuer).filter(
      ({ name }) => stageName === undefined || name === stageName,
    );
    if (stages.length === 0) throw new Error(`--stage is ${String(stageName)}; allowed: default, api.`);
    await step('cdk bootstrap', () =>
      runProgram('npx', ['cdk', 'bootstrap', `aws://000000000000/${region}`, '--no-notices'], {
        cwd: root,
        environment: { ...emulator.environment, CDK_DISABLE_CLI_TELEMETRY: 'true' },
      }),
    );
    for (const stage of stages) {
      const parts = { stage, emulator, python, klarnaUrl: klarna.url, folder: join(folder, stage.name) };
      await tryStage(parts, vitestOptions);
    }
  } finally {
    await emulator.stop();
    await klarna.stop();
    await issuer.stop();
  }
}

const { values, positionals, tokens } = parseArgs({
  options: { stage: { type: 'string' } },
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
  await run(typeof values.stage === 'string' ? values.stage : undefined, vitestOptions);
  say(
    `${counts.stages} stages, ${counts.resources} resources, ${counts.scenarios} scenarios, ${secondsSince(started)} s`,
  );
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
