import { longestSentence, sentencesOf } from './sentences.ts';
import { lineAt, type TextBlock } from './text-block.ts';
import { nameRules, partsOfName, wordRules } from './word-rules.ts';

/** A place where a text breaks a rule. */
export interface Violation {
  readonly file: string;
  readonly line: number;
  /** `word/…`, `name/…` or `sentence-length`. */
  readonly rule: string;
  /** The words that break the rule, as they stand in the text. */
  readonly found: string;
  readonly instead: string;
}

/** What breaks the rules in the path of a file and in its texts, in the order of the lines. */
export function checkFile(file: string, blocks: readonly TextBlock[]): Violation[] {
  const path: TextBlock = { kind: 'code', text: file, lines: [{ offset: 0, line: 1 }] };
  const found = [path, ...blocks].flatMap((block) =>
    checkBlock(block).map((violation) => ({ file, ...violation })),
  );
  const unique = new Map(found.map((entry) => [`${entry.line} ${entry.rule} ${entry.found}`, entry]));
  return [...unique.values()].toSorted((a, b) => a.line - b.line);
}

type Finding = Omit<Violation, 'file'>;

function checkBlock(block: TextBlock): Finding[] {
  if (block.kind === 'code') return names(block);
  return block.kind === 'label' ? words(block) : [...words(block), ...lengths(block)];
}

function words(block: TextBlock): Finding[] {
  return wordRules.flatMap(({ id, pattern, instead }) =>
    [...block.text.matchAll(pattern)].map((match) => ({
      line: lineAt(block, match.index),
      rule: `word/${id}`,
      found: match[0].replaceAll(/\s+/g, ' '),
      instead,
    })),
  );
}

function names(block: TextBlock): Finding[] {
  const parts = partsOfName(block.text);
  return nameRules.flatMap(({ id, pattern, instead }) =>
    parts
      .filter((part) => pattern.test(part))
      .map((part) => ({ line: lineAt(block, 0), rule: `name/${id}`, found: part, instead })),
  );
}

function lengths(block: TextBlock): Finding[] {
  return sentencesOf(block.text)
    .filter((sentence) => sentence.words > longestSentence)
    .map((sentence) => ({
      line: lineAt(block, sentence.offset),
      rule: 'sentence-length',
      found: `${sentence.text.replaceAll(/\s+/g, ' ').slice(0, 60)}…`,
      instead: `${sentence.words} words, at most ${longestSentence}: write two sentences`,
    }));
}
