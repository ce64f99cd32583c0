import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { programFiles } from '../program-files.ts';

/** A file of the page, as it is served. */
export interface PageFile {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** All files of the page, by path. No other path is served. */
export async function readPageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const [html, css, icon, script] = await Promise.all([
    readFile(join(programFiles.page, 'page.html')),
    readFile(join(programFiles.page, 'page.css')),
    readFile(join(programFiles.page, 'icon.svg')),
    readScript(),
  ]);
  return new Map([
    ['/', { contentType: 'text/html; charset=utf-8', bytes: html }],
    ['/page.css', { contentType: 'text/css; charset=utf-8', bytes: css }],
    ['/page.js', { contentType: 'text/javascript; charset=utf-8', bytes: script }],
    ['/icon.svg', { contentType: 'image/svg+xml', bytes: icon }],
  ]);
}

/** The page's modules as one script. The repository alone has esbuild. */
async function readScript(): Promise<Uint8Array> {
  if (programFiles.pageScript !== undefined) return readFile(programFiles.pageScript);
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [join(programFiles.page, 'page.ts')],
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
