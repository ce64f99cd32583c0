import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';

const maps = new Map<string, SourceMap | undefined>();

/** Of a place in a bundle: the folder and the file, the line and the column. */
const placePattern = /(\/[^\s():]+\.[cm]?js):(\d+):(\d+)/;

/**
 * The lines of an error's stack that say where it was, in the files that people write and not in the bundle; the message, which the
 * stack begins with, is left out. A bundle's source map is read when the first stack is looked at: Node's own
 * `--enable-source-maps` reads it at every start, which took a quarter of a function's init.
 */
export const originalStack = (error: Error): string | undefined =>
  error.stack
    ?.split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.replace(placePattern, originalPlace))
    .join('\n');

function originalPlace(place: string, file: string, line: string, column: string): string {
  const entry = mapOf(file)?.findEntry(Number(line) - 1, Number(column) - 1);
  return entry && 'originalSource' in entry
    ? `${entry.originalSource.replace(/^.*?(?=functions\/|node_modules\/)/, '')}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
    : place;
}

/** No map is no error: the stack is then told as it is. */
function mapOf(file: string): SourceMap | undefined {
  if (!maps.has(file)) {
    let map: SourceMap | undefined;
    try {
      map = new SourceMap(
        JSON.parse(readFileSync(`${file}.map`, 'utf8')) as ConstructorParameters<typeof SourceMap>[0],
      );
    } catch {
      map = undefined;
    }
    maps.set(file, map);
  }
  return maps.get(file);
}
