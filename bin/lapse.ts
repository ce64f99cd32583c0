/** `lapse`, or `npm run lapse --` in a checkout: the command line. */
import { runCommandLine } from '../operations/program.ts';
import { processTerminal } from '../operations/terminal.ts';

// It warns of later versions of the SDK on an older Node. The command line ships the version that it uses.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

process.exitCode = await runCommandLine(process.argv.slice(2), {
  terminal: processTerminal(),
  folder: process.cwd(),
});
