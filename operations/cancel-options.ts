import { Option } from '@commander-js/extra-typings';
import { pathIdPattern, textPattern } from '../functions/domain/identifiers.ts';
import { UsageError } from './usage-error.ts';

/** What a cancel says besides what it cancels. */
export interface CancelFlags {
  readonly reason?: string | undefined;
}

/** Why a command cancels. */
export const reasonOption = () =>
  new Option('--reason <text>', 'why, for the history; no personal data').argParser(checkedReason);

function checkedReason(given: string): string {
  if (textPattern.test(given)) return given;
  throw new UsageError('--reason is not valid; allowed: 1 to 255 printable characters.');
}

/** An id of an option, which a path must carry. @throws {UsageError} for a text that a path cannot carry */
export function checkedPathId(option: string, given: string): string {
  if (pathIdPattern.test(given)) return given;
  throw new UsageError(
    `${option} is ${JSON.stringify(given)}; allowed: 1 to 255 characters, no control characters and none of / \\ ? # %.`,
  );
}
