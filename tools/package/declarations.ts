import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

/** Where the compiler writes the declarations of all packages. */
const folder = join('.cache', 'declarations');

/** Compiles the declarations of all packages. Throws with the compiler's output where the sources do not compile. */
export function compileDeclarations(): void {
  rmSync(folder, { recursive: true, force: true });
  const { status, stdout } = spawnSync(
    process.execPath,
    [join('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json', '--outDir', folder],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`The packages do not compile:\n${stdout}`);
}

/** A file of declarations for a package, and what to leave out of it. */
export interface Declarations {
  /** The sources that are exported. What they import comes along. */
  readonly entries: readonly string[];
  /** The source folder that becomes `target`. */
  readonly source: string;
  readonly target: string;
  /** Changes the text of a file, which is given by its path in the source folder. */
  readonly edit?: (path: string, text: string) => string;
}

/** Copies the declarations of some sources, and of all that these import, for a package. */
export function copyDeclarations({ entries, source, target, edit = (_, text) => text }: Declarations): void {
  const waiting = [...entries];
  const copied = new Set<string>();
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (copied.has(path)) continue;
    copied.add(path);
    const text = readFileSync(join(folder, path.replace(/\.ts$/, '.d.ts')), 'utf8');
    for (const { fileName } of ts.preProcessFile(text).importedFiles) {
      if (fileName.startsWith('.')) waiting.push(join(dirname(path), fileName));
    }
    const place = relative(source, path);
    const file = join(target, place.replace(/\.ts$/, '.d.ts'));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, edit(place, asPublished(text)));
  }
}

/** The compiler leaves the endings of imported files as they are. */
const asPublished = (text: string): string =>
  text.replaceAll(/((?:from |import\()['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2');
