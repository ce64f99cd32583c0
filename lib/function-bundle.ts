import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { DISABLE_ASSET_STAGING_CONTEXT } from 'aws-cdk-lib/cx-api';
import type { Construct } from 'constructs';
import { type BuildOptions, buildSync } from 'esbuild';
import { environments, type FunctionName } from '../functions/contract/environment.ts';

const root = join(import.meta.dirname, '..');

/** TypeScript in the repository, JavaScript in the package. */
const extension = extname(import.meta.filename);

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
    '@aws-sdk/credential-provider-node': `./functions/cold-start/bundle-stubs/environment-credentials${extension}`,
    '@aws-sdk/endpoint-cache': `./functions/cold-start/bundle-stubs/endpoint-cache${extension}`,
    '@smithy/core/event-streams': `./functions/cold-start/bundle-stubs/unused-module${extension}`,
    bowser: `./functions/cold-start/bundle-stubs/unused-module${extension}`,
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

/** The handler setting of every function. */
export const bundleHandler = 'entry.handler';

/** The folder of each function's bundle. */
export type Bundles = Readonly<Record<FunctionName, string>>;

/** The names of all functions. */
export const functionNames = Object.keys(environments) as readonly FunctionName[];

/** Bundles all functions at once, each into its own folder, and returns the folders. Throws when one cannot be built. */
export function bundleFunctions(outputDirectory: string): Bundles {
  for (const name of functionNames) {
    if (!existsSync(sourceOf(name)))
      throw new Error(`functions/${name} is missing: the stack has a function of this name.`);
  }
  buildSync({
    ...bundleOptions,
    entryPoints: functionNames.map((name) => ({ in: sourceOf(name), out: join(name, 'index') })),
    outdir: outputDirectory,
  });
  const folders = functionNames.map((name) => [name, join(outputDirectory, name)] as const);
  for (const [, folder] of folders) writeFileSync(join(folder, 'entry.mjs'), entry);
  return Object.fromEntries(folders) as Record<FunctionName, string>;
}

/**
 * Bundles all functions into a temporary folder, which disposal deletes. The CDK copies an asset when it is constructed, so the
 * folder is not needed after that. It stays where the context switches the copy off. A handler of the process's end would not run
 * under Jest, whose `process` is a copy.
 */
export function bundleTemporarily(scope: Construct): Disposable & { readonly bundles: Bundles } {
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

const sourceOf = (name: FunctionName): string => join(root, 'functions', `${name}${extension}`);
