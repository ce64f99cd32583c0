import type { republishStateChanges } from '../functions/application/republish-state-changes.ts';
import { eventTypes } from '../functions/contract/event-types.ts';
import { type Instant, parseInstant } from '../functions/domain/instant.ts';
import type { CommandContext, Open } from './command-context.ts';
import type { EventArchiveAccess } from './event-archives.ts';
import type { Program } from './common-options.ts';
import { UsageError } from './usage-error.ts';

/** What a replay needs. */
export interface ReplayOperations {
  readonly republish: ReturnType<typeof republishStateChanges>;
  readonly archives: EventArchiveAccess;
}

/** What a person asks for. */
export interface ReplayOptions {
  readonly since: string;
  readonly until?: string | undefined;
  readonly type?: string | undefined;
}

/** Adds `lapse replay`. */
export function addReplayCommand(program: Program, open: Open): void {
  program
    .command('replay')
    .description('publish events of a time again')
    .requiredOption('--since <time>', 'from this time on')
    .option('--until <time>', 'until this time; default: now')
    .option('--type <type>', 'only events of this type')
    .addHelpText(
      'after',
      `
Where the stack keeps an archive, its events are replayed as they were. Else they are made from the records again.
Consumers recognize them by their event_key. Types: ${eventTypes.join(', ')}.

Example:
  lapse replay --since 2026-03-01T12:00:00Z --type "Payment Request Registered" --dry-run`,
    )
    .action(async (options) => {
      const context = open();
      if (!(await replayEvents(await context.operations(), context, options))) context.fail();
    });
}

/** Publishes the events of the time again. Returns whether the bus has taken all, or will. */
export async function replayEvents(
  operations: ReplayOperations,
  { isDryRun, confirm, print }: Pick<CommandContext, 'isDryRun' | 'confirm' | 'print'>,
  options: ReplayOptions,
): Promise<boolean> {
  const since = timeOf('--since', options.since);
  const until = timeOf('--until', options.until ?? new Date().toISOString());
  if (until <= since)
    throw new UsageError(`--until is ${options.until ?? ''}; allowed: a time after --since.`);
  const { type } = options;
  if (type !== undefined && !eventTypes.some((each) => each === type))
    throw new UsageError(`--type is ${type}; allowed: ${eventTypes.join(', ')}.`);
  const { archives, republish } = operations;
  const chosen = [...archives.byType].filter(([each]) => type === undefined || each === type);
  if (!isDryRun && !(await confirm('Publish these events again, to every consumer?'))) return false;
  if (chosen.length > 0) {
    for (const [each, archive] of chosen) {
      const replay = isDryRun ? undefined : await archives.start(archive, since, until);
      const done =
        replay === undefined ? 'would be replayed from its archive' : `replay ${replay} has started`;
      print.result({ type: each, archive, replay }, `${each}: ${done}`);
    }
    return true;
  }
  const report = await republish({ since, until, isDryRun, type });
  const done = isDryRun ? 'would be published' : `published, ${report.refused} refused`;
  print.result(report, `${report.events} events of ${report.records} records ${done}, from the records`);
  return report.refused === 0 && report.unreadable === 0;
}

function timeOf(option: string, given: string): Instant {
  const time = parseInstant(given);
  if (time) return time;
  throw new UsageError(`${option} is ${given}; allowed: a time in RFC 3339, such as 2026-03-01T12:00:00Z.`);
}
