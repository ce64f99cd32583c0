import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';

/** Builds the page of the local system and of `lapse console` into a folder. */
export async function buildPage(folder: string): Promise<Metafile> {
  const source = join('local', 'front-page', 'browser');
  mkdirSync(folder, { recursive: true });
  for (const name of ['page.html', 'page.css', 'icon.svg']) cpSync(join(source, name), join(folder, name));
  const { metafile } = await build({
    entryPoints: [join(source, 'page.ts')],
    outfile: join(folder, 'page.js'),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    metafile: true,
  });
  return metafile;
}
