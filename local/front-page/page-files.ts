import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/** A file of the page, as it is served. */
export interface PageFile {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

const browser = join(import.meta.dirname, 'browser');

/** All files of the page, by path. No other path is served. */
export async function readPageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const [html, css, icon, script] = await Promise.all([
    readFile(join(browser, 'page.html')),
    readFile(join(browser, 'page.css')),
    readFile(join(browser, 'icon.svg')),
    bundle(),
  ]);
  return new Map([
    ['/', { contentType: 'text/html; charset=utf-8', bytes: html }],
    ['/page.css', { contentType: 'text/css; charset=utf-8', bytes: css }],
    ['/page.js', { contentType: 'text/javascript; charset=utf-8', bytes: script }],
    ['/icon.svg', { contentType: 'image/svg+xml', bytes: icon }],
  ]);
}

/** The page's modules as one script. */
async function bundle(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(browser, 'page.ts')],
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
