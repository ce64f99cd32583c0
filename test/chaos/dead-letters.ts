import { runCommandLine } from '../../operations/command-line.ts';
import type { SystemClient } from '../support/system-client.ts';

/** A queue of messages whose attempts all failed, and the operator's command for it. */
export interface DeadLetterQueue {
  /** The output of the stack with its URL. */
  readonly output: string;
  readonly command: readonly string[];
}

export const deadTimers: DeadLetterQueue = { output: 'DeadTimersQueueUrl', command: ['timers', 'redrive'] };
export const unpublishedEvents: DeadLetterQueue = {
  output: 'UnpublishedEventsQueueUrl',
  command: ['unpublished', 'replay'],
};

/** The number of messages in it. */
export async function countLetters(lapse: SystemClient, { output }: DeadLetterQueue): Promise<number> {
  const { body: outputs } = await lapse.control('GET', '/outputs');
  const name = String((outputs['Lapse'] as Record<string, unknown>)[output])
    .split('/')
    .at(-1);
  const { body } = await lapse.control('GET', '/dead-letters');
  return (body as unknown as readonly Record<string, unknown>[]).filter(({ queue }) => queue === name).length;
}

/**
 * Processes all of them again with `npm run lapse`, and returns how many there were. Throws if there were none, or if
 * one failed.
 */
export async function redrive(control: string, { command }: DeadLetterQueue): Promise<number> {
  let letters = 0;
  const isWell = await runCommandLine([...command, '--control', control], () => {
    letters += 1;
  });
  if (!isWell || letters === 0)
    throw new Error(`${command.join(' ')}: ${letters} letters, all well: ${isWell}`);
  return letters;
}
