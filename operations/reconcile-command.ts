import type {
  Reconciled,
  ReconciledOutcome,
  reconcileAccount,
} from '../functions/application/reconcile-account.ts';
import type { AccountSettings } from '../functions/domain/account-settings.ts';
import { formatInstant, type Instant, instantFromMillis, parseInstant } from '../functions/domain/instant.ts';
import { parseAccount } from '../functions/domain/identifiers.ts';
import type { CommandContext, Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import { klarnaUrlsOf } from './klarna/klarna-urls.ts';
import type { Printer } from './printer.ts';
import { clockOf } from './system-clock.ts';
import { unknownAccount } from './require-account.ts';
import { UsageError } from './usage-error.ts';

/** Adds `lapse reconcile`. */
export function addReconcileCommand(program: Program, open: Open): void {
  program
    .command('reconcile')
    .description('read every record of --account at Klarna that is not final, and report what differed')
    .option('--since <time>', 'only records that have changed since this time')
    .option('--resume <time>', 'go on with the run that began then: leave out what was read since')
    .addHelpText(
      'after',
      '\nIt reads the whole table. Examples:\n  lapse reconcile --account m4ciyh2n\n  lapse reconcile --account m4ciyh2n --since 2026-03-01T12:00:00Z --dry-run',
    )
    .action(async ({ since, resume }) => {
      const context = open();
      const times = { since: timeOf('--since', since), resume: timeOf('--resume', resume) };
      const found = await reconciliationOf(context);
      const now = instantFromMillis((await clockOf((await context.target()).control))());
      const report = await reconcile(found, { ...times, now, isDryRun: context.isDryRun }, context.print);
      if (!report) context.fail();
    });
}

/** The account, and the use case that reconciles it. */
export interface AccountToReconcile {
  readonly settings: AccountSettings;
  readonly reconcile: ReturnType<typeof reconcileAccount>;
}

/** When a run begins, and what it leaves out. */
export interface ReconcileTimes {
  readonly since: Instant | undefined;
  readonly resume: Instant | undefined;
  readonly now: Instant;
  readonly isDryRun: boolean;
}

/** Before every record. */
const everything = instantFromMillis(0);

function timeOf(option: string, given: string | undefined): Instant | undefined {
  if (given === undefined) return undefined;
  const time = parseInstant(given);
  if (time) return time;
  throw new UsageError(`${option} is ${given}; allowed: a time such as 2026-03-01T12:00:00Z.`);
}

async function reconciliationOf(context: CommandContext): Promise<AccountToReconcile> {
  const given = context.account();
  const account = parseAccount(given);
  if (!account)
    throw new UsageError(`--account is ${given}; allowed: 1 to 32 lower-case letters, digits and hyphens.`);
  const target = await context.target();
  const { composeReconcile } = await import('./compose-reconcile.ts');
  const { find, reconcile } = await composeReconcile(target, klarnaUrlsOf(context.options, target));
  const settings = await find(account);
  if (!settings) throw unknownAccount(account);
  return { settings, reconcile };
}

/** Reads all records, and shows those that differed or were not read. Returns whether each was read. */
export async function reconcile(
  { settings, reconcile: read }: AccountToReconcile,
  { since, resume, now, isDryRun }: ReconcileTimes,
  print: Printer,
): Promise<boolean> {
  const began = formatInstant(resume ?? now);
  const counts = new Map<string, number>();
  const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  const showEnd = () => {
    const total = [...counts.values()].reduce((sum, each) => sum + each, 0);
    const parts = [...counts].map(([name, number]) => `${number} ${name.replaceAll('_', ' ')}`);
    print.say(`${total} records: ${parts.join(', ') || 'none to read'}.`);
  };
  const asked = { settings, since: since ?? everything, unlessReadSince: resume ?? now, isDryRun };
  const asResumed = `lapse reconcile --account ${settings.account} --resume ${began}`;
  try {
    for await (const each of read(asked)) {
      count(each ? resultOf(each) : 'unreadable');
      if (each && resultOf(each) !== 'same') showOne(each, print);
    }
  } catch (error) {
    showEnd();
    throw new Error(`The run ended early. Go on with: ${asResumed}`, { cause: error });
  }
  showEnd();
  const isWhole = [...counts.keys()].every((name) => complete.has(name));
  if (!isWhole && !isDryRun) print.say(`Not every record was read. Go on with: ${asResumed}`);
  return isWhole;
}

/** Results after which nothing is left to do. */
const complete: ReadonlySet<string> = new Set(['same', 'differed', 'not_found', 'would_read']);

/** `same` and `differed`: Klarna responded with a state. Else why there is none. */
const resultOf = ({ outcome, before, after }: Reconciled): string => {
  if (outcome !== 'refreshed') return outcome;
  return before === after ? 'same' : 'differed';
};

const words: Readonly<Record<Exclude<ReconciledOutcome, 'refreshed'>, string>> = {
  not_found: 'Klarna does not know it',
  klarna_denied: 'Klarna refuses the credentials of the account',
  unknown: 'Klarna gave no clear response',
  would_read: 'would be read from Klarna',
  held: 'it was not read: the rate limit of the API key is used up',
  failed: 'it was not read, because of a fault',
};

function showOne(each: Reconciled, print: Printer): void {
  const { key, outcome, before, after } = each;
  const name = `${key.account}/${key.paymentRequestId}`;
  const said =
    outcome === 'refreshed'
      ? `the record said ${before ?? 'nothing'}, Klarna says ${after ?? 'nothing'}; the record is corrected`
      : `${words[outcome]}; the record says ${before ?? 'nothing'}`;
  print.result({ name, result: resultOf(each), before, after }, `${name}: ${said}.`);
}
