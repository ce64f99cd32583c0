/** Clients that openapi-generator makes from docs/api.yaml compile, and call a local system. Part of `npm run verify`. */
import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { pythonEnvironment } from '../support/python-environment.ts';
import { runProgram } from '../support/run-program.ts';
import { newPaymentRequestId, SystemClient } from '../support/system-client.ts';

/** From PyPI: the generator, which brings its jar, and what the Python client needs. */
const packages = [
  'openapi-generator-cli==7.26.0',
  'pydantic==2.14.4',
  'python-dateutil==4.0.0',
  'typing-extensions==4.16.0',
  'urllib3==2.8.0',
];

const root = join(import.meta.dirname, '..', '..');
const cache = join(root, '.cache', 'generated-clients');
const timeout = 300_000;

let python: string;
let system: LocalProcess;

beforeAll(async () => {
  await mkdir(cache, { recursive: true });
  ({ python } = await pythonEnvironment(join(cache, 'environment'), packages));
  system = await startLocalProcess();
}, timeout);

afterAll(async () => {
  expect(await system.stop()).toBe(0);
});

/** As docs/guides/client.md has them, with what each is for. */
const recommended = 'enumUnknownDefaultCase=true,containerDefaultToNull=true,useSingleRequestParameter=true';

/** Generates a client into a folder of its own, and returns the folder. */
async function generate(generator: string, parameters: readonly string[]): Promise<string> {
  const folder = join(cache, generator);
  await rm(folder, { recursive: true, force: true });
  const options = ['--additional-properties', recommended];
  const input = ['--input-spec', join(root, 'docs', 'api.yaml'), '--output', folder];
  await runProgram(python, [
    ...['-c', 'from openapi_generator_cli import cli; cli()', 'generate', '--generator-name', generator],
    ...[...input, ...options, ...parameters],
  ]);
  return folder;
}

/** Runs a program that calls the system, and returns what it printed last, with the ids that it used. */
async function smoke(run: (parameters: readonly string[]) => Promise<string>) {
  const id = await new SystemClient(system).createAtKlarna();
  const session = `cart ${randomUUID()}`;
  const job = `job-${randomUUID()}`;
  const printed = await run([system.api, id, session, newPaymentRequestId(), job]);
  return { id, session, job, results: JSON.parse(printed.trim().split('\n').at(-1) ?? '') as unknown };
}

const expected = ({ id, session, job }: { id: string; session: string; job: string }) => ({
  registered: session,
  extended: 1,
  refreshed: ['SUBMITTED', 'refreshed'],
  listed: expect.arrayContaining([id]) as unknown,
  session: 'open',
  dry_run: 'would_cancel',
  canceled: ['canceled', 'CANCELED', 'basket emptied'],
  history: expect.arrayContaining(['register', 'extend', 'cancel_request']) as unknown,
  job: ['running', true],
  jobs: expect.arrayContaining([job]) as unknown,
  late: [409, 'urn:lapse:problem:already-final'],
  unknown: [404, 'urn:lapse:problem:not-found'],
});

it('the generated Python client calls the API', { timeout }, async () => {
  const folder = await generate('python', ['--package-name', 'lapse_api']);
  const program = join(import.meta.dirname, 'smoke.py');
  const { results, ...ids } = await smoke((parameters) =>
    runProgram(python, [program, ...parameters], { environment: { PYTHONPATH: folder } }),
  );
  expect(results).toEqual(expected(ids));
});

const hasMaven = await runProgram('mvn', ['--version']).then(
  () => true,
  () => false,
);

it.skipIf(!hasMaven)('the generated Java client compiles and calls the API', { timeout }, async () => {
  const folder = await generate('java', ['--library', 'native']);
  await copyFile(join(import.meta.dirname, 'Smoke.java'), join(folder, 'src', 'main', 'java', 'Smoke.java'));
  await runProgram(
    'mvn',
    ['--batch-mode', '--quiet', 'compile', 'dependency:build-classpath', '-Dmdep.outputFile=classpath'],
    { cwd: folder },
  );
  const classpath = [
    join('target', 'classes'),
    (await readFile(join(folder, 'classpath'), 'utf8')).trim(),
  ].join(':');
  const { results, ...ids } = await smoke((parameters) =>
    runProgram('java', ['-cp', classpath, 'Smoke', ...parameters], { cwd: folder }),
  );
  expect(results).toEqual(expected(ids));
});
