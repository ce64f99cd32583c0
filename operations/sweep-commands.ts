import { parseInstant } from '../functions/domain/instant.ts';
import type { Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import type { Printer, Row } from './printer.ts';
import type { PreviewQuery, SweepPreview } from './sweep-preview.ts';
import { UsageError } from './usage-error.ts';

/** What the commands of the sweep need. */
export interface SweepOperations {
  readonly previewSweep: (query: PreviewQuery) => Promise<SweepPreview>;
}

/** Adds `lapse sweep`. */
export function addSweepCommands(program: Program, open: Open): void {
  const sweep = program.command('sweep').description('what the sweep would do');
  sweep
    .command('preview')
    .description('what the next sweep would cancel and only observe, over all accounts; it changes nothing')
    .option('--at <time>', 'what it would find at this time if no timer fired; default: now')
    .option('--limit <number>', 'how many records to name, 1 to 100', '20')
    .addHelpText('after', '\nExample:\n  lapse sweep preview --at 2026-03-01T12:00:00Z --json')
    .action(async (asked, command) => {
      if (command.optsWithGlobals().account !== undefined)
        throw new UsageError('--account does not go with sweep preview: the sweep is over all accounts.');
      const { operations, print } = open();
      const query = queryOf(asked);
      await showPreview(await operations(), query, print);
    });
}

/** The query that a person asks for. @throws {UsageError} where it is malformed */
export function queryOf({ at, limit }: { readonly at?: string; readonly limit: string }): PreviewQuery {
  if (at !== undefined && !parseInstant(at))
    throw new UsageError(`--at is ${at}; allowed: a time in RFC 3339, such as 2026-03-01T12:00:00Z.`);
  if (!/^(?:[1-9]\d?|100)$/.test(limit))
    throw new UsageError(`--limit is ${limit}; allowed: a whole number from 1 to 100.`);
  return { at, limit: Number(limit) };
}

/** Shows how many records have each action, and the first of them. */
export async function showPreview(
  { previewSweep }: SweepOperations,
  query: PreviewQuery,
  print: Printer,
): Promise<void> {
  const preview = await previewSweep(query);
  if (print.isJson) {
    print.result(preview, '');
    return;
  }
  print.say(summaryOf(preview));
  await print.table(preview.first.map(rowOf), 'No record is due.');
}

function summaryOf({ at, counts, is_whole: isWhole, cancel_jobs, references }: SweepPreview): string {
  const parts = Object.entries({ ...counts, 'cancel jobs': cancel_jobs, references })
    .filter(([, count]) => count > 0)
    .map(([action, count]) => `${action} ${count}`);
  const found = parts.length === 0 ? 'nothing is due' : parts.join(', ');
  const rest = isWhole ? '' : ' There are more: only the first 2,000 due records were read.';
  return `At ${at}: ${found}.${rest}`;
}

const rowOf = ({
  account,
  payment_request_id,
  action,
  reason,
  deadline_at,
}: SweepPreview['first'][number]): Row => ({
  action,
  because: reason ?? undefined,
  deadline: deadline_at ?? undefined,
  request: `${account}/${payment_request_id}`,
});
