import type { CommonOptions } from './common-options.ts';
import type { Operations } from './compose-operations.ts';
import { type Printer, printerOn } from './printer.ts';
import { findTarget, type Target } from './target.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** What a command works with. */
export interface CommandContext {
  readonly options: CommonOptions;
  /** Whether nothing may change: the command only says what it would do. */
  readonly isDryRun: boolean;
  readonly print: Printer;
  readonly terminal: Terminal;
  /** The folder that the command was started in. */
  readonly folder: string;
  /** The system that the options name. It is looked up once. */
  readonly target: () => Promise<Target>;
  /** The use cases and adapters of that system. */
  readonly operations: () => Promise<Operations>;
  /** The account that `--account` names. @throws {UsageError} where it is missing. */
  readonly account: () => string;
  /**
   * Asks before a change, unless `--yes` was given. Resolves to `false` where the person declines, and under `--dry-run`.
   *
   * @throws {UsageError} where there is no person to ask
   */
  readonly confirm: (question: string) => Promise<boolean>;
  /** Notes that a part of the work was not done, or a problem was found: the exit code is 1. */
  readonly fail: () => void;
}

/** Gives the context of the command that runs. */
export type Open = () => CommandContext;

/** Builds the context of one command. */
export function commandContext(
  options: CommonOptions,
  { terminal, folder, fail }: Pick<CommandContext, 'terminal' | 'folder' | 'fail'>,
): CommandContext {
  let target: Promise<Target> | undefined;
  const findOnce = () => (target ??= findTarget(options, folder));
  return {
    options,
    isDryRun: options.dryRun === true,
    terminal,
    folder,
    fail,
    print: printerOn(terminal, options),
    target: findOnce,
    operations: async () => {
      const { composeOperations } = await import('./compose-operations.ts');
      return composeOperations(await findOnce());
    },
    account: () => {
      if (options.account === undefined)
        throw new UsageError('--account is missing; allowed: the name of an account.');
      return options.account;
    },
    confirm: async (question) => {
      if (options.dryRun) return false;
      if (options.yes) return true;
      const response = await terminal.ask(`${question} [y/N] `);
      if (response === undefined)
        throw new UsageError('Nothing was done: there is no terminal to ask on. Give --yes to go on.');
      return /^y(es)?$/i.test(response.trim());
    },
  };
}
