import { LapseProblem } from './errors.ts';

/** The same rule as the API's: docs/api.yaml has it as `PathId`. */
const pathIdPattern = /^(?!\.{1,2}$)[^\p{Cc}\p{Cs}/\\?#%]{1,255}$/u;

const allowed = '1 to 255 characters, no control characters and none of / \\ ? # %, and not . or .. alone';

/**
 * Throws the API's own problem `invalid-request` where a path cannot carry the text. The client checks before it sends: a URL
 * parser folds `.` and `..`, and the call would name something else.
 */
export function requirePathId(field: string, text: string): void {
  if (pathIdPattern.test(text)) return;
  const given = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  const detail = `${field} is ${JSON.stringify(given)}; allowed: ${allowed}.`;
  throw new LapseProblem('invalid-request', 400, detail, [{ field, given: JSON.stringify(given), allowed }]);
}
