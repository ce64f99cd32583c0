import type { eraseDeliveries, ErasedRecord, eraseRecords } from '../functions/application/erase-records.ts';
import type { ReferencedPaymentRequests, SessionPaymentRequests } from '../functions/application/ports.ts';
import {
  type Account,
  parseAccount,
  parsePaymentRequestId,
  parseReference,
  parseSessionId,
  type PaymentRequestKey,
} from '../functions/domain/identifiers.ts';
import type { CommandContext, Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import type { Printer } from './printer.ts';
import { UsageError } from './usage-error.ts';

/** What an erasure needs. */
export interface EraseOperations {
  readonly sessions: SessionPaymentRequests;
  readonly references: ReferencedPaymentRequests;
  readonly eraseRecords: ReturnType<typeof eraseRecords>;
  readonly eraseDeliveries: ReturnType<typeof eraseDeliveries>;
}

/** Which records a person wants erased: exactly one of the three. */
export interface EraseOptions {
  readonly session?: string | undefined;
  readonly reference?: string | undefined;
  readonly id?: readonly string[] | undefined;
}

/** Adds `lapse erase`. */
export function addEraseCommand(program: Program, open: Open): void {
  program
    .command('erase')
    .description('erase what is stored of Payment Requests of --account that have ended')
    .option('--session <id>', 'those of a session')
    .option('--reference <text>', 'those with a reference')
    .option('--id <ids...>', 'those with these ids')
    .addHelpText(
      'after',
      '\nA tombstone with the id and the state stays, so that a late webhook brings nothing back. Example:\n  lapse erase --account m4ciyh2n --session cart-17 --dry-run',
    )
    .action(async (options) => {
      const context = open();
      if (!(await erase(await context.operations(), context, options))) context.fail();
    });
}

/** Erases the records that the options name, and what is in quarantine about them. Returns whether all of them are erased. */
export async function erase(
  operations: EraseOperations,
  context: Pick<CommandContext, 'account' | 'isDryRun' | 'confirm' | 'print'>,
  options: EraseOptions,
): Promise<boolean> {
  const { isDryRun, print } = context;
  const keys = await keysOf(operations, accountOf(context.account()), options);
  if (keys.length === 0) {
    print.say('There is no record of this.');
    return true;
  }
  const isAgreed = isDryRun || (await context.confirm(`Erase ${keys.length} records? It cannot be undone.`));
  if (!isAgreed) return false;
  const erased = await operations.eraseRecords(keys, isDryRun);
  for (const record of erased) show(record, isDryRun, print);
  const gone = erased.filter(({ outcome }) => outcome === 'erased' || outcome === 'already_erased');
  const deliveries = await operations.eraseDeliveries(gone, isDryRun);
  const done = isDryRun ? 'would be removed' : 'removed';
  print.say(`${deliveries} webhooks in quarantine ${done}.`);
  return erased.every(({ outcome }) => outcome !== 'open' && outcome !== 'unsettled');
}

function show({ account, paymentRequestId, outcome }: ErasedRecord, isDryRun: boolean, print: Printer): void {
  const name = `${account}/${paymentRequestId}`;
  const result = outcome === 'erased' && isDryRun ? 'would_be_erased' : outcome;
  print.result(
    { account, payment_request_id: paymentRequestId, outcome: result },
    `${name}: ${words[result]}`,
  );
}

const words: Readonly<Record<ErasedRecord['outcome'] | 'would_be_erased', string>> = {
  erased: 'erased',
  would_be_erased: 'would be erased',
  already_erased: 'was erased before',
  open: 'not erased, because the customer can still pay. Cancel it first',
  unsettled: 'not erased, because the end of a cancel is not known yet. Try again later',
  unknown: 'there is no record of it',
};

async function keysOf(
  { sessions, references }: EraseOperations,
  account: Account,
  { session, reference, id }: EraseOptions,
): Promise<readonly PaymentRequestKey[]> {
  const given = [session, reference, id].filter((each) => each !== undefined);
  if (given.length !== 1) throw new UsageError('Give exactly one of --session, --reference and --id.');
  if (id) return id.map((each) => ({ account, paymentRequestId: idOf(each) }));
  const keys: PaymentRequestKey[] = [];
  for await (const key of foundBy()) keys.push(key);
  return keys;

  function foundBy(): AsyncIterable<PaymentRequestKey> {
    if (session !== undefined) {
      const sessionId = parseSessionId(session);
      if (sessionId) return sessions.ofSession(account, sessionId);
      throw new UsageError(`--session is ${session}; allowed: the id of a session.`);
    }
    const parsed = parseReference(reference ?? '');
    if (parsed) return references.ofReference(account, parsed);
    throw new UsageError(`--reference is ${reference ?? ''}; allowed: a reference.`);
  }
}

function accountOf(given: string): Account {
  const account = parseAccount(given);
  if (account) return account;
  throw new UsageError(`--account is ${given}; allowed: 1 to 32 lower-case letters, digits and hyphens.`);
}

function idOf(given: string) {
  const id = parsePaymentRequestId(given);
  if (id) return id;
  throw new UsageError(`--id is ${given}; allowed: Klarna's id of a Payment Request.`);
}
