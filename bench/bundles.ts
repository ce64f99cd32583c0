import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { bundleFunctions } from '../lib/function-bundle.ts';
import type { FunctionName } from '../functions/contract/function-name.ts';

const folder = import.meta.dirname;

/** The esbuild options of the CDK's `NodejsFunction` (aws-cdk-lib 2, Node 24). It leaves the SDK to the runtime. */
const cdkDefaults = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  external: ['@aws-sdk/*', '@smithy/*'],
  logLevel: 'silent',
} as const satisfies BuildOptions;

/**
 * The esbuild options of a careful team: one minified ES module for each function, with the SDK inside. The banner is what
 * esbuild's own documentation gives for packages that call `require`.
 */
const leanOptions = {
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  outExtension: { '.js': '.mjs' },
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  legalComments: 'none',
  logLevel: 'silent',
} as const satisfies BuildOptions;

const typicalNames = ['empty', 'typical-cancel', 'typical-webhook'] as const;
const leanNames = ['lean-cancel', 'lean-webhook', 'lean-register', 'lean-timer'] as const;
const peerNames = [...typicalNames, ...leanNames] as const;
export type LeanName = (typeof leanNames)[number];
export type PeerName = (typeof peerNames)[number];

export interface Bundles {
  /** The folder of each bundle. */
  readonly functions: Readonly<Record<FunctionName, string>>;
  readonly peers: Readonly<Record<PeerName, string>>;
  /** The runtime client. */
  readonly bootstrap: string;
}

/** Bundles everything into a folder: the functions as the stack does, and the peers as their teams would. */
export async function bundleAll(outputDirectory: string): Promise<Bundles> {
  const functions = bundleFunctions(join(outputDirectory, 'functions'));
  const outdir = join(outputDirectory, 'peers');
  await build({ ...cdkDefaults, entryPoints: entriesOf(typicalNames), outdir });
  await build({ ...leanOptions, entryPoints: entriesOf(leanNames), outdir });
  await build({
    ...cdkDefaults,
    minify: true,
    entryPoints: [join(folder, 'lambda', 'bootstrap.ts')],
    outfile: join(outputDirectory, 'bootstrap.cjs'),
  });
  const peers = Object.fromEntries(
    peerNames.map((name) => [name, join(outputDirectory, 'peers', name)]),
  ) as Record<PeerName, string>;
  return { functions, peers, bootstrap: join(outputDirectory, 'bootstrap.cjs') };
}

const entriesOf = (names: readonly PeerName[]) =>
  names.map((name) => ({ in: join(folder, 'peers', `${name}.ts`), out: join(name, 'index') }));
