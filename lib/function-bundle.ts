import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { DISABLE_ASSET_STAGING_CONTEXT } from 'aws-cdk-lib/cx-api';
import type { Construct } from 'constructs';
import { type BuildOptions, buildSync, type Metafile } from 'esbuild';
import { type FunctionName, functionNames } from '../functions/contract/function-name.ts';
import type { Bundles, OpenBundles } from './bundles.ts';

const root = join(import.meta.dirname, '..');

/**
 * Where the bundles seem to be, wherever they are written. The paths in a source map are relative to its folder, and the hash of a
 * bundle includes its source map. So the same sources have the same hashes on any machine.
 */
const apparentDirectory = join('dist', 'bundles');

/**
 * How every function is bundled. CommonJS from the packages' ES modules loads fastest of all combinations. An ES module's import
 * of `node:http` also loads undici, and esbuild removes unused code from ES modules only.
 */
export const bundleOptions = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  mainFields: ['module', 'main'],
  minify: true,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'silent',
  alias: {
    '@aws-sdk/credential-provider-node': './functions/cold-start/bundle-stubs/environment-credentials.ts',
    '@aws-sdk/endpoint-cache': './functions/cold-start/bundle-stubs/endpoint-cache.ts',
    '@smithy/core/event-streams': './functions/cold-start/bundle-stubs/unused-module.ts',
    'node:fs/promises': './functions/cold-start/bundle-stubs/settings-files.ts',
    bowser: './functions/cold-start/bundle-stubs/unused-module.ts',
  },
} as const satisfies BuildOptions;

/**
 * What Lambda loads. It loads the bundle and awaits its warm-up, which only an ES module can do at top level. It uses `require`
 * because `import` would parse the bundle a second time to find its exports. `WARM_UP=off` is for measuring the init phase.
 */
const entry = `import { createRequire } from 'node:module';
const { handler, warmUp } = createRequire(import.meta.url)('./index.js');
if (process.env.WARM_UP !== 'off') await warmUp();
export { handler };
`;

/** Bundles all functions at once, each into its own folder, and returns the folders. Throws when one cannot be built. */
export function bundleFunctions(outputDirectory: string): Bundles {
  return writeBundles(outputDirectory).bundles;
}

/**
 * Bundles all functions as `bundleFunctions` does. Also says which files are in each bundle.
 *
 * @param repository the folder with the sources and their packages
 */
export function writeBundles(
  outputDirectory: string,
  repository = root,
): { readonly bundles: Bundles; readonly metafile: Metafile } {
  for (const name of functionNames) {
    if (!existsSync(join(repository, sourceOf(name))))
      throw new Error(`functions/${name} is missing: the stack has a function of this name.`);
  }
  const { outputFiles, metafile } = buildSync({
    ...bundleOptions,
    absWorkingDir: repository,
    entryPoints: functionNames.map((name) => ({ in: sourceOf(name), out: join(name, 'index') })),
    outdir: apparentDirectory,
    write: false,
    metafile: true,
  });
  const folders = functionNames.map((name) => [name, join(outputDirectory, name)] as const);
  for (const [, folder] of folders) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'entry.mjs'), entry);
  }
  for (const { path, contents } of outputFiles) {
    writeFileSync(join(outputDirectory, relative(join(repository, apparentDirectory), path)), contents);
  }
  return { bundles: Object.fromEntries(folders) as Record<FunctionName, string>, metafile };
}

/**
 * Bundles all functions into a temporary folder, which disposal deletes. The CDK copies an asset when it is constructed, so the
 * folder is not needed after that. It stays where the context switches the copy off. A handler of the process's end would not run
 * under Jest, whose `process` is a copy.
 */
export function bundleTemporarily(scope: Construct): OpenBundles {
  const folder = mkdtempSync(join(tmpdir(), 'lapse-bundles-'));
  const isCopied = scope.node.tryGetContext(DISABLE_ASSET_STAGING_CONTEXT) === undefined;
  const remove = () => {
    if (isCopied) rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { bundles: bundleFunctions(folder), [Symbol.dispose]: remove };
  } catch (error) {
    remove();
    throw error;
  }
}

const sourceOf = (name: FunctionName): string => join('functions', `${name}.ts`);
