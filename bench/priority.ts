import { writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/**
 * Takes priority over other work on the machine, for this process and for all that it starts. Other work then disturbs the
 * measurement less. Without the right to do so, it does nothing.
 */
export function takePriority(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST);
    // Linux weighs the processes of a session as a group, and their priorities only within it.
    writeFileSync('/proc/self/autogroup', String(constants.priority.PRIORITY_HIGHEST));
  } catch {
    // The pair of empty functions shows whether the run was disturbed.
  }
}
