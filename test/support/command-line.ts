import { printerOn, type Printer } from '../../operations/printer.ts';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { commandLineProgram, type ExitCode, runCommandLine } from '../../operations/program.ts';
import type { Terminal } from '../../operations/terminal.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** What a command wrote, line by line, and its exit code. */
export interface CommandResult {
  readonly lines: readonly string[];
  readonly errors: readonly string[];
  readonly code: ExitCode;
}

/** What a person types, and where. */
export interface Typing {
  /** The folder that the command is started in. Default: an empty one. */
  readonly folder?: string;
  /** The response to each question. Default: no one is there to ask. */
  readonly response?: string;
  /** What is on standard input. */
  readonly secret?: string;
  /** Interrupts the command. Default: no one does. */
  readonly interruption?: AbortSignal;
}

/** A terminal that keeps what is written to it. */
export function recordedTerminal({ response, secret, interruption }: Typing = {}) {
  const lines: string[] = [];
  const errors: string[] = [];
  const terminal: Terminal = {
    out: (text) => lines.push(...text.split('\n')),
    err: (text) => errors.push(...text.split('\n')),
    hasColours: false,
    ask: () => Promise.resolve(response),
    readSecret: () => Promise.resolve(secret),
    interruption: () => interruption ?? new AbortController().signal,
  };
  return { terminal, lines, errors };
}

/** Runs a command of the command line in this process, as a person does. */
export async function runCommand(
  commandLine: readonly string[],
  typing: Typing = {},
): Promise<CommandResult> {
  const { terminal, lines, errors } = recordedTerminal(typing);
  const folder = typing.folder ?? (await temporaryFolder());
  const code = await runCommandLine(commandLine, { terminal, folder });
  return { lines, errors, code };
}

/** A command that runs until it is interrupted. */
export interface RunningCommand {
  /** What it has written so far. */
  readonly lines: readonly string[];
  readonly errors: readonly string[];
  /** Interrupts it as Ctrl-C does, and returns its exit code. */
  readonly interrupt: () => Promise<ExitCode>;
  readonly ended: Promise<ExitCode>;
}

/** Starts a command in this process, as a person does. */
export async function startCommand(
  commandLine: readonly string[],
  typing: Typing = {},
): Promise<RunningCommand> {
  const interrupted = new AbortController();
  const { terminal, lines, errors } = recordedTerminal({ interruption: interrupted.signal, ...typing });
  const folder = typing.folder ?? (await temporaryFolder());
  const ended = runCommandLine(commandLine, { terminal, folder });
  return {
    lines,
    errors,
    ended,
    interrupt: () => {
      interrupted.abort();
      return ended;
    },
  };
}

/** A printer that keeps its lines. */
export function recordedPrinter(): { readonly print: Printer; readonly lines: readonly string[] } {
  const { terminal, lines } = recordedTerminal();
  return { print: printerOn(terminal), lines };
}

/** Every command that does something, by its name as it is typed. */
export function commandsByName(): ReadonlyMap<string, CommandUnknownOpts> {
  const program = commandLineProgram({ terminal: recordedTerminal().terminal, folder: '' }, () => undefined);
  const leaves = (of: CommandUnknownOpts, words: readonly string[]): [string, CommandUnknownOpts][] =>
    of.commands.flatMap((command) => {
      const name = [...words, command.name()];
      return command.commands.length > 0 ? leaves(command, name) : [[name.join(' '), command]];
    });
  return new Map(leaves(program, []).filter(([name]) => name !== 'complete'));
}
