import type { Command } from '@commander-js/extra-typings';

/** The options that every command takes. */
export interface CommonOptions {
  readonly stack?: string | undefined;
  readonly outputs?: string | undefined;
  readonly prefix?: string | undefined;
  readonly control?: string | undefined;
  readonly profile?: string | undefined;
  readonly region?: string | undefined;
  readonly account?: string | undefined;
  readonly klarnaUrl?: string | undefined;
  readonly json?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly yes?: boolean | undefined;
  readonly color?: boolean | undefined;
}

/** The command line with the options that every command takes. */
export type Program = ReturnType<typeof withCommonOptions>;

/** Adds the options that every command takes. */
export const withCommonOptions = (program: Command) =>
  program
    .option('--stack <name>', 'the stack; default: the one that `lapse deploy` deployed from this folder')
    .option('--outputs <file>', 'the file that `cdk deploy --outputs-file` wrote, instead of AWS')
    .option('--prefix <text>', 'what the names of the outputs start with, where the stack has several Lapse')
    .option('--control <url>', 'the control address of a local system, instead of a stack')
    .option('--profile <name>', 'the AWS profile')
    .option('--region <name>', 'the AWS Region')
    .option('--account <name>', 'the account at Klarna: the last segment of its id in lower case')
    .option('--klarna-url <url>', "Klarna's address, for tests against a stand-in")
    .option('--json', 'print JSON, one object a line')
    .option('--dry-run', 'say what would be done, and change nothing')
    .option('--yes', 'do not ask before a change')
    .option('--no-color', 'print without colours');
