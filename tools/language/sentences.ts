/** The longest sentence that a text may have, in words. */
export const longestSentence = 25;

/** A sentence of a block. */
export interface Sentence {
  readonly text: string;
  /** Where it begins in the text of the block. */
  readonly offset: number;
  readonly words: number;
}

/** The end of a sentence: its punctuation, closing quotes and brackets, and white space or the end of the text. */
const sentenceEnd = /[.!?…]["'”’)\]*_]*(?=\s|$)/g;

/** Full stops that do not end a sentence. */
const abbreviation = /(?:^|[\s(])(?:e\.g|i\.e|vs|cf|approx)\.$/i;

/** Splits a text into sentences. A full stop without white space after it, as in `1.5` or `a.ts`, ends none. */
export function sentencesOf(text: string): Sentence[] {
  const sentences: Sentence[] = [];
  let start = 0;
  const push = (end: number): void => {
    const piece = text.slice(start, end);
    const offset = start + (piece.length - piece.trimStart().length);
    const words = wordsIn(piece);
    if (words > 0) sentences.push({ text: piece.trim(), offset, words });
    start = end;
  };
  for (const match of text.matchAll(sentenceEnd)) {
    const end = match.index + match[0].length;
    if (!isAbbreviation(text, match.index)) push(end);
  }
  push(text.length);
  return sentences;
}

/** Words are what stands between white space and has a letter or a digit. Inline code counts as one word. */
export function wordsIn(text: string): number {
  return text
    .replaceAll(/``.+?``|`[^`]*`/gs, 'code')
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}

function isAbbreviation(text: string, stop: number): boolean {
  const before = text.slice(Math.max(0, stop - 10), stop + 1);
  if (/(?:^|[\s(])etc\.$/i.test(before)) return /^\.\s+[a-z]/.test(text.slice(stop, stop + 4));
  return abbreviation.test(before);
}
