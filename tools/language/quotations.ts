import type { Violation } from './check-text.ts';

/** A place where words of the list are quoted, not used. */
export interface Quotation {
  readonly file: string;
  /** The rules that do not apply there; all of the file's when left out. Names end in `/` for a whole group. */
  readonly rules?: readonly string[];
  /** The words as the check reports them; any of the rules when left out. */
  readonly found?: string;
  readonly reason: string;
}

/** Every quotation of the repository. One that nothing needs any more fails the check. */
export const quotations: readonly Quotation[] = [
  { file: 'tools/language/word-rules.ts', reason: 'The word list itself.' },
  {
    file: 'docs/glossary.md',
    rules: ['word/'],
    reason: 'Its last column lists the words that the project does not use.',
  },
  {
    file: 'CHANGELOG.md',
    rules: ['name/answer', 'name/absence'],
    reason: 'The table of renames has the old names.',
  },
  { file: 'tools/language/quotations.ts', rules: ['name/'], reason: 'It names the rules.' },
  { file: 'test/tools/language.test.ts', reason: 'A fixture for each rule.' },
  {
    file: 'test/domain/payment-request-state.test.ts',
    rules: ['name/cancelled'],
    reason: 'A spelling that Klarna does not use has to be refused.',
  },
];

/** Whether a quotation covers a violation. */
export const covers = (quotation: Quotation, violation: Violation): boolean =>
  quotation.file === violation.file &&
  (quotation.found === undefined || quotation.found === violation.found) &&
  (quotation.rules === undefined || quotation.rules.some((rule) => matches(rule, violation.rule)));

const matches = (allowed: string, rule: string): boolean =>
  allowed.endsWith('/') ? rule.startsWith(allowed) : rule === allowed;
