import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, buildSync } from 'esbuild';
import { environments, type FunctionName } from '../functions/runtime/environment.ts';

const root = join(import.meta.dirname, '..');

/**
 * How every function is bundled. CommonJS from the packages' ES modules: the quickest to load of all combinations, since an
 * ES module's import of `node:http` brings undici with it, and CommonJS sources cannot be shaken.
 */
export const bundleOptions = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  mainFields: ['module', 'main'],
  minify: true,
  sourcemap: 'external',
  legalComments: 'none',
  logLevel: 'silent',
  alias: { '@aws-sdk/credential-provider-node': './functions/runtime/credentials-from-environment.ts' },
} as const satisfies BuildOptions;

export const functionNames = Object.keys(environments) as readonly FunctionName[];

/** Bundles all functions in one go, into one folder each; returns the folder of each. Throws when one cannot be built. */
export function bundleFunctions(
  outputDirectory = join(root, '.cache', 'functions'),
): Readonly<Record<FunctionName, string>> {
  for (const name of functionNames) {
    const source = join('functions', `${name}.ts`);
    if (!existsSync(join(root, source)))
      throw new Error(`${source} is missing: the stack has a function of this name.`);
  }
  buildSync({
    ...bundleOptions,
    entryPoints: functionNames.map((name) => ({ in: `functions/${name}.ts`, out: join(name, 'index') })),
    outdir: outputDirectory,
  });
  return Object.fromEntries(functionNames.map((name) => [name, join(outputDirectory, name)])) as Record<
    FunctionName,
    string
  >;
}
