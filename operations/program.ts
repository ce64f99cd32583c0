/** The command line: its commands, and how one of them is run. */
import completion from '@bomb.sh/tab/commander';
import { Command, CommanderError } from '@commander-js/extra-typings';
import type { Command as UntypedCommand } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { LapseProblem, LapseUnavailable } from '../client/errors.ts';
import { addAccountsCommands } from './accounts-commands.ts';
import { addAttentionCommands } from './attention-commands.ts';
import { commandContext, type Open } from './command-context.ts';
import { type Program, withCommonOptions } from './common-options.ts';
import { addCertificateCommands } from './certificate-commands.ts';
import { addConnectCommands } from './connect-commands.ts';
import { addConfigCommands } from './config-commands.ts';
import { addConsoleCommand } from './console-command.ts';
import { addDeployCommand } from './deploy-command.ts';
import { addDoctorCommand } from './doctor-commands.ts';
import { addEraseCommand } from './erase-command.ts';
import { addInitCommand } from './init-command.ts';
import { addInsightCommands } from './insight-commands.ts';
import { addJobCommands } from './job-commands.ts';
import { addListenCommand } from './listen-command.ts';
import { addKeysCommands } from './keys-commands.ts';
import { addPageKeysCommands } from './page-keys-commands.ts';
import { addReplayCommand } from './replay-command.ts';
import { addQuarantineCommands } from './quarantine-commands.ts';
import { addStatusCommand } from './status-command.ts';
import { addSweepCommands } from './sweep-commands.ts';
import { addSweepFailuresCommands } from './sweep-failures-commands.ts';
import { addRequestCommands } from './request-commands.ts';
import { addReconcileCommand } from './reconcile-command.ts';
import { addSessionCommands } from './session-commands.ts';
import { addTailCommand } from './tail-command.ts';
import { addTimersCommands } from './timers-commands.ts';
import type { Terminal } from './terminal.ts';
import { addTriggerCommand } from './trigger-command.ts';
import { addTryCommand } from './try-command.ts';
import { addUnpublishedCommands } from './unpublished-commands.ts';
import { addWebhooksCommands } from './webhooks-commands.ts';
import { UsageError } from './usage-error.ts';

/**
 * The result of a command as the exit code of the process.
 * - 0: all of it was done, and no problem was found.
 * - 1: a part was not done, or a problem was found.
 * - 2: the command was not understood or could not start. Nothing was done.
 */
export type ExitCode = 0 | 1 | 2;

/** Where a command runs. */
export interface Surroundings {
  readonly terminal: Terminal;
  /** The folder that the command was started in. */
  readonly folder: string;
}

/** Runs one command. It never rejects: what went wrong is said on standard error. */
export async function runCommandLine(
  commandLine: readonly string[],
  surroundings: Surroundings,
): Promise<ExitCode> {
  const { terminal } = surroundings;
  let code: ExitCode = 0;
  const program = commandLineProgram(surroundings, () => (code = 1));
  try {
    await program.parseAsync([...commandLine], { from: 'user' });
    return code;
  } catch (error) {
    // Commander has printed the help, the version or what is wrong with the command.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    terminal.err(sentenceOf(error));
    return isUsageError(error) ? 2 : 1;
  }
}

/** Every command, ready to parse. */
export function commandLineProgram({ terminal, folder }: Surroundings, fail: () => void): Program {
  // Each command inherits these settings, so they come first.
  const program = withCommonOptions(
    new Command('lapse')
      .description('Ends a Klarna Payment Request when its checkout session ends.')
      .version(manifest.version, '--version', 'print the version')
      .helpOption('-h, --help', 'print help for a command')
      .configureOutput({
        writeOut: (text) => terminal.out(text.trimEnd()),
        writeErr: (text) => terminal.err(text.trimEnd()),
        getOutHasColors: () => terminal.hasColours,
        getErrHasColors: () => terminal.hasColours,
      })
      .showSuggestionAfterError()
      .exitOverride(),
  );
  const open: Open = () => commandContext(program.opts(), { terminal, folder, fail });
  for (const add of groups) add(program, open);
  // The typed program is the same object: only its type is another.
  completion(program as unknown as UntypedCommand);
  return program.addHelpText('after', generalHelp);
}

/** The groups of commands, in the order in which the help lists them. */
const groups: readonly ((program: Program, open: Open) => void)[] = [
  addInitCommand,
  addDeployCommand,
  addDoctorCommand,
  addStatusCommand,
  addReconcileCommand,
  addTryCommand,
  addAccountsCommands,
  addConfigCommands,
  addRequestCommands,
  addSessionCommands,
  addJobCommands,
  addTailCommand,
  addListenCommand,
  addTriggerCommand,
  addConsoleCommand,
  addConnectCommands,
  addKeysCommands,
  addCertificateCommands,
  addPageKeysCommands,
  addWebhooksCommands,
  addAttentionCommands,
  addQuarantineCommands,
  addTimersCommands,
  addUnpublishedCommands,
  addSweepCommands,
  addSweepFailuresCommands,
  addInsightCommands,
  addEraseCommand,
  addReplayCommand,
];

const generalHelp = `
Start:
  lapse init        make a small CDK app
  lapse deploy      deploy it, and remember its outputs
  lapse connect     connect it with Klarna
  lapse doctor      check everything
  lapse try         end a real test Payment Request

The options above go with every command. \`lapse <command> --help\` has those of one command, with examples.

Exit codes:
  0  all was done, and no problem was found
  1  a part was not done, or a problem was found
  2  the command was not understood, or could not start; nothing was done`;

/** Whether nothing was done because the command was wrong, as the command itself or the API found. */
const isUsageError = (error: unknown): boolean =>
  error instanceof UsageError ||
  (error instanceof LapseProblem && ['invalid-request', 'unknown-account'].includes(error.type));

/** One sentence about an error. The cause of a network error says more than its message. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isSentence = [UsageError, LapseProblem, LapseUnavailable].some((kind) => error instanceof kind);
  const name = error.name === 'Error' || isSentence ? '' : `${error.name}: `;
  return `${name}${error.message}`;
}
