import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A file of the page, as it is served. */
export interface PageFile {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** Where the page is. */
export interface PagePlace {
  /** The folder with its files. */
  readonly folder: string;
  /** Its script; undefined where it is built from the sources in the folder. */
  readonly script: string | undefined;
}

/** All files of the page, by path. No other path is served. */
export async function readPageFiles(place: PagePlace): Promise<ReadonlyMap<string, PageFile>> {
  const { folder } = place;
  const [html, css, icon, script] = await Promise.all([
    readFile(join(folder, 'page.html')),
    readFile(join(folder, 'page.css')),
    readFile(join(folder, 'icon.svg')),
    readScript(place),
  ]);
  return new Map([
    ['/', { contentType: 'text/html; charset=utf-8', bytes: html }],
    ['/page.css', { contentType: 'text/css; charset=utf-8', bytes: css }],
    ['/page.js', { contentType: 'text/javascript; charset=utf-8', bytes: script }],
    ['/icon.svg', { contentType: 'image/svg+xml', bytes: icon }],
  ]);
}

/** The page's modules as one script. The repository alone has esbuild. */
async function readScript({ folder, script: built }: PagePlace): Promise<Uint8Array> {
  if (built !== undefined) return readFile(built);
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'page.ts')],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  });
  const [script] = outputFiles;
  if (!script) throw new Error('The page does not have a script.');
  return script.contents;
}
