import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { bundleFunctions } from '../lib/function-bundle.ts';
import type { FunctionName } from '../functions/contract/environment.ts';

const folder = import.meta.dirname;

/** The esbuild options of the CDK's `NodejsFunction` (aws-cdk-lib 2, Node 24). It leaves the SDK to the runtime. */
const cdkDefaults = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  external: ['@aws-sdk/*', '@smithy/*'],
  logLevel: 'silent',
} as const satisfies BuildOptions;

const peerNames = ['empty', 'typical-cancel', 'typical-webhook'] as const;
export type PeerName = (typeof peerNames)[number];

export interface Bundles {
  /** The folder of each bundle. */
  readonly functions: Readonly<Record<FunctionName, string>>;
  readonly peers: Readonly<Record<PeerName, string>>;
  /** The runtime client. */
  readonly bootstrap: string;
}

/** Bundles everything into a folder: the functions as the stack does, the peers as the CDK does. */
export async function bundleAll(outputDirectory: string): Promise<Bundles> {
  const functions = bundleFunctions(join(outputDirectory, 'functions'));
  await build({
    ...cdkDefaults,
    entryPoints: peerNames.map((name) => ({
      in: join(folder, 'peers', `${name}.ts`),
      out: join(name, 'index'),
    })),
    outdir: join(outputDirectory, 'peers'),
  });
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
