/**
 * What a piece of text is, which decides the rules that apply to it.
 *
 * - `prose`, `comment`, `string`, `test-name`: words and sentence length.
 * - `label`: headings, tables, and strings of tests: words only.
 * - `code`: identifiers, paths, and code in Markdown: names only.
 */
export type BlockKind = 'prose' | 'comment' | 'string' | 'test-name' | 'label' | 'code';

/** A piece of text and the line in the file on which each part of it stands. */
export interface TextBlock {
  readonly kind: BlockKind;
  readonly text: string;
  /** In ascending order of `offset`; the first has offset 0. Lines count from 1. */
  readonly lines: readonly { readonly offset: number; readonly line: number }[];
}

/** A block of parts that follow one another in the file, joined by `separator`. */
export function blockOf(
  kind: BlockKind,
  parts: readonly { readonly text: string; readonly line: number }[],
  separator = '\n',
): TextBlock {
  const lines: { offset: number; line: number }[] = [];
  let text = '';
  for (const part of parts) {
    if (lines.length > 0) text += separator;
    lines.push({ offset: text.length, line: part.line });
    text += part.text;
  }
  return { kind, text, lines };
}

/** The line of the file on which the character at `offset` of the block stands. */
export function lineAt(block: TextBlock, offset: number): number {
  const start = block.lines.findLast((entry) => entry.offset <= offset);
  return start?.line ?? 1;
}
