import * as v from 'valibot';
import { readJson } from '../functions/contract/read-json.ts';
import type { Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import type { Printer, ShowResult } from './printer.ts';
import type { MessageQueue, QueuedMessage } from './queue.ts';

/** The queue of failed timers, and the one that fires them. */
export interface TimersOperations {
  readonly deadTimers: MessageQueue;
  readonly timers: Pick<MessageQueue, 'send'>;
}

/** Adds `lapse timers`. */
export function addTimersCommands(program: Program, open: Open): void {
  const timers = program.command('timers').description('timers that failed after all attempts');
  timers
    .command('list')
    .description('list them')
    .addHelpText('after', '\nExample:\n  lapse timers list --json')
    .action(async () => {
      const { operations, print } = open();
      await listDeadTimers(await operations(), print);
    });
  timers
    .command('redrive')
    .description('fire them again')
    .addHelpText('after', '\nExample:\n  lapse timers redrive --dry-run')
    .action(async () => {
      const { operations, isDryRun, print } = open();
      await redriveTimers(await operations(), isDryRun, print.result);
    });
}

const timerSchema = v.object({
  account: v.string(),
  payment_request_id: v.string(),
  deadline_at: v.string(),
});

function rowOf({ id, body }: QueuedMessage) {
  const parsed = v.safeParse(timerSchema, readJson(body));
  if (!parsed.success) return { message: id, name: 'does not name a session', deadline_at: undefined };
  const { account, payment_request_id, deadline_at } = parsed.output;
  return { message: id, name: `${account}/${payment_request_id}`, deadline_at };
}

/** Shows each timer that failed after twelve attempts. */
export async function listDeadTimers(
  { deadTimers }: Pick<TimersOperations, 'deadTimers'>,
  print: Printer,
): Promise<void> {
  const rows = async function* () {
    for await (const message of deadTimers.messages()) yield rowOf(message);
  };
  await print.table(rows(), 'No timer has failed.');
}

/** Fires every failed timer again. The record decides again what happens. */
export async function redriveTimers(
  { deadTimers, timers }: TimersOperations,
  isDryRun: boolean,
  show: ShowResult,
): Promise<void> {
  for await (const message of deadTimers.messages()) {
    if (!isDryRun) {
      await timers.send(message.body);
      await deadTimers.remove(message);
    }
    const { name, ...timer } = rowOf(message);
    const result = isDryRun ? 'would fire again' : 'fires again';
    show({ name, ...timer, result }, `${name}: ${result}`);
  }
}
