import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { readJson } from '../../functions/contract/read-json.ts';
import { personsEnvironment } from '../support/persons-environment.ts';

/** Where the five commands are typed, and for which accounts. */
export interface FiveCommandsOptions {
  /** An empty folder, outside the repository. */
  readonly folder: string;
  /** The packed package `lapse`. */
  readonly tarball: string;
  /** Secret. An API key of Klarna's test environment. */
  readonly apiKey: string;
  /** The account at Klarna that has it. */
  readonly partnerAccount: string;
  readonly region: string;
  /** What else is in the environment: AWS credentials, and an emulator's address. */
  readonly environment: Readonly<Record<string, string>>;
  /** A stand-in for Klarna. Default: Klarna's test environment. */
  readonly klarnaUrl?: string;
  /** Where an emulator serves the API and the webhook of these outputs. Default: the outputs have their addresses. */
  readonly reachable?: (outputs: Readonly<Record<string, string>>) => Readonly<Record<string, string>>;
  /** The problems that `doctor` may find, by the names of its checks: what an emulator does not have. */
  readonly mayFind?: readonly string[];
}

/** What a command printed, and how it ended. */
interface Typed {
  readonly output: string;
  readonly code: number | null;
}

/**
 * Types the five commands as a new user does: from an empty folder and the packed package to a canceled Payment Request. Throws with what
 * was printed where one ends in another way, and where the API key is in anything that was printed or written.
 */
export async function typeFiveCommands(options: FiveCommandsOptions): Promise<void> {
  const { folder, tarball, apiKey, region, partnerAccount, klarnaUrl, reachable, mayFind = [] } = options;
  const environment = { ...personsEnvironment(dirname(process.execPath), folder), ...options.environment };
  const printed: string[] = [];
  const type = async (program: string, parameters: readonly string[], input = ''): Promise<Typed> => {
    const typed = await run(program, parameters, { folder, environment, input });
    printed.push(typed.output);
    return typed;
  };
  const expectDone = async (program: string, parameters: readonly string[], input?: string) => {
    const { output, code } = await type(program, parameters, input);
    if (code !== 0)
      throw new Error(
        `${program} ${parameters.join(' ')} ended with ${String(code)}:\n${output.replaceAll(apiKey, '<the API key>')}`,
      );
    return output;
  };
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
  await expectDone('npm', ['install', ...quiet, tarball]);
  await expectDone('npx', ['lapse', 'init', '--region', region]);
  const context = klarnaUrl === undefined ? [] : ['--', '-c', `klarnaUrl=${klarnaUrl}`];
  await expectDone('npx', ['lapse', 'deploy', '--yes', ...context]);
  if (reachable) await rewriteOutputs(folder, reachable);
  const connect = ['lapse', 'connect', '--credential', 'shop', '--env', 'test'];
  const account = ['--partner-account', partnerAccount, '--yes'];
  await expectDone('npx', [...connect, ...account], `${apiKey}\n`);
  expectDoctor(await type('npx', ['lapse', 'doctor', '--json']), mayFind);
  const tried = await expectDone('npx', ['lapse', 'try', '--timeout', 'PT30S']);
  if (!tried.includes('CANCELED')) throw new Error(`lapse try did not show CANCELED:\n${tried}`);
  // A second time, nothing is to do.
  await expectDone('npx', [...connect, ...account], '\n');
  if (printed.some((text) => text.includes(apiKey))) throw new Error('A command printed the API key.');
  await expectNowhere(folder, apiKey);
}

const checkSchema = v.object({ check: v.string(), result: v.string() });

function expectDoctor({ output, code }: Typed, mayFind: readonly string[]): void {
  const checks = output
    .split('\n')
    .map((line) => v.safeParse(checkSchema, readJson(line)))
    .flatMap((parsed) => (parsed.success ? [parsed.output] : []));
  const found = checks.filter(({ result }) => result === 'problem' || result === 'not_checked');
  if (checks.length < 10 || found.some(({ check }) => !mayFind.includes(check)))
    throw new Error(`lapse doctor ended with ${String(code)}:\n${output}`);
}

const rememberedSchema = v.looseObject({ outputs: v.record(v.string(), v.string()) });

/** An emulator serves other addresses than AWS, whose names it prints. */
async function rewriteOutputs(
  folder: string,
  reachable: NonNullable<FiveCommandsOptions['reachable']>,
): Promise<void> {
  const file = join(folder, '.lapse', 'stack.json');
  const remembered = v.parse(rememberedSchema, readJson(await readFile(file, 'utf8')));
  const outputs = { ...remembered.outputs, ...reachable(remembered.outputs) };
  await writeFile(file, JSON.stringify({ ...remembered, outputs }));
}

/** Throws where a file of the folder has the secret. */
async function expectNowhere(folder: string, secret: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile() || file.includes('node_modules')) continue;
    if ((await readFile(file, 'utf8')).includes(secret)) throw new Error(`${file} has the API key.`);
  }
}

async function run(
  program: string,
  parameters: readonly string[],
  {
    folder,
    environment,
    input,
  }: { readonly folder: string; readonly environment: NodeJS.ProcessEnv; readonly input: string },
): Promise<Typed> {
  await mkdir(folder, { recursive: true });
  const child = spawn(program, parameters, { cwd: folder, env: environment });
  child.stdin.end(input);
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { output: Buffer.concat(output).toString('utf8'), code };
}
