import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { glob, mkdtemp, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The files that the synthesized stack and the bundles come from; whatever else is in the project does not matter to them. */
const inputs = ['bin/app.ts', 'cdk.json', 'package-lock.json', 'lib/**/*.ts', 'functions/**/*.ts'];

export interface Synthesis {
  /** The folder of the cloud assembly: the template, and the bundles as they would be deployed. */
  readonly cdkOut: string;
  /** Whether it was there already. */
  readonly cached: boolean;
}

export interface SynthesisOptions {
  /** @default 'scheduler' */
  readonly timers?: 'scheduler' | 'sweep';
}

/**
 * Synthesizes the stack as `cdk synth` does, once for each state of the source and each setting: a folder is named by the hash of what it was
 * made from, so it is complete or not there, and two that start at once do not harm each other. Rejects with what the app
 * said when it cannot be synthesized.
 */
export async function synthesize(
  root: string,
  { timers = 'scheduler' }: SynthesisOptions = {},
): Promise<Synthesis> {
  const assemblies = join(root, '.cache', 'assemblies');
  const cdkOut = join(assemblies, await hashOf(root, timers));
  if (await exists(join(cdkOut, 'manifest.json'))) return { cdkOut, cached: true };
  await mkdir(assemblies, { recursive: true });
  // In Lambda no package.json stands above a bundle; here the project's would make an ES module of it.
  await writeFile(join(assemblies, 'package.json'), '{}');
  const temporary = await mkdtemp(join(assemblies, 'making-'));
  try {
    await runApp(root, temporary, { timers });
    await rename(temporary, cdkOut).catch((error: unknown) => {
      // Somebody else was quicker, with the same.
      if (!isTaken(error)) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return { cdkOut, cached: false };
}

async function hashOf(root: string, timers: string): Promise<string> {
  const files: string[] = [];
  for await (const file of glob(inputs, { cwd: root })) files.push(file);
  const hash = createHash('sha256').update(`${process.version} ${timers}`);
  for (const file of files.toSorted()) {
    hash.update(`\0${file}\0`).update(await readFile(join(root, file)));
  }
  return hash.digest('hex').slice(0, 32);
}

/** What the CDK's command line does for an app: cdk.json's context, and the metadata that says where resources come from. */
async function runApp(
  root: string,
  outputDirectory: string,
  settings: Required<SynthesisOptions>,
): Promise<void> {
  const { context } = JSON.parse(await readFile(join(root, 'cdk.json'), 'utf8')) as { context: object };
  const metadata = { 'aws:cdk:enable-path-metadata': true, 'aws:cdk:enable-asset-metadata': true };
  const app = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join('bin', 'app.ts')], {
    cwd: root,
    env: {
      ...process.env,
      CDK_OUTDIR: outputDirectory,
      CDK_CONTEXT_JSON: JSON.stringify({ ...context, ...metadata, ...settings }),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said: Buffer[] = [];
  app.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  const [code] = (await once(app, 'close')) as [number | null];
  if (code !== 0)
    throw new Error(`The stack cannot be synthesized:\n${Buffer.concat(said).toString().trim()}`);
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const isTaken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST');
