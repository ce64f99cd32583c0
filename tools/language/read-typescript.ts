import ts from 'typescript';
import { readMarkdown } from './read-markdown.ts';
import { blockOf, type BlockKind, lineAt, type TextBlock } from './text-block.ts';

interface Part {
  readonly text: string;
  readonly line: number;
}

/** What the strings of a file are: texts that a person reads, or the values of a test. */
export type StringKind = Extract<BlockKind, 'string' | 'label'>;

/** The texts of a TypeScript or JavaScript file: comments, strings, test names; and its identifiers as code. */
export function readTypeScript(file: string, source: string, strings: StringKind): TextBlock[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  return [...commentsOf(tree), ...literalsOf(tree, strings)];
}

function commentsOf(tree: ts.SourceFile): TextBlock[] {
  const found = new Map<number, ts.CommentRange>();
  const visit = (node: ts.Node): void => {
    const ranges = [
      ...(ts.getLeadingCommentRanges(tree.text, node.getFullStart()) ?? []),
      ...(ts.getTrailingCommentRanges(tree.text, node.end) ?? []),
    ];
    // White space at the start of a template's part or of a string is text.
    if (node.kind < ts.SyntaxKind.NoSubstitutionTemplateLiteral || node.kind > ts.SyntaxKind.TemplateTail) {
      for (const range of ranges) found.set(range.pos, range);
    }
    for (const child of node.getChildren(tree)) visit(child);
  };
  visit(tree);
  const inLiteral = literalRanges(tree);
  const comments = [...found.values()]
    .filter(({ pos }) => !inLiteral.some(([start, end]) => start < pos && pos < end))
    .toSorted((a, b) => a.pos - b.pos);
  return groupLineComments(tree, comments).flatMap(commentBlocks);
}

function literalRanges(tree: ts.SourceFile): [number, number][] {
  const ranges: [number, number][] = [];
  const visit = (node: ts.Node): void => {
    if (
      ts.isStringLiteralLike(node) ||
      ts.isTemplateLiteralToken(node) ||
      ts.isRegularExpressionLiteral(node)
    ) {
      ranges.push([node.getStart(tree), node.end]);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return ranges;
}

/** Line comments of adjacent lines are one text. */
function groupLineComments(tree: ts.SourceFile, comments: readonly ts.CommentRange[]): Part[][] {
  const groups: Part[][] = [];
  let lastLine = -1;
  for (const { pos, end, kind } of comments) {
    const start = tree.getLineAndCharacterOfPosition(pos).line + 1;
    const parts = tree.text
      .slice(pos, end)
      .split('\n')
      .map((text, index) => ({ text: withoutCommentMarks(text), line: start + index }));
    const isLine = kind === ts.SyntaxKind.SingleLineCommentTrivia;
    if (isLine && lastLine === start - 1) groups.at(-1)?.push(...parts);
    else groups.push(parts);
    lastLine = isLine ? start : -1;
  }
  return groups;
}

const withoutCommentMarks = (text: string): string =>
  text.replace(/^\s*(?:\/\*\*?|\/\/+|\*(?!\/))? ?/, '').replace(/\s*\*\/$/, '');

const directive = /^\s*(?:eslint-|@ts-|Stryker |prettier-ignore|v8 ignore|!|<reference)/;

/** A comment is Markdown; each tag of a docblock begins a text. What follows `@example` is code. */
export function commentBlocks(parts: readonly Part[]): TextBlock[] {
  const texts: Part[][] = [[]];
  let isExample = false;
  for (const part of parts) {
    if (directive.test(part.text)) continue;
    const tag = /^\s*@(\w+)/.exec(part.text)?.[1];
    if (tag !== undefined) {
      texts.push([]);
      isExample = tag === 'example';
    }
    if (isExample) continue;
    texts.at(-1)?.push({
      ...part,
      text: part.text
        .replace(/^(\s*)@(?:(?:param|template|throws)\s+\S+|\w+)/, '$1')
        .replace(/\{@link\s+([^}]+)\}/g, '`$1`'),
    });
  }
  return texts.flatMap(markdownOf);
}

function markdownOf(parts: readonly Part[]): TextBlock[] {
  const first = parts[0];
  if (first === undefined) return [];
  return readMarkdown(parts.map(({ text }) => text).join('\n'), first.line).map((block) =>
    block.kind === 'prose' ? { ...block, kind: 'comment' } : block,
  );
}

const isTestFunction = (callee: ts.Expression): boolean => {
  if (ts.isIdentifier(callee)) return ['it', 'test', 'describe'].includes(callee.text);
  if (ts.isPropertyAccessExpression(callee)) return isTestFunction(callee.expression);
  if (ts.isTaggedTemplateExpression(callee)) return isTestFunction(callee.tag);
  return ts.isCallExpression(callee) && isTestFunction(callee.expression);
};

function literalsOf(tree: ts.SourceFile, strings: StringKind): TextBlock[] {
  const blocks: TextBlock[] = [];
  const titles = new Set<ts.Node>();
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      ts.forEachChild(node, (child) => (ts.isStringLiteral(child) ? undefined : visit(child)));
      return;
    }
    if (ts.isCallExpression(node) && isTestFunction(node.expression) && node.arguments[0]) {
      titles.add(node.arguments[0]);
    }
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) {
      blocks.push(blockOf('code', [{ text: node.text, line: lineOf(tree, node.getStart(tree)) }]));
    } else if (isText(node)) {
      const kind = titles.has(node) ? 'test-name' : strings;
      blocks.push(...textBlocks(tree, node, kind));
      visitExpressions(node, visit);
      return;
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return blocks;
}

