/**
 * `npm run package`: builds the packages `lapse`, `lapse-client` and `lapse-local`, and packs each into dist/packages. Also
 * writes the stack for those who do not use the CDK into dist/cloudformation. With `--no-pack` it does not pack.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { buildClient } from './build-client.ts';
import { buildCloudFormation } from './build-cloudformation.ts';
import { buildLapse } from './build-lapse.ts';
import { buildLocal } from './build-local.ts';
import { compileDeclarations } from './declarations.ts';

compileDeclarations();
const { bundles, metafile } = await buildLapse();
await buildClient();
await buildLocal(metafile);
buildCloudFormation(join('dist', 'cloudformation'), bundles, manifest.version);
cpSync('THIRD-PARTY-NOTICES', join('dist', 'cloudformation', 'THIRD-PARTY-NOTICES'));
if (!process.argv.includes('--no-pack')) pack();

/** Packs each package and prints the tarballs. */
function pack(): void {
  const folder = join('dist', 'packages');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  execFileSync(
    'npm',
    [
      ...['pack', '--silent', '--ignore-scripts', '--pack-destination', folder],
      ...['--include-workspace-root', '--workspace', 'client', '--workspace', 'local'],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  for (const name of readdirSync(folder)) console.log(join(folder, name));
}
