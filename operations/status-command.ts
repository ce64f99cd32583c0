import type { Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import { whyOf } from './doctor/check.ts';
import type { Printer } from './printer.ts';
import { type ReadPart, type StatusPart, statusParts, type StatusReads } from './status/status-parts.ts';

/** Adds `lapse status`. */
export function addStatusCommand(program: Program, open: Open): void {
  program
    .command('status')
    .description('one screen: alarms, what is open, late or wrong, and how Klarna responds')
    .addHelpText('after', '\nExamples:\n  lapse status\n  lapse status --json')
    .action(async () => {
      const { target, print, fail } = open();
      const { name, isLocal, outputs, aws, control } = await target();
      const [{ statusReads }, { clockOf }] = await Promise.all([
        import('./status/status-reads.ts'),
        import('./system-clock.ts'),
      ]);
      const now = await clockOf(control);
      print.say(`${print.colours.bold(name)}  ${new Date(now()).toISOString()}`);
      if (!(await showStatus(statusReads({ outputs, aws, now }), isLocal, print))) fail();
    });
}

/** What a part shows. */
type Shown = ReadPart | { readonly why: string; readonly isFault: boolean };

/** Shows each part. Returns whether all of them could be read, and none shows something to act on at once. */
export async function showStatus(reads: StatusReads, isLocal: boolean, print: Printer): Promise<boolean> {
  const shown = await Promise.all(
    statusParts.map(async (part) => ({ name: part.name, shown: await readPart(part, reads, isLocal) })),
  );
  const width = Math.max(...statusParts.map(({ name }) => name.length)) + 2;
  for (const { name, shown: part } of shown) {
    const title = name.padEnd(width);
    if ('why' in part) {
      const values = { part: name, known: false, why: part.why };
      print.result(values, `${title}${part.isFault ? print.colours.yellow('not known: ') : ''}${part.why}`);
    } else {
      const [first = '', ...more] = part.line.split('\n');
      const lines = [`${title}${first}`, ...more.map((line) => ' '.repeat(width) + line)].join('\n');
      const text = part.isRaised === true ? print.colours.red(lines) : lines;
      print.result({ part: name, known: true, ...part.values }, text);
    }
  }
  return shown.every(({ shown: part }) => ('why' in part ? !part.isFault : part.isRaised !== true));
}

async function readPart(
  { read, needs, notLocal }: StatusPart,
  reads: StatusReads,
  isLocal: boolean,
): Promise<Shown> {
  if (isLocal && notLocal !== undefined) return { why: notLocal, isFault: false };
  try {
    return await read(reads);
  } catch (error) {
    return { why: whyOf(error, needs), isFault: true };
  }
}
