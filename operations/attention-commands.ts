import type { Attention, HistoryEntry, PaymentRequestRecord, ReadRecord } from '../client/responses.ts';
import type { Operations } from './compose-operations.ts';

type Print = (line: string) => void;

/** Which of an account's requests: all that a person should look at, or for one reason. */
export interface AttentionFilter {
  readonly account: string;
  readonly attention: Attention | undefined;
}

/** What a person is to look at, and what to do. */
const explanations: Readonly<Record<Attention, string>> = {
  contradiction:
    'Klarna named a second end, or a payment after the end. The first end stays; ask Klarna which is so, with the ids below.',
  canceled_after_completed:
    'The customer approved just before our cancel went through. Tell the customer that nothing was bought.',
  not_found:
    'Klarna does not know it, and its expiry has not passed. Look for a wrong id or account; the sweep asks on.',
  klarna_denied:
    "Klarna refuses the account's credentials. Mend them in the secret accounts; the sweep goes on.",
  unknown_state: 'Klarna used a state that is new to this version. A version that knows it takes it.',
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

/** A line for each request that a person should look at, the newest first. */
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

/** The request, what it needs, and how it came to that, with the ids by which Klarna's support finds what it said. */
export async function explainAttention(operations: Operations, name: string, print: Print): Promise<void> {
  const { client, id } = await named(operations, name);
  const [record, history] = await Promise.all([client.get(id), client.history(id)]);
  if (!record || !history) throw unknown(name);
  print(lineOf(record));
  print(record.attention ? explanations[record.attention] : 'Nobody needs to look at it any more.');
  for (const entry of history.entries) print(`  ${entry.recorded_at}  ${entry.explanation}${idsOf(entry)}`);
}

/**
 * Asks Klarna anew about these, or about all of a filter, and writes down what it says by the write that every fact has. What a
 * person must see stays. Whether Klarna answered of each. A name that the API does not take is an error before Klarna is asked.
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
      print(`${name}: Klarna would be asked.`);
      continue;
    }
    const { client, id } = await named(operations, name);
    const record = await client.get(id, { refresh: true });
    print(record ? `${name}: ${responseOf(record)}.` : `${name}: nobody knows it, Klarna included.`);
    areAllResolved &&= record?.refresh === 'refreshed';
  }
  return areAllResolved;
}

const responseOf = ({ refresh, state }: ReadRecord): string =>
  `${responses[refresh ?? 'unknown']}; the record says ${state ?? 'nothing'}`;

const responses = {
  refreshed: 'Klarna answered, and it is in the history',
  not_found: 'Klarna does not know it',
  klarna_denied: 'Klarna refuses the credentials of the account',
  unknown: 'Klarna gave no answer',
} as const;

async function* needing(
  { api }: Operations,
  { account, attention }: AttentionFilter,
): AsyncGenerator<PaymentRequestRecord, void> {
  const client = await api(account);
  for await (const record of client.list(attention ? { attention } : {})) if (record.attention) yield record;
}

async function* chosen(
  operations: Operations,
  which: readonly string[] | AttentionFilter,
): AsyncGenerator<string, void> {
  if (!('account' in which)) {
    // Of what nothing is known here Klarna may know, so only what the API does not take at all is refused.
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
  new Error(`Nothing is known of ${name}; allowed: <account>/<payment request id>, as list prints them.`);

/** The ids of an entry's evidence that mean something to Klarna. */
function idsOf({ event_id, kind, evidence }: HistoryEntry): string {
  const ids = [
    ...(kind === 'webhook' ? [['event', event_id]] : []),
    ['correlation id', evidence['correlation_id']],
    ['error', evidence['error_id']],
  ].flatMap(([what, id]) => (id === undefined ? [] : [`${what ?? ''} ${id}`]));
  return ids.length === 0 ? '' : ` (${ids.join(', ')})`;
}
