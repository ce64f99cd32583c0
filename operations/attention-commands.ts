import type { Attention, HistoryEntry, PaymentRequestRecord, ReadRecord } from '../client/responses.ts';
import type { Operations } from './compose-operations.ts';

type Print = (line: string) => void;

/** Which requests of an account: all that need attention, or those with one reason. */
export interface AttentionFilter {
  readonly account: string;
  readonly attention: Attention | undefined;
}

/** The explanation of each reason, and what to do. */
const explanations: Readonly<Record<Attention, string>> = {
  contradiction:
    'Klarna reported a second final state, or a payment after the end. The first end stays. Ask Klarna which is true, with the ids below.',
  canceled_after_completed:
    'The customer approved just before our cancel took effect. Tell the customer that nothing was bought.',
  not_found:
    'Klarna returned 404 before the expiry. Check the id and the account; the sweep continues to ask.',
  klarna_denied:
    "Klarna refuses the account's credentials. Correct them in the secret accounts; the sweep continues.",
  unknown_state: 'Klarna returned a state that is new to this version. A newer version accepts it.',
};

const nameOf = ({ account, payment_request_id }: PaymentRequestRecord): string =>
  `${account}/${payment_request_id}`;

const lineOf = (record: PaymentRequestRecord): string =>
  [
    record.updated_at,
    (record.attention ?? 'nothing').padEnd(24),
    nameOf(record),
    record.state ?? '-',
    record.session_id ?? '-',
    record.reference ?? '-',
  ].join('  ');

/** Prints a line for each request that needs attention: one reason after another, the newest first. */
export async function listAttention(
  operations: Operations,
  filter: AttentionFilter,
  print: Print,
): Promise<void> {
  let lines = 0;
  for await (const record of needing(operations, filter)) {
    print(lineOf(record));
    lines += 1;
  }
  if (lines === 0) print('Nothing needs attention.');
}

/** Every reason for attention. */
export const attentions = Object.keys(explanations) as readonly Attention[];

/** Prints a request, what it needs, and its history, with the ids that Klarna's support can look up. */
export async function explainAttention(operations: Operations, name: string, print: Print): Promise<void> {
  const { client, id } = await named(operations, name);
  const [record, history] = await Promise.all([client.get(id), client.history(id)]);
  if (!record || !history) throw unknown(name);
  print(lineOf(record));
  print(record.attention ? explanations[record.attention] : 'It no longer needs attention.');
  for (const entry of history.entries) print(`  ${entry.recorded_at}  ${entry.explanation}${idsOf(entry)}`);
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
  print: Print,
): Promise<boolean> {
  let areAllResolved = true;
  for await (const name of chosen(operations, which)) {
    if (isDryRun) {
      print(`${name}: would be read from Klarna.`);
      continue;
    }
    const { client, id } = await named(operations, name);
    const record = await client.get(id, { refresh: true });
    print(record ? `${name}: ${responseOf(record)}.` : `${name}: neither Lapse nor Klarna has it.`);
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
  new Error(`There is no record of ${name}; allowed: <account>/<payment request id>, as list prints them.`);

/** The ids in an entry's evidence that Klarna can look up. */
function idsOf({ event_id, kind, evidence }: HistoryEntry): string {
  const ids = [
    ...(kind === 'webhook' ? [['event', event_id]] : []),
    ['correlation id', evidence['correlation_id']],
    ['error', evidence['error_id']],
  ].flatMap(([what, id]) => (id === undefined ? [] : [`${what ?? ''} ${id}`]));
  return ids.length === 0 ? '' : ` (${ids.join(', ')})`;
}
