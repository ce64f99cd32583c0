/**
 * `npm run package`: builds the packages `lapse`, `lapse-client` and `lapse-local`, and packs each into dist/packages. With
 * `--no-pack` it only builds.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildClient } from './build-client.ts';
import { buildLapse } from './build-lapse.ts';
import { buildLocal } from './build-local.ts';
import { compileDeclarations } from './declarations.ts';

compileDeclarations();
const functions = await buildLapse();
await buildClient();
await buildLocal(functions);
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
