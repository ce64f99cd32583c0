import { runCommand } from '../support/command-line.ts';
import type { SystemClient } from '../support/system-client.ts';

/** A dead-letter queue, and the command with which an operator redrives it. */
export interface DeadLetterQueue {
  /** The stack's output with its URL. */
  readonly output: string;
  readonly command: readonly string[];
}

export const deadTimers: DeadLetterQueue = { output: 'DeadTimersQueueUrl', command: ['timers', 'redrive'] };
export const unpublishedEvents: DeadLetterQueue = {
  output: 'UnpublishedEventsQueueUrl',
  command: ['unpublished', 'replay'],
};

/** The number of messages in the queue. */
export async function countLetters(lapse: SystemClient, { output }: DeadLetterQueue): Promise<number> {
  const { body: outputs } = await lapse.control('GET', '/outputs');
  const name = String((outputs['Lapse'] as Record<string, unknown>)[output])
    .split('/')
    .at(-1);
  const { body } = await lapse.control('GET', '/dead-letters');
  return (body as unknown as readonly Record<string, unknown>[]).filter(({ queue }) => queue === name).length;
}

/** Redrives all messages with `npm run lapse`, and returns their number. Throws if there are none, or if one fails. */
export async function redrive(control: string, { command }: DeadLetterQueue): Promise<number> {
  const { lines, errors, code } = await runCommand([...command, '--control', control]);
  if (code !== 0 || lines.length === 0)
    throw new Error(`${command.join(' ')}: ${lines.length} letters, exit code ${code}: ${errors.join(' ')}`);
  return lines.length;
}
