import type { CommandContext, Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import type { Report } from './doctor/check.ts';
import { klarnaUrlsOf } from './klarna/klarna-urls.ts';
import type { Printer } from './printer.ts';

/** Adds `lapse doctor`. */
export function addDoctorCommand(program: Program, open: Open): void {
  program
    .command('doctor')
    .description('check everything at Klarna and AWS, and name the fix of each problem')
    .option('--role <arn>', "the shop's role: check that it may call the API for --account")
    .addHelpText(
      'after',
      '\nExamples:\n  lapse doctor\n  lapse doctor --account m4ciyh2n --role arn:aws:iam::123456789012:role/shop\n  lapse doctor --json --dry-run',
    )
    .action(async ({ role }) => {
      const context = open();
      const reports = await examineWith(context, role);
      if (!showReports(reports, context.print)) context.fail();
    });
}

async function examineWith(
  { options, isDryRun, target }: CommandContext,
  role: string | undefined,
): Promise<readonly Report[]> {
  const found = await target();
  const { examine } = await import('./doctor/doctor-world.ts');
  return examine({
    target: found,
    klarnaUrls: klarnaUrlsOf(options, found),
    role,
    account: options.account,
    isDryRun,
  });
}

/** Shows what was found: as JSON each check, else the problems with their fixes, and what was not checked. Returns whether all is well. */
export function showReports(reports: readonly Report[], print: Printer): boolean {
  const { colours } = print;
  for (const report of reports) {
    const { name, about, kind } = report;
    const said = `${about}: ${name}`;
    switch (report.kind) {
      case 'problem':
        print.result(
          { about, check: name, result: kind, problems: report.problems },
          report.problems
            .map(({ problem, fix }) => `${colours.red('Problem')}  ${said}: ${problem}\n    Fix  ${fix}`)
            .join('\n'),
        );
        break;
      case 'not_checked':
        print.result(
          { about, check: name, result: kind, why: report.why },
          `${colours.yellow('Not checked')}  ${said}: ${report.why}`,
        );
        break;
      case 'ok':
        if (print.isJson) print.result({ about, check: name, result: kind, detail: report.detail }, '');
        break;
      case 'not_here':
        if (print.isJson) print.result({ about, check: name, result: kind, why: report.why }, '');
    }
  }
  const count = (kind: Report['kind']) => reports.filter((report) => report.kind === kind).length;
  const skipped = count('not_here');
  print.say(
    `${reports.length} checks: ${count('ok')} without a problem, ${count('problem')} with problems, ${count('not_checked')} not checked, ${skipped} that do not apply.`,
  );
  return count('problem') + count('not_checked') === 0;
}
