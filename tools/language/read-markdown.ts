import { blockOf, lineAt, type TextBlock } from './text-block.ts';

interface Line {
  readonly text: string;
  readonly line: number;
}

const fence = /^\s*(?:>\s*)*(```|~~~)/;
const listItem = /^\s*(?:[-*+]|\d+[.)])\s+/;
const heading = /^\s*(?:>\s*)*#{1,6}\s/;
const table = /^\s*(?:>\s*)*\|/;

/** The texts of a Markdown file: paragraphs and list items as prose, headings and table rows as labels, code as code. */
export function readMarkdown(source: string, firstLine = 1): TextBlock[] {
  const blocks: TextBlock[] = [];
  let paragraph: Line[] = [];
  let isCode = false;
  const close = (): void => {
    if (paragraph.length > 0) blocks.push(blockOf('prose', paragraph));
    paragraph = [];
  };
  for (const [index, text] of source.split('\n').entries()) {
    const line = firstLine + index;
    if (fence.test(text)) {
      close();
      isCode = !isCode;
    } else if (isCode) {
      blocks.push(blockOf('code', [{ text, line }]));
    } else if (heading.test(text) || table.test(text)) {
      close();
      blocks.push(blockOf('label', [{ text, line }]));
    } else if (text.trim() === '' || text.trim() === '>') {
      close();
    } else {
      if (listItem.test(text)) close();
      paragraph.push({ text, line });
    }
  }
  close();
  return blocks.flatMap(withoutMarkup);
}

/** Link targets and HTML are not read; inline code stays in the prose as one word and becomes a block of names as well. */
function withoutMarkup(block: TextBlock): TextBlock[] {
  if (block.kind === 'code') return [block];
  const blank = (found: string): string => found.replaceAll(/[^\n]/g, ' ');
  const text = block.text
    .replaceAll(/<!--.*?-->|<\/?[a-z][^>`]*>/gis, blank)
    .replaceAll(/\]\([^)\s]*\)/g, (found) => `]${blank(found.slice(1))}`)
    .replaceAll(/^\s*(?:>\s*)+/gm, blank)
    .replace(listItem, blank);
  const code = [...text.matchAll(/`[^`]+`/g)].map((match) =>
    blockOf('code', [{ text: match[0], line: lineAt(block, match.index) }]),
  );
  const prose = text.replaceAll(/`[^`]+`/g, (found) => `\`${blank(found.slice(2)).replaceAll(' ', '_')}\``);
  return [{ ...block, text: prose }, ...code];
}
