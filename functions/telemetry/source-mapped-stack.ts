import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';

const maps = new Map<string, SourceMap | undefined>();

/** A frame of a bundle: the folder, the file, the line and the column. */
const placePattern = /(\/[^\s():]+\.[cm]?js):(\d+):(\d+)/;

/**
 * Returns the lines of an error's stack, with places in the source files instead of the bundle and without the
 * message. A bundle's source map is read with the first stack. Node's own `--enable-source-maps` reads it at every
 * start, which took a quarter of a function's init.
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

/** A missing map is not a fault: the stack is then returned as it is. */
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