const isConcatenation = (node: ts.Node): node is ts.BinaryExpression =>
  ts.isBinaryExpression(node) &&
  node.operatorToken.kind === ts.SyntaxKind.PlusToken &&
  (isText(node.left) || isText(node.right));

const isText = (node: ts.Node): boolean =>
  ts.isStringLiteralLike(node) || ts.isTemplateExpression(node) || isConcatenation(node);

/** Visits what is written into a text: the expressions of a template, and what is not a text in a concatenation. */
function visitExpressions(node: ts.Node, visit: (node: ts.Node) => void): void {
  if (ts.isTemplateExpression(node)) {
    for (const span of node.templateSpans) visit(span.expression);
  } else if (isConcatenation(node)) {
    for (const side of [node.left, node.right]) {
      if (isText(side)) visitExpressions(side, visit);
      else visit(side);
    }
  }
}

/** Stands in a text for an expression, and counts as a word. */
const placeholder = 'X';

function partsOf(tree: ts.SourceFile, node: ts.Node): Part[] {
  const line = lineOf(tree, node.getStart(tree));
  if (ts.isNoSubstitutionTemplateLiteral(node)) return linesFrom(node.text, line);
  if (ts.isStringLiteral(node)) return [{ text: node.text, line }];
  if (ts.isTemplateExpression(node)) {
    return [
      ...linesFrom(node.head.text, line),
      ...node.templateSpans.flatMap(({ expression, literal }) => [
        { text: placeholder, line: lineOf(tree, expression.getStart(tree)) },
        ...linesFrom(literal.text, lineOf(tree, literal.getStart(tree))),
      ]),
    ];
  }
  if (isConcatenation(node)) return [...partsOf(tree, node.left), ...partsOf(tree, node.right)];
  return [{ text: placeholder, line }];
}

/** The lines of a template's part, each with its line break. */
const linesFrom = (text: string, line: number): Part[] =>
  text.split(/(?<=\n)/).map((piece, index) => ({ text: piece, line: line + index }));

function textBlocks(tree: ts.SourceFile, node: ts.Node, kind: BlockKind): TextBlock[] {
  const whole = blockOf(kind, partsOf(tree, node), '');
  if (!/\s/.test(whole.text.trim()) && kind !== 'test-name') return [{ ...whole, kind: 'code' }];
  return paragraphsOf(whole);
}

/** In a text of several lines, an empty line, an indented one and a list item begin another text. */
function paragraphsOf(block: TextBlock): TextBlock[] {
  const starts = [0, ...[...block.text.matchAll(/\n(?=\s|[-*] |\d+[.)] )/g)].map(({ index }) => index + 1)];
  return starts.map((start, index) => {
    const text = block.text.slice(start, starts[index + 1]);
    const within = block.lines.filter(({ offset }) => offset > start && offset < start + text.length);
    return {
      kind: block.kind,
      text,
      lines: [
        { offset: 0, line: lineAt(block, start) },
        ...within.map(({ offset, line }) => ({ offset: offset - start, line })),
      ],
    };
  });
}

const lineOf = (tree: ts.SourceFile, position: number): number =>
  tree.getLineAndCharacterOfPosition(position).line + 1;
