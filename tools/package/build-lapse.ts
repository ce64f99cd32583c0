import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import type { Bundles } from '../../lib/bundles.ts';
import { writeBundles } from '../../lib/function-bundle.ts';
import { buildPage } from './build-page.ts';
import { copyDeclarations } from './declarations.ts';
import { thirdPartyNotices } from './notices.ts';

/** The lowest Node that the construct and the command line run on. */
const target = 'node20';

/** One bundle for each of these, which the exports of package.json name. */
const constructs = ['lib/lapse.ts', 'lib/lapse-stack.ts', 'functions/contract/table-schema.ts'];

/** Two bundles must share one class `Lapse`: the one of the stack loads the one of the construct. */
const shareLapse: Plugin = {
  name: 'share-lapse',
  setup(bundle) {
    bundle.onResolve({ filter: /^\.\/lapse\.ts$/ }, () => ({ path: './lapse.js', external: true }));
  },
};

/**
 * Builds what the package `lapse` ships into dist/: the construct, the bundles of the functions, and the command
 * line. Returns the bundles of the functions.
 */
export async function buildLapse(): Promise<{ readonly bundles: Bundles; readonly metafile: Metafile }> {
  const dist = 'dist';
  for (const part of ['bin', 'bundles', 'lib', 'types'])
    rmSync(join(dist, part), { recursive: true, force: true });
  const functions = writeBundles(join(dist, 'bundles'));
  const others = await Promise.all([
    buildConstructs(dist),
    buildCommandLine(dist),
    buildPage(join(dist, 'bin', 'page')),
  ]);
  copyDeclarations({ entries: constructs, source: '.', target: join(dist, 'types') });
  // CommonJS, because `cdk init` makes apps and tests that load nothing else. An ES module can import it, too.
  writeFileSync(join(dist, 'package.json'), '{ "type": "commonjs" }\n');
  writeFileSync('THIRD-PARTY-NOTICES', thirdPartyNotices([functions.metafile, ...others]));
  return functions;
}

async function buildConstructs(dist: string): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: constructs,
    outdir: join(dist, 'lib'),
    entryNames: '[name]',
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target,
    packages: 'external',
    plugins: [shareLapse],
    define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
    metafile: true,
  });
  return metafile;
}

async function buildCommandLine(dist: string): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: ['bin/lapse.ts'],
    outdir: join(dist, 'bin'),
    outExtension: { '.js': '.mjs' },
    chunkNames: 'parts/[name]-[hash]',
    bundle: true,
    // A command loads the AWS clients that it uses, and no others.
    splitting: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target,
    mainFields: ['module', 'main'],
    // Builds the page in a checkout. The package has it built.
    external: ['esbuild'],
    // Packages in CommonJS call `require`, which an ES module does not have.
    banner: {
      js: `#!/usr/bin/env node
import { createRequire as lapseCreateRequire } from 'node:module';
const require = lapseCreateRequire(import.meta.url);`,
    },
    metafile: true,
  });
  return metafile;
}
