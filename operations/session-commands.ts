import type { LapseClient } from '../client/lapse-client.ts';
import type { MemberOutcome, PaymentRequestRecord } from '../client/responses.ts';
import { type CancelFlags, checkedPathId, reasonOption } from './cancel-options.ts';
import type { CommandContext, Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import type { Row } from './printer.ts';
import { rowOf } from './request-commands.ts';
import { accountOf } from './request-name.ts';
import { UsageError } from './usage-error.ts';

/** A set of Payment Requests that the API has a status for. */
interface Group {
  readonly command: 'sessions' | 'references';
  /** One of them, in a sentence. */
  readonly noun: string;
  readonly argument: string;
  readonly example: string;
  readonly read: (client: LapseClient, id: string) => Promise<Status<PaymentRequestRecord> | undefined>;
  readonly cancel: (
    client: LapseClient,
    id: string,
    options: { readonly reason?: string; readonly dry_run?: boolean },
  ) => Promise<Status<MemberOutcome> | undefined>;
}

interface Status<Member> {
  readonly status: 'open' | 'paid' | 'ended';
  readonly payment_requests: readonly Member[];
}

const groups: readonly Group[] = [
  {
    command: 'sessions',
    noun: 'session',
    argument: "the shop's id of the session",
    example: 'cart-7',
    read: (client, id) => client.session(id),
    cancel: (client, id, options) => client.cancelSession(id, options),
  },
  {
    command: 'references',
    noun: 'reference',
    argument: "the shop's reference, such as an order number",
    example: 'order-1042',
    read: (client, id) => client.reference(id),
    cancel: (client, id, options) => client.cancelReference(id, options),
  },
];

/** Adds `lapse sessions` and `lapse references`. */
export function addSessionCommands(program: Program, open: Open): void {
  for (const group of groups) addGroup(program, open, group);
}

function addGroup(program: Program, open: Open, group: Group): void {
  const { command, noun, argument, example } = group;
  const commands = program.command(command).description(`the Payment Requests of a ${noun}`);
  commands
    .command('show')
    .description(`show the status of a ${noun} of --account, and its Payment Requests`)
    .argument('<id>', argument)
    .addHelpText('after', `\nExample:\n  lapse ${command} show ${example} --account m4ciyh2n`)
    .action(async (id) => {
      await show(open(), group, checkedPathId(`The ${noun}`, id));
    });
  commands
    .command('cancel')
    .description(`cancel every open Payment Request of a ${noun} of --account`)
    .argument('<id>', argument)
    .addOption(reasonOption())
    .addHelpText('after', `\nExample:\n  lapse ${command} cancel ${example} --account m4ciyh2n --dry-run`)
    .action(async (id, flags) => {
      await cancel(open(), group, { id: checkedPathId(`The ${noun}`, id), ...flags });
    });
}

async function show(context: CommandContext, { noun, read }: Group, id: string): Promise<void> {
  const account = accountOf(context);
  const found = await read(await (await context.operations()).api(account), id);
  if (!found) throw unknown(noun, id, account);
  const { print } = context;
  if (print.isJson) {
    print.result(found, '');
    return;
  }
  print.say(`The ${noun} ${id} is ${found.status}.`);
  await print.table(found.payment_requests.map(rowOf), 'It has no Payment Requests.');
}

async function cancel(
  context: CommandContext,
  { noun, cancel: send }: Group,
  { id, reason }: CancelFlags & { readonly id: string },
): Promise<void> {
  const { isDryRun, confirm, print, fail } = context;
  const account = accountOf(context);
  const client = await (await context.operations()).api(account);
  if (!isDryRun && !(await confirm(`Cancel every open Payment Request of the ${noun} ${id}?`))) {
    print.say('Nothing was done.');
    return;
  }
  const found = await send(client, id, {
    ...(reason !== undefined && { reason }),
    ...(isDryRun && { dry_run: true }),
  });
  if (!found) throw unknown(noun, id, account);
  if (print.isJson) print.result(found, '');
  else {
    await print.table(found.payment_requests.map(outcomeRow(account)), 'It has no Payment Requests.');
    print.say(`The ${noun} ${id} is ${found.status}.`);
  }
  if (found.payment_requests.some(({ outcome }) => unsettled.has(outcome))) fail();
}

/** The outcomes after which a request may still be open. */
const unsettled: ReadonlySet<MemberOutcome['outcome']> = new Set(['pending', 'klarna_denied', 'untried']);

/** The outcome for one of several requests as a row of a table. */
export const outcomeRow =
  (account: string) =>
  ({ payment_request_id, outcome, state }: MemberOutcome): Row => ({
    name: `${account}/${payment_request_id}`,
    outcome,
    state: state ?? undefined,
  });

const unknown = (noun: string, id: string, account: string): Error =>
  new UsageError(`The account ${account} has no ${noun} ${id}.`);
