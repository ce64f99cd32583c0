/** `npm run lapse`: what an operator does about what was refused, given up or not published. */
import { runCommandLine } from '../operations/command-line.ts';

try {
  const isWell = await runCommandLine(process.argv.slice(2), (line) => console.log(line));
  process.exitCode = isWell ? 0 : 2;
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
