import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type BuildOptions, type Metafile } from 'esbuild';
import { bundleOptions } from '../../lib/function-bundle.ts';
import { localPageOrigins } from '../../local/template/assembly.ts';
import { synthesize } from '../../local/template/synthesize.ts';
import { buildPage } from './build-page.ts';
import { copyDeclarations } from './declarations.ts';
import { thirdPartyNotices } from './notices.ts';

const dist = join('local', 'dist');

/**
 * Builds what the package `lapse-local` ships into local/dist: the command, its processes, the page, and the stack as it would be
 * deployed. The folder has the layout that local/program-files.ts names.
 *
 * @param functions which files are in the bundles of the functions
 */
export async function buildLocal(functions: Metafile): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  const metafiles = await Promise.all([buildPrograms(), buildStart(), buildPage(join(dist, 'page'))]);
  await writeAssemblies();
  copyDeclarations({ entries: ['local/start-lapse.ts'], source: 'local', target: dist });
  renameSync(join(dist, 'start-lapse.d.ts'), join(dist, 'start-lapse.d.cts'));
  cpSync('LICENSE', join('local', 'LICENSE'));
  writeFileSync(join('local', 'THIRD-PARTY-NOTICES'), thirdPartyNotices([functions, ...metafiles]));
}

/** The stubs of packages. The functions replace modules of Node, too, which the local system needs. */
const stubs = Object.fromEntries(
  Object.entries(bundleOptions.alias).filter(([name]) => !name.startsWith('node:')),
);

/** The command and its processes, each one file. */
export const programOptions = {
  entryPoints: {
    command: 'bin/local.ts',
    bootstrap: 'local/lambda/bootstrap.ts',
    klarna: 'local/klarna-simulator/main.ts',
  },
  outdir: dist,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  mainFields: ['module', 'main'],
  alias: stubs,
  // Used with the sources only.
  external: ['esbuild'],
  // Some packages in the bundle are CommonJS.
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as createRequireOfBundle } from 'node:module';\nconst require = createRequireOfBundle(import.meta.url);",
  },
  metafile: true,
} as const satisfies BuildOptions;

async function buildPrograms(): Promise<Metafile> {
  // Without a bundle: it loads on any Node, and says which one it needs.
  await build({
    entryPoints: ['bin/lapse-local.ts'],
    outdir: dist,
    format: 'esm',
    target: 'node18',
    banner: { js: '#!/usr/bin/env node' },
  });
  return (await build(programOptions)).metafile;
}

/** CommonJS in the folder of the command, for tests of any kind: Jest loads nothing else. */
async function buildStart(): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: ['local/start-lapse.ts'],
    outfile: join(dist, 'start-lapse.cjs'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
    metafile: true,
  });
  return metafile;
}

/** The stack with each kind of timers. The bundles are the same, so the second one refers to those of the first. */
async function writeAssemblies(): Promise<void> {
  const assemblies = join(dist, 'assemblies');
  for (const timers of ['scheduler', 'sweep'] as const) {
    const { cdkOut } = await synthesize('.', { timers, pageOrigins: localPageOrigins });
    const folder = join(assemblies, timers);
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(cdkOut)) {
      if (name === 'manifest.json') cpSync(join(cdkOut, name), join(folder, name));
      if (name.startsWith('asset.')) cpSync(join(cdkOut, name), join(assemblies, name), { recursive: true });
      if (name.endsWith('.template.json')) {
        const template = readFileSync(join(cdkOut, name), 'utf8');
        writeFileSync(join(folder, name), template.replaceAll(/("aws:asset:path": ")(asset\.)/g, '$1../$2'));
      }
    }
  }
  // In Lambda there is no package.json above a bundle. The package's own would turn a bundle into an ES module.
  writeFileSync(join(assemblies, 'package.json'), '{}\n');
}
