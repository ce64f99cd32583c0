import type { AccountInsight, insightTimeouts } from '../functions/application/insight-timeouts.ts';
import { formatDuration, parseDuration } from '../functions/domain/duration.ts';
import { parseAccount } from '../functions/domain/identifiers.ts';
import { type Instant, parseInstant } from '../functions/domain/instant.ts';
import { insightPercentiles } from '../functions/domain/timeout-insight.ts';
import type { Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import type { Printer, Row } from './printer.ts';
import { type ReadSettings, requireAccount } from './require-account.ts';
import { UsageError } from './usage-error.ts';

/** What an insight needs. */
export interface InsightOperations {
  readonly insight: ReturnType<typeof insightTimeouts>;
  readonly settings: ReadSettings;
}

/** The timeouts that are compared where none is given. */
const usualTimeouts = 'PT5M,PT10M,PT15M,PT20M,PT30M,PT45M,PT1H,PT2H,PT3H';

/** Adds `lapse insight`. */
export function addInsightCommands(program: Program, open: Open): void {
  const insight = program.command('insight').description('what the records tell');
  insight
    .command('timeouts')
    .description('how long customers of --account took to approve, and what each timeout would have cut off')
    .option('--since <time>', 'only sessions that were registered from this time on')
    .option('--timeouts <durations>', 'the timeouts to compare, separated by commas', usualTimeouts)
    .addHelpText(
      'after',
      '\nIt reads the whole table. Example:\n  lapse insight timeouts --account m4ciyh2n --timeouts PT10M,PT30M',
    )
    .action(async ({ since, timeouts }) => {
      const context = open();
      const given = { account: context.account(), since, timeouts };
      await showTimeouts(await context.operations(), given, context.print);
    });
}

/** What a person asks for. */
interface Asked {
  readonly account: string;
  readonly since: string | undefined;
  readonly timeouts: string;
}

/** Shows how long customers took, and what each timeout would have cut off. */
export async function showTimeouts(
  { insight, settings }: InsightOperations,
  asked: Asked,
  print: Printer,
): Promise<void> {
  const account = parseAccount(asked.account);
  if (!account)
    throw new UsageError(
      `--account is ${asked.account}; allowed: 1 to 32 lower-case letters, digits and hyphens.`,
    );
  const found = await insight(account, sinceOf(asked.since), timeoutsOf(asked.timeouts));
  if (found.sessions === 0) await requireAccount(settings, account);
  if (print.isJson) {
    print.result(viewOf(found), '');
    return;
  }
  print.say(summaryOf(found));
  await print.table(rowsOf(found), 'No timeout was given.');
}

function sinceOf(given: string | undefined): Instant {
  const since = parseInstant(given ?? '1970-01-01T00:00:00Z');
  if (since) return since;
  throw new UsageError(
    `--since is ${given ?? ''}; allowed: a time in RFC 3339, such as 2026-03-01T12:00:00Z.`,
  );
}

function timeoutsOf(given: string): readonly number[] {
  return given.split(',').map((text) => {
    const millis = parseDuration(text.trim());
    if (millis !== undefined) return millis;
    throw new UsageError(
      `--timeouts has ${JSON.stringify(text)}; allowed: ISO 8601 durations separated by commas, such as PT10M,PT30M.`,
    );
  });
}

function summaryOf(found: AccountInsight): string {
  const { sessions, approved, approvedLate, approvedAtUnknownTime, cutOff, longest, unreadable } = found;
  const within = insightPercentiles
    .flatMap((percent) => {
      const millis = found.percentiles[percent];
      return millis === undefined ? [] : [`${percent} % within ${wordsOf(millis)}`];
    })
    .join(', ');
  const lines = [
    `${sessions} sessions. In ${approved} the customer approved, in ${approvedLate} of these after the deadline.`,
    longest === undefined
      ? undefined
      : `Of those who approved, ${within}; the longest took ${wordsOf(longest)}.`,
    cutOff === 0
      ? undefined
      : `Lapse ended ${cutOff} sessions at their deadline. Whether these customers would have approved later is not known: observe to learn it.`,
    approvedAtUnknownTime === 0
      ? undefined
      : `In ${approvedAtUnknownTime} more the customer approved, and the record does not tell when.`,
    unreadable === 0 ? undefined : `${unreadable} records of the table cannot be read.`,
  ];
  return lines.filter((line) => line !== undefined).join('\n');
}

const rowsOf = (found: AccountInsight): readonly Row[] =>
  found.timeouts.map(({ timeout, cutOff, share, unknown }) => ({
    timeout: formatDuration(timeout),
    would_cut_off: cutOff,
    share: share === undefined ? undefined : `${(share * 100).toFixed(1)} %`,
    ended_earlier: unknown,
  }));

/** The insight as JSON: durations in whole seconds. */
const viewOf = (found: AccountInsight) => ({
  sessions: found.sessions,
  approved: found.approved,
  approved_after_deadline: found.approvedLate,
  approved_at_unknown_time: found.approvedAtUnknownTime,
  ended_at_deadline: found.cutOff,
  unreadable: found.unreadable,
  approved_within_seconds: Object.fromEntries(
    Object.entries(found.percentiles).map(([percent, millis]) => [`p${percent}`, Math.ceil(millis / 1_000)]),
  ),
  timeouts: found.timeouts.map(({ timeout, cutOff, share, unknown }) => ({
    timeout: formatDuration(timeout),
    would_cut_off: cutOff,
    share: share ?? null,
    ended_earlier: unknown,
  })),
});

/** A duration as a person reads it: minutes and seconds. */
function wordsOf(millis: number): string {
  const seconds = Math.ceil(millis / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const rest = seconds % 60;
  return `${Math.floor(seconds / 60)} min${rest === 0 ? '' : ` ${rest} s`}`;
}
