/**
 * `lapse`, or `npm run lapse` in a checkout: the commands for quarantined webhooks, unpublished events, failed timers and
 * requests that need attention.
 */
import { runCommandLine } from '../operations/command-line.ts';

try {
  const isWell = await runCommandLine(process.argv.slice(2), (line) => console.log(line));
  process.exitCode = isWell ? 0 : 2;
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
