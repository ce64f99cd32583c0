import { Option } from '@commander-js/extra-typings';
import type { Attention, PaymentRequestRecord, ReadRecord } from '../client/responses.ts';
import type { Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import type { Operations } from './compose-operations.ts';
import { attentionExplanations, lineOf } from './explain-request.ts';
import type { Printer, Row } from './printer.ts';
import { fullName, nameOf, namesHelp } from './request-name.ts';
import { resolveNamed } from './resolve-attention-command.ts';
import { orUnknownAccount } from './require-account.ts';
import { UsageError } from './usage-error.ts';

/** Every reason for attention. */
export const attentions = Object.keys(attentionExplanations) as readonly Attention[];

const kindOption = () => new Option('--kind <kind>', 'only those with this reason').choices(attentions);

/** Adds `lapse attention`. */
export function addAttentionCommands(program: Program, open: Open): void {
  const attention = program.command('attention').description('requests that need a person');
  attention
    .command('list')
    .description('list the requests of --account that need attention')
    .addOption(kindOption())
    .addHelpText('after', '\nExample:\n  lapse attention list --account m4ciyh2n --kind contradiction')
    .action(async ({ kind }) => {
      const context = open();
      const filter = { account: context.account(), attention: kind };
      await listAttention(await context.operations(), filter, context.print);
    });
  attention
    .command('explain')
    .description('say why, with the ids that Klarna can look up')
    .argument('<names...>', namesHelp)
    .addHelpText('after', '\nExample:\n  lapse attention explain m4ciyh2n/krn:payment:eu1:request:552603c0')
    .action(async (names) => {
      const context = open();
      const operations = await context.operations();
      for (const name of names) await explainAttention(operations, fullName(context, name), context.print);
    });
  attention
    .command('ask')
    .description('read the requests at Klarna, and record the results')
    .argument('[names...]', namesHelp)
    .option('--all', 'all of --account that need attention')
    .addOption(kindOption())
    .addHelpText('after', '\nExample:\n  lapse attention ask --all --account m4ciyh2n --kind not_found')
    .action(async (names, { all = false, kind }) => {
      const context = open();
      if (all === names.length > 0) throw new UsageError('Give either names or --all.');
      if (!all && kind !== undefined) throw new UsageError('--kind goes with --all only.');
      const which = all
        ? { account: context.account(), attention: kind }
        : names.map((name) => fullName(context, name));
      if (!(await askAgain(await context.operations(), which, context.isDryRun, context.print)))
        context.fail();
    });
  attention
    .command('resolve')
    .description('take the mark off a request, with a note of what was done')
    .argument('<name>', namesHelp)
    .requiredOption('--note <text>', 'what was done: one line of at most 120 bytes, without personal data')
    .addOption(new Option('--kind <kind>', 'only if this is the reason').choices(attentions))
    .addHelpText(
      'after',
      "\nExample:\n  lapse attention resolve m4ciyh2n/krn:payment:eu1:request:552603c0 --note 'refunded, order closed'",
    )
    .action((name, options) => resolveNamed(open(), name, options));
}

/** Which requests of an account: all that need attention, or those with one reason. */
export interface AttentionFilter {
  readonly account: string;
  readonly attention: Attention | undefined;
}

const rowOf = (record: PaymentRequestRecord): Row => ({
  updated_at: record.updated_at,
  attention: record.attention ?? undefined,
  name: nameOf(record),
  state: record.state ?? undefined,
  session_id: record.session_id ?? undefined,
  reference: record.reference ?? undefined,
});

/** Shows each request that needs attention: one reason after another, the newest first. */
export async function listAttention(
  operations: Operations,
  filter: AttentionFilter,
  print: Printer,
): Promise<void> {
  const rows = async function* () {
    for await (const record of needing(operations, filter)) yield rowOf(record);
  };
  await print.table(
    orUnknownAccount(rows(), operations.settings, filter.account),
    'Nothing needs attention.',
  );
}

/** Shows a request, what it needs, and its history, with the ids that Klarna's support can look up. */
export async function explainAttention(operations: Operations, name: string, print: Printer): Promise<void> {
  const { client, id } = await named(operations, name);
  const [record, history] = await Promise.all([client.get(id), client.history(id)]);
  if (!record || !history) throw unknown(name);
  const explanation = record.attention
    ? attentionExplanations[record.attention]
    : 'It no longer needs attention.';
  const lines = history.entries.map(lineOf);
  print.result(
    { ...rowOf(record), explanation, history: history.entries },
    [`${nameOf(record)}: ${record.state ?? 'no state yet'}`, explanation, ...lines].join('\n'),
  );
}

/**
 * Reads these requests, or all of a filter, from Klarna and records the result by the same write as every fact. A
 * reason for attention stays. Returns whether Klarna responded about each. An invalid name is an error before Klarna is
 * asked.
 */
export async function askAgain(
  operations: Operations,
  which: readonly string[] | AttentionFilter,
  isDryRun: boolean,
  print: Printer,
): Promise<boolean> {
  let areAllResolved = true;
  for await (const name of chosen(operations, which)) {
    if (isDryRun) {
      print.result({ name, result: 'would_ask' }, `${name}: would be read from Klarna.`);
      continue;
    }
    const { client, id } = await named(operations, name);
    const record = await client.get(id, { refresh: true });
    const result = record ? (record.refresh ?? 'unknown') : 'no_record';
    print.result(
      { name, result, state: record?.state },
      record ? `${name}: ${responseOf(record)}.` : `${name}: neither Lapse nor Klarna has it.`,
    );
    areAllResolved &&= record?.refresh === 'refreshed';
  }
  return areAllResolved;
}

const responseOf = ({ refresh, state }: ReadRecord): string =>
  `${responses[refresh ?? 'unknown']}; state in the record: ${state ?? 'none'}`;

const responses = {
  refreshed: 'Klarna responded, see the history',
  not_found: 'Klarna returned 404',
  klarna_denied: 'Klarna refuses the credentials of the account',
  unknown: 'Klarna did not respond',
} as const;

async function* needing(
  { api }: Operations,
  { account, attention }: AttentionFilter,
): AsyncGenerator<PaymentRequestRecord, void> {
  const client = await api(account);
  // The API lists records in any state by one reason at a time. Without a reason it lists open records only.
  for (const each of attention ? [attention] : attentions) yield* client.list({ attention: each });
}

async function* chosen(
  operations: Operations,
  which: readonly string[] | AttentionFilter,
): AsyncGenerator<string, void> {
  if (!('account' in which)) {
    // Klarna may have a request that has no record here, so only an invalid name is refused.
    for (const { client, id } of await Promise.all(which.map((name) => named(operations, name)))) {
      await client.get(id);
    }
    return yield* which;
  }
  for await (const record of needing(operations, which)) yield nameOf(record);
}

async function named({ api }: Operations, name: string) {
  const [, account = '', id = ''] = /^([^/]+)\/([^/]+)$/.exec(name) ?? [];
  if (id === '') throw unknown(name);
  return { client: await api(account), id };
}

const unknown = (name: string): Error =>
  new UsageError(`There is no record of ${name}; allowed: ${namesHelp}.`);
