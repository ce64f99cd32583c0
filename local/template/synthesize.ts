import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { glob, mkdtemp, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The files from which the stack and the bundles are made. No other file of the project changes them. */
const inputs = ['bin/app.ts', 'cdk.json', 'package-lock.json', 'lib/**/*.ts', 'functions/**/*.ts'];

export interface Synthesis {
  /** The folder of the cloud assembly: the template, and the bundles as they would be deployed. */
  readonly cdkOut: string;
  /** Whether the folder existed already. */
  readonly cached: boolean;
}

export interface SynthesisOptions {
  /** @default 'scheduler' */
  readonly timers?: 'scheduler' | 'sweep';
  /** The setting of the stack. @default [] */
  readonly pageOrigins?: readonly string[];
}

/**
 * Synthesizes the stack as `cdk synth` does, once for each state of the source and each setting. The folder is named by
 * the hash of its inputs and appears complete, so two runs at the same time do no harm. Rejects with the app's output
 * when it cannot be synthesized.
 */
export async function synthesize(
  root: string,
  { timers = 'scheduler', pageOrigins = [] }: SynthesisOptions = {},
): Promise<Synthesis> {
  const assemblies = join(root, '.cache', 'assemblies');
  const cdkOut = join(assemblies, await hashOf(root, `${timers} ${pageOrigins.join()}`));
  if (await exists(join(cdkOut, 'manifest.json'))) return { cdkOut, cached: true };
  await mkdir(assemblies, { recursive: true });
  // In Lambda there is no package.json above a bundle. Here the project's own would turn a bundle into an ES module.
  await writeFile(join(assemblies, 'package.json'), '{}');
  const temporary = await mkdtemp(join(assemblies, 'making-'));
  try {
    await runApp(root, temporary, {
      timers,
      ...(pageOrigins.length > 0 && { pageOrigins: pageOrigins.join() }),
    });
    await rename(temporary, cdkOut).catch((error: unknown) => {
      // Another process finished first, with the same content.
      if (!isTaken(error)) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return { cdkOut, cached: false };
}

async function hashOf(root: string, settings: string): Promise<string> {
  const files: string[] = [];
  for await (const file of glob(inputs, { cwd: root })) files.push(file);
  const hash = createHash('sha256').update(`${process.version} ${settings}`);
  for (const file of files.toSorted()) {
    hash.update(`\0${file}\0`).update(await readFile(join(root, file)));
  }
  return hash.digest('hex').slice(0, 32);
}

/**
 * Passes an app what the CDK's command line passes: the context of cdk.json, and the metadata that names each
 * resource's source.
 */
async function runApp(
  root: string,
  outputDirectory: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const { context } = JSON.parse(await readFile(join(root, 'cdk.json'), 'utf8')) as { context: object };
  const metadata = { 'aws:cdk:enable-path-metadata': true, 'aws:cdk:enable-asset-metadata': true };
  const app = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join('bin', 'app.ts')], {
    cwd: root,
    env: {
      ...process.env,
      CDK_OUTDIR: outputDirectory,
      // The CDK's own check of templates takes longer than all the rest. `npm run synth` and a deployment have it.
      CDK_VALIDATION: 'false',
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
