/** `lapse`, or `npm run lapse --` in a checkout: the command line. */
import { runCommandLine } from '../operations/program.ts';
import { processTerminal } from '../operations/terminal.ts';

process.exitCode = await runCommandLine(process.argv.slice(2), {
  terminal: processTerminal(),
  folder: process.cwd(),
});
