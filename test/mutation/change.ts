/** A mutant by the lines that it changes, white space aside: it is found again wherever they have moved to in their file. */
export interface Change {
  readonly file: string;
  readonly before: string;
  readonly after: string;
}

interface Position {
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

/** The mutant of this source that has `replacement` from one position to another. */
export function changeOf(
  file: string,
  source: string,
  { start, end }: { readonly start: Position; readonly end: Position },
  replacement: string,
): Change {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  const tail = (lines.at(-1) ?? '').slice(end.column - 1);
  const head = (lines[0] ?? '').slice(0, start.column - 1);
  return { file, before: squeezed(lines.join(' ')), after: squeezed(head + replacement + tail) };
}

export const keyOf = ({ file, before, after }: Change): string => JSON.stringify([file, before, after]);

/** In one line. */
export const squeezed = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
