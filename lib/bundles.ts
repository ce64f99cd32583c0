import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import type { Construct } from 'constructs';
import { type FunctionName, functionNames } from '../functions/contract/function-name.ts';

/** The handler setting of every function. */
export const bundleHandler = 'entry.handler';

/** The folder of each function's bundle. */
export type Bundles = Readonly<Record<FunctionName, string>>;

/** Bundles for one construct. Disposal deletes them if they are temporary. */
export type OpenBundles = Disposable & { readonly bundles: Bundles };

/** The sources are TypeScript, and the package is JavaScript with bundles beside it. */
const isPackage = extname(import.meta.filename) !== '.ts';

/** The bundles that are in the package. In the repository it builds them from the sources. */
export function openBundles(scope: Construct): OpenBundles {
  if (isPackage) return givenBundles(prebuilt());
  // The package has neither the file nor esbuild.
  const { bundleTemporarily } = createRequire(import.meta.filename)('./function-bundle.ts') as {
    readonly bundleTemporarily: (scope: Construct) => OpenBundles;
  };
  return bundleTemporarily(scope);
}

/** Bundles that stay where they are. */
export const givenBundles = (bundles: Bundles): OpenBundles => ({
  bundles,
  [Symbol.dispose]: () => undefined,
});

function prebuilt(): Bundles {
  const folder = join(import.meta.dirname, '..', 'bundles');
  return Object.fromEntries(functionNames.map((name) => [name, join(folder, name)])) as Record<
    FunctionName,
    string
  >;
}
