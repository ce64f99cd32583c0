import ts from 'typescript';
import { readMarkdown } from './read-markdown.ts';
import { commentBlocks } from './read-typescript.ts';
import { blockOf, lineAt, type TextBlock } from './text-block.ts';

interface Line {
  readonly text: string;
  readonly line: number;
}

const linesOf = (source: string): Line[] =>
  source.split('\n').map((text, index) => ({ text, line: index + 1 }));

/** Every line as code: names only. */
export const readNames = (source: string): TextBlock[] =>
  linesOf(source)
    .filter(({ text }) => text.trim() !== '')
    .map((line) => blockOf('code', [line]));

/** `#` comments as comments, and every other line as code. */
export function readHashComments(source: string): TextBlock[] {
  const blocks: TextBlock[] = [];
  let comment: Line[] = [];
  const close = (): void => {
    blocks.push(...commentBlocks(comment));
    comment = [];
  };
  for (const { text, line } of linesOf(source)) {
    const found = /^\s*#(?!!)\s?(.*)$/.exec(text)?.[1];
    if (found !== undefined) comment.push({ text: found, line });
    else {
      close();
      blocks.push(blockOf('code', [{ text, line }]));
    }
  }
  close();
  return blocks;
}

const textKey = /^(\s*(?:- )?)(?:summary|description|title):\s*(.*)$/;

/** The `summary`, `description` and `title` texts of YAML as prose; comments; everything else as code. */
export function readYaml(source: string): TextBlock[] {
  const lines = linesOf(source);
  const blocks: TextBlock[] = [];
  const rest: string[] = lines.map(({ text }) => text);
  for (let index = 0; index < lines.length; index += 1) {
    const [, indent, value] = textKey.exec(lines[index]?.text ?? '') ?? [];
    if (indent === undefined || value === undefined || value === '') continue;
    const text: Line[] = /^[|>][+-]?$/.test(value) ? [] : [{ text: value, line: index + 1 }];
    rest[index] = '';
    while (isWithin(lines[index + 1]?.text, indent.length)) {
      index += 1;
      text.push({ text: lines[index]?.text.trim() ?? '', line: index + 1 });
      rest[index] = '';
    }
    const first = text[0];
    if (first)
      blocks.push(...readMarkdown(withoutQuotes(text.map((line) => line.text).join('\n')), first.line));
  }
  return [...blocks, ...readHashComments(rest.join('\n'))];
}

/** An empty line belongs to a text; the last one of a text is read as an empty paragraph, which has no words. */
const isWithin = (line: string | undefined, indent: number): boolean =>
  line !== undefined && (line.trim() === '' || line.search(/\S/) > indent);

const withoutQuotes = (text: string): string => text.replace(/^(['"])(.*)\1$/s, ' $2').replaceAll("''", "'");

/** The `description` and `title` texts of JSON as prose, and every other line as code. */
export function readJson(file: string, source: string): TextBlock[] {
  const tree = ts.parseJsonText(file, source);
  const blocks: TextBlock[] = [];
  const visit = (node: ts.Node): void => {
    if (
      ts.isPropertyAssignment(node) &&
      ts.isStringLiteral(node.name) &&
      ['description', 'title'].includes(node.name.text) &&
      ts.isStringLiteral(node.initializer)
    ) {
      const line = tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
      blocks.push(...readMarkdown(node.initializer.text, line));
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return [...blocks, ...readNames(source)];
}

/** CSS: its comments, and every other line as code. */
export function readCss(source: string): TextBlock[] {
  const comments = [...source.matchAll(/\/\*.*?\*\//gs)];
  const whole = blockOf('code', linesOf(source));
  return [
    ...comments.flatMap((match) =>
      commentBlocks(
        match[0].split('\n').map((text, index) => ({
          text: text.replace(/^\s*(?:\/\*|\*(?!\/))? ?/, '').replace(/\s*\*\/$/, ''),
          line: lineAt(whole, match.index) + index,
        })),
      ),
    ),
    ...readNames(source.replaceAll(/\/\*.*?\*\//gs, (found) => found.replaceAll(/[^\n]/g, ' '))),
  ];
}

const shownText = /(?<=>)[^<>]+(?=<)|(?<=\b(?:alt|title|placeholder|aria-label|content)=")[^"]+(?=")/g;

/** HTML and SVG: what stands between tags, and in the attributes that are shown or read aloud. The rest is names. */
export function readMarkup(source: string): TextBlock[] {
  const whole = blockOf('code', linesOf(source));
  return [
    ...[...source.matchAll(shownText)].flatMap((match) =>
      readMarkdown(match[0].replaceAll(/^[^\S\n]+/gm, ''), lineAt(whole, match.index)),
    ),
    ...readNames(source.replaceAll(shownText, (found) => found.replaceAll(/[^\n]/g, ' '))),
  ];
}
