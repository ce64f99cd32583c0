import { Option } from '@commander-js/extra-typings';
import { LapseProblem } from '../client/errors.ts';
import type { CancelResult, ExtendResult } from '../client/lapse-client.ts';
import type { Deadline, ListFilter, PaymentRequestRecord, ReadRecord } from '../client/responses.ts';
import { durationFormat, parseDuration } from '../functions/domain/duration.ts';
import { parseInstant } from '../functions/domain/instant.ts';
import { attentions } from './attention-commands.ts';
import type { CommandContext, Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import { explainRecord, lineOf } from './explain-request.ts';
import type { Printer, Row } from './printer.ts';
import { accountOf, nameOf, type NamedRequest, namesHelp, requestsNamed } from './request-name.ts';
import { type CancelFlags, checkedPathId, reasonOption } from './cancel-options.ts';
import { orUnknownAccount } from './require-account.ts';
import { UsageError } from './usage-error.ts';

/** Adds `lapse show`, `explain`, `history`, `cancel`, `extend` and `list`: the API for Payment Requests. */
export function addRequestCommands(program: Program, open: Open): void {
  addReadingCommands(program, open);
  addCancelCommand(program, open);
  addExtendCommand(program, open);
  addListCommand(program, open);
}

const example = 'm4ciyh2n/krn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-41d55fafbdb4';

function addReadingCommands(program: Program, open: Open): void {
  program
    .command('show')
    .description('show the record of a Payment Request')
    .argument('<name>', namesHelp)
    .option('--refresh', 'read it at Klarna first')
    .addHelpText('after', `\nExample:\n  lapse show ${example}`)
    .action(async (name, { refresh = false }) => {
      const context = open();
      const [request] = await requestsNamed(context, [name]);
      if (request) await showRequest(request, refresh, context);
    });
  program
    .command('explain')
    .description('say why a Payment Request is as it is, and what happens next')
    .argument('<name>', namesHelp)
    .addHelpText('after', `\nExample:\n  lapse explain ${example}`)
    .action(async (name) => {
      const context = open();
      const [request] = await requestsNamed(context, [name]);
      if (request) await explainRequest(request, Date.now(), context.print);
    });
  program
    .command('history')
    .description('list what happened to a Payment Request, oldest first')
    .argument('<name>', namesHelp)
    .addHelpText('after', `\nExample:\n  lapse history ${example} --json`)
    .action(async (name) => {
      const context = open();
      const [request] = await requestsNamed(context, [name]);
      if (request) await listHistory(request, context.print);
    });
}

function addCancelCommand(program: Program, open: Open): void {
  program
    .command('cancel')
    .description('cancel Payment Requests at Klarna now, unless the customer has paid')
    .argument('<names...>', namesHelp)
    .addOption(reasonOption())
    .option('--allow-completed', 'cancel even what the customer has approved, if Klarna allows it')
    .addHelpText(
      'after',
      `\nExamples:\n  lapse cancel ${example} --dry-run\n  lapse cancel ${example} --reason 'ordered by telephone'`,
    )
    .action(async (names, flags) => {
      const context = open();
      await cancelRequests(await requestsNamed(context, names), flags, context);
    });
}

function addExtendCommand(program: Program, open: Open): void {
  program
    .command('extend')
    .description('move the deadline of a session, later or sooner')
    .argument('<name>', namesHelp)
    .option('--session-timeout <duration>', 'a duration from now, such as PT30M')
    .option('--deadline-at <time>', 'a time, such as 2026-11-30T12:00:00Z')
    .addHelpText('after', `\nExample:\n  lapse extend ${example} --session-timeout PT30M`)
    .action(async (name, { sessionTimeout, deadlineAt }) => {
      const context = open();
      const deadline = deadlineOf(sessionTimeout, deadlineAt);
      const [request] = await requestsNamed(context, [name]);
      if (request) await extendRequest(request, deadline, context);
    });
}

const openStates = ['SUBMITTED', 'IN_PROGRESS'] as const;
const states = [...openStates, 'COMPLETED', 'CANCELED', 'EXPIRED', 'DECLINED'] as const;

function addListCommand(program: Program, open: Open): void {
  program
    .command('list')
    .description('list the open Payment Requests of --account, newest first')
    .option('--session <id>', 'those of a session, in any state')
    .option('--reference <text>', 'those with a reference of the shop, in any state')
    .addOption(new Option('--attention <reason>', 'those that need a person').choices(attentions))
    .addOption(new Option('--state <state>', 'only those in this state').choices(states))
    .option('--due-before <time>', 'only those with a deadline before this time')
    .option('--limit <number>', 'how many at most', wholeNumber('--limit'), 100)
    .addHelpText(
      'after',
      '\nExamples:\n  lapse list --account m4ciyh2n\n  lapse list --account m4ciyh2n --session cart-7 --state CANCELED',
    )
    .action(async ({ session, reference, attention, state, dueBefore, limit }) => {
      const context = open();
      const isBounded = session !== undefined || reference !== undefined || attention !== undefined;
      if (state !== undefined && !isBounded && !openStates.some((each) => each === state))
        throw new UsageError(
          `--state is ${state}; allowed without --session, --reference or --attention: ${openStates.join(', ')}.`,
        );
      const filter: ListFilter = {
        ...(session !== undefined && { session_id: checkedPathId('--session', session) }),
        ...(reference !== undefined && { reference: checkedPathId('--reference', reference) }),
        ...(attention !== undefined && { attention }),
        ...(state !== undefined && { state }),
        ...(dueBefore !== undefined && { due_before: checkedTime('--due-before', dueBefore) }),
      };
      await listRequests(filter, limit, context);
    });
}

/** Reads an option as a whole number above 0. */
export const wholeNumber =
  (option: string) =>
  (text: string): number => {
    if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
    throw new UsageError(`${option} is ${text}; allowed: a whole number from 1 to 9999999.`);
  };

function deadlineOf(sessionTimeout: string | undefined, deadlineAt: string | undefined): Deadline {
  if (sessionTimeout !== undefined && deadlineAt === undefined) {
    if (parseDuration(sessionTimeout) !== undefined) return { session_timeout: sessionTimeout };
    throw new UsageError(`--session-timeout is ${sessionTimeout}; allowed: ${durationFormat}.`);
  }
  if (deadlineAt !== undefined && sessionTimeout === undefined)
    return { deadline_at: checkedTime('--deadline-at', deadlineAt) };
  throw new UsageError('Give either --session-timeout or --deadline-at.');
}

/** A time of an option as it was given. @throws {UsageError} for anything else */
export function checkedTime(option: string, given: string): string {
  if (parseInstant(given)) return given;
  throw new UsageError(
    `${option} is ${given}; allowed: a time with an offset, such as 2026-11-30T12:00:00Z.`,
  );
}

const unknown = (name: string): Error => new UsageError(`There is no record of ${name}.`);

async function showRequest(
  { client, paymentRequestId, name }: NamedRequest,
  refresh: boolean,
  { print, fail }: Pick<CommandContext, 'print' | 'fail'>,
): Promise<void> {
  const record = await client.get(paymentRequestId, { refresh });
  if (!record) throw unknown(name);
  print.result(record, linesOf(record).join('\n'));
  if (refresh && record.refresh !== 'refreshed') fail();
}

/** The fields that have a value, one a line. */
function linesOf(record: ReadRecord): readonly string[] {
  const { evidence, cancellation, ...plain } = record;
  const fields = {
    ...plain,
    evidence: evidence && `${evidence.source} ${evidence.event_id} at ${evidence.observed_at}`,
    cancellation:
      cancellation &&
      `${cancellation.outcome} (${cancellation.cause}), by ${cancellation.requested_by} at ${cancellation.requested_at}`,
  };
  const shown = Object.entries(fields).filter(([, value]) => value !== null);
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(
    ([name, value]) =>
      `${name.padEnd(width)}  ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
  );
}

/** Says why a request is as it is: its facts as sentences, and its history. @param now milliseconds since 1970 */
export async function explainRequest(
  { client, paymentRequestId, name }: NamedRequest,
  now: number,
  print: Printer,
): Promise<void> {
  const [record, history] = await Promise.all([
    client.get(paymentRequestId),
    client.history(paymentRequestId),
  ]);
  if (!record || !history) throw unknown(name);
  const sentences = explainRecord(record, now);
  const left = history.dropped === 0 ? [] : [droppedLine(history.dropped)];
  print.result(
    { name, record, explanation: sentences, history: history.entries, dropped: history.dropped },
    [...sentences, 'History:', ...history.entries.map(lineOf), ...left].join('\n'),
  );
}

async function listHistory({ client, paymentRequestId, name }: NamedRequest, print: Printer): Promise<void> {
  const history = await client.history(paymentRequestId);
  if (!history) throw unknown(name);
  await print.list(history.entries, {
    row: ({ recorded_at, kind, effect, state, explanation }) => ({
      recorded_at,
      kind,
      effect,
      state: state ?? undefined,
      explanation,
    }),
    empty: 'Nothing has happened yet.',
  });
  if (history.dropped > 0) print.say(droppedLine(history.dropped));
}

const droppedLine = (dropped: number): string =>
  `${dropped} entries of less weight were dropped: a record keeps at most 16 KB.`;

async function cancelRequests(
  requests: readonly NamedRequest[],
  { reason, allowCompleted = false }: CancelFlags & { readonly allowCompleted?: boolean | undefined },
  { isDryRun, confirm, print, fail }: CommandContext,
): Promise<void> {
  const what = requests.map(({ name }) => name).join(', ');
  const warning = allowCompleted ? ' What the customer has approved is canceled, too.' : '';
  if (!isDryRun && !(await confirm(`Cancel ${what} at Klarna?${warning}`))) {
    print.say('Nothing was done.');
    return;
  }
  for (const { client, paymentRequestId, name } of requests) {
    try {
      const result = await client.cancel(paymentRequestId, {
        ...(reason !== undefined && { reason }),
        ...(isDryRun && { dry_run: true }),
        ...(allowCompleted && { allow_completed: true }),
      });
      print.result({ name, ...result }, `${name}: ${cancelWords(result)}`);
      if (!isDryRun && !isEnded(result)) fail();
    } catch (error) {
      // One that the API refuses does not hold up the others.
      if (!(error instanceof LapseProblem) || requests.length === 1) throw error;
      const { type, message } = error;
      print.result({ name, outcome: 'refused', problem: type }, `${name}: refused. ${message}`);
      fail();
    }
  }
}

const isEnded = ({ outcome }: CancelResult): boolean =>
  outcome === 'canceled' || outcome === 'already_canceled';

function cancelWords(result: CancelResult): string {
  switch (result.outcome) {
    case 'canceled':
      return 'canceled.';
    case 'already_canceled':
      return 'was canceled before.';
    case 'would_cancel':
      return `would be canceled; its state is ${result.record.state ?? 'not known yet'}.`;
    case 'pending':
      return 'the result is not known yet. The sweep settles it: ask again with `lapse show`.';
    case 'already_final':
      return `left as it is, because it is ${result.state}.`;
    case 'not_found':
      return 'Klarna does not know it.';
  }
}

async function extendRequest(
  { client, paymentRequestId, name }: NamedRequest,
  deadline: Deadline,
  { isDryRun, print, fail }: CommandContext,
): Promise<void> {
  const wanted = deadline.deadline_at ?? `${deadline.session_timeout} from now`;
  if (isDryRun) {
    const record = await client.get(paymentRequestId);
    if (!record) throw unknown(name);
    const { deadline_at } = record;
    print.result(
      { name, outcome: 'would_extend', deadline_at, wanted },
      `${name}: the deadline would move from ${deadline_at ?? 'none'} to ${wanted}.`,
    );
    return;
  }
  const result = await client.extend(paymentRequestId, deadline);
  print.result({ name, ...result }, `${name}: ${extendWords(result)}`);
  if (result.outcome !== 'updated') fail();
}

function extendWords(result: ExtendResult): string {
  switch (result.outcome) {
    case 'updated':
      return `the deadline is ${result.record.deadline_at ?? 'none'}.`;
    case 'already_final':
      return `left as it is, because it is ${result.state}.`;
    case 'cancellation_pending':
      return 'a cancel is running, so the deadline stays.';
    case 'extension_limit':
      return `the limits do not allow it; allowed: ${result.allowed}.`;
    case 'not_found':
      return 'there is no record of it.';
  }
}

async function listRequests(filter: ListFilter, limit: number, context: CommandContext): Promise<void> {
  const account = accountOf(context);
  const { api, settings } = await context.operations();
  const client = await api(account);
  let listed = 0;
  const records = async function* () {
    for await (const record of client.list(filter)) {
      listed += 1;
      if (listed > limit) return;
      yield record;
    }
  };
  const found = orUnknownAccount(records(), settings, account);
  await context.print.list(found, { row: rowOf, empty: 'No Payment Request matches.' });
  if (listed > limit) context.print.say(`There are more: --limit is ${limit}.`);
}

/** A record as a row of a table. */
export const rowOf = (record: PaymentRequestRecord): Row => ({
  created_at: record.created_at,
  name: nameOf(record),
  state: record.state ?? undefined,
  deadline_at: record.deadline_at ?? undefined,
  session_id: record.session_id ?? undefined,
  reference: record.reference ?? undefined,
  attention: record.attention ?? undefined,
});
