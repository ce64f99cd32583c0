import * as v from 'valibot';
import { readJson } from '../functions/contract/read-json.ts';
import type { Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import type { Printer, ShowResult } from './printer.ts';
import type { MessageQueue, QueuedMessage } from './queue.ts';
import type { SweepError } from './run-sweep.ts';

/** The queue of the sweep's failed runs, and a new run. */
export interface SweepFailuresOperations {
  readonly sweepFailures: MessageQueue;
  readonly runSweep: () => Promise<SweepError>;
}

/** Adds `lapse sweep-failures`. */
export function addSweepFailuresCommands(program: Program, open: Open): void {
  const failures = program
    .command('sweep-failures')
    .description('runs of the sweep that failed or did not start');
  failures
    .command('list')
    .description('list them, each with its error')
    .addHelpText('after', '\nExample:\n  lapse sweep-failures list --json')
    .action(async () => {
      const { operations, print } = open();
      await listSweepFailures(await operations(), print);
    });
  failures
    .command('redrive')
    .description('run the sweep once, and remove them if it ends well')
    .addHelpText('after', '\nExample:\n  lapse sweep-failures redrive --dry-run')
    .action(async () => {
      const { operations, isDryRun, print, fail } = open();
      if (!(await redriveSweepFailures(await operations(), isDryRun, print.result))) fail();
    });
}

/** What Lambda writes about a run that failed, or that was too old to start. */
const failedRunSchema = v.object({
  timestamp: v.string(),
  requestContext: v.object({ condition: v.string() }),
  responsePayload: v.optional(v.object({ errorType: v.string(), errorMessage: v.string() })),
});

/** One failed run, in the words of Lambda or of Scheduler. */
function rowOf({ id, body, attributes = {} }: QueuedMessage) {
  const run = v.safeParse(failedRunSchema, readJson(body));
  if (run.success) {
    const { timestamp, requestContext, responsePayload: error } = run.output;
    return {
      message: id,
      failed_at: timestamp,
      error: error ? `${error.errorType}: ${error.errorMessage}` : requestContext.condition,
    };
  }
  // Scheduler tells the error in attributes, and its body is the input of the run.
  const { ERROR_CODE: code, ERROR_MESSAGE: said, SentTimestamp: sent } = attributes;
  return {
    message: id,
    failed_at: sent === undefined ? undefined : new Date(Number(sent)).toISOString(),
    error: [code ?? 'Scheduler could not start the run', said]
      .filter((part) => part !== undefined)
      .join(': '),
  };
}

/** Shows each run that failed or did not start. */
export async function listSweepFailures(
  { sweepFailures }: Pick<SweepFailuresOperations, 'sweepFailures'>,
  print: Printer,
): Promise<void> {
  const rows = async function* () {
    for await (const message of sweepFailures.messages()) yield rowOf(message);
  };
  await print.table(rows(), 'No run of the sweep has failed.');
}

/**
 * Runs the sweep once in place of all failed runs, and removes their messages once it has ended well. A run is about everything that
 * is due, so one does the work of all. Returns whether no message is left.
 */
export async function redriveSweepFailures(
  { sweepFailures, runSweep }: SweepFailuresOperations,
  isDryRun: boolean,
  show: ShowResult,
): Promise<boolean> {
  let error: SweepError;
  let hasRun = isDryRun;
  for await (const message of sweepFailures.messages()) {
    if (!hasRun) {
      hasRun = true;
      error = await runSweep();
    }
    if (error !== undefined) {
      show(
        { message: message.id, result: 'stays', error },
        `The sweep failed again: ${error}. Nothing was removed.`,
      );
      return false;
    }
    if (!isDryRun) await sweepFailures.remove(message);
    const result = isDryRun ? 'would be removed after a run of the sweep' : 'removed: the sweep has run';
    show({ ...rowOf(message), result }, `${message.id}: ${result}`);
  }
  return true;
}
