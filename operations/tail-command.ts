import { parseDuration, durationFormat } from '../functions/domain/duration.ts';
import { parsePaymentRequestId } from '../functions/domain/identifiers.ts';
import type { CommandContext, Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import { followLog, type LogChoice } from './log/follow-log.ts';
import { isShown, showLine } from './log/log-line.ts';
import { untilAborted } from './pause.ts';
import { checkedAccount } from './request-name.ts';
import { UsageError } from './usage-error.ts';

/** Adds `lapse tail`. */
export function addTailCommand(program: Program, open: Open): void {
  program
    .command('tail')
    .description('follow the log lines of all functions as one stream, until Ctrl-C')
    .option('--id <id>', 'only lines about this Payment Request')
    .option('--errors', 'only warnings and errors')
    .option('--since <duration>', 'begin this long ago', 'PT1M')
    .option('--no-follow', 'end after the lines that are there')
    .addHelpText(
      'after',
      '\nExamples:\n  lapse tail --account m4ciyh2n\n  lapse tail --errors --since PT6H --no-follow --json',
    )
    .action(async ({ id, errors, since, follow }) => {
      const context = open();
      const { account } = context.options;
      if (id !== undefined && !parsePaymentRequestId(id))
        throw new UsageError(`--id is ${id}; allowed: Klarna's id of a Payment Request.`);
      const filter = {
        account: account === undefined ? undefined : checkedAccount(account),
        id,
        onlyErrors: errors,
      };
      const millis = parseDuration(since);
      if (millis === undefined) throw new UsageError(`--since is ${since}; allowed: ${durationFormat}.`);
      await tail(context, { filter, since: Date.now() - millis, isFollowed: follow });
    });
}

async function tail(context: CommandContext, choice: Omit<LogChoice, 'signal'>): Promise<void> {
  const signal = context.terminal.interruption();
  const target = await context.target();
  const names = [...target.outputs.FunctionNames.keys()];
  const width = Math.max(...names.map((name) => name.length));
  await untilAborted(signal, async () => {
    for await (const line of await followLog(target, { ...choice, signal }))
      if (isShown(line, choice.filter)) showLine({ print: context.print, width }, line);
  });
}
