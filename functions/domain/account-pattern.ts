import type { Account } from './identifiers.ts';

/** Patterns of account names: a whole name, or the start of names with a `*` at the end. `*` alone means all. */

const accountPattern = /^(?:[a-z0-9-]{1,32}|[a-z0-9-]{0,31}\*)$/;

/** What a pattern is, in words for an error message. */
export const accountPatternFormat = 'an account name, or the start of names and a *, such as m4*';

/** Whether a text is a pattern of account names. */
export const isAccountPattern = (text: string): boolean => accountPattern.test(text);

/** Whether the pattern includes the account. A text that is not a pattern includes none. */
export function includesAccount(pattern: string, account: Account): boolean {
  if (!isAccountPattern(pattern)) return false;
  return pattern.endsWith('*') ? account.startsWith(pattern.slice(0, -1)) : account === pattern;
}
