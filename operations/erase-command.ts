import type {
  eraseDeliveries,
  ErasedJob,
  ErasedRecord,
  eraseFromJobs,
  eraseRecords,
} from '../functions/application/erase-records.ts';
import type { ErasedReference, eraseReferences } from '../functions/application/erase-references.ts';
import type { ReferencedPaymentRequests, SessionPaymentRequests } from '../functions/application/ports.ts';
import {
  type Account,
  parseAccount,
  parsePaymentRequestId,
  parseReference,
  parseSessionId,
  type PaymentRequestId,
  type PaymentRequestKey,
  type Reference,
  type SessionId,
} from '../functions/domain/identifiers.ts';
import type { CommandContext, Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import { eraseQuestion, type ErasurePlan, isErased, isLeft } from './erase-question.ts';
import type { Printer } from './printer.ts';
import { type ReadSettings, requireAccount } from './require-account.ts';
import { UsageError } from './usage-error.ts';

/** What an erasure needs. */
export interface EraseOperations {
  readonly sessions: SessionPaymentRequests;
  readonly references: ReferencedPaymentRequests;
  readonly eraseRecords: ReturnType<typeof eraseRecords>;
  readonly eraseDeliveries: ReturnType<typeof eraseDeliveries>;
  readonly eraseFromJobs: ReturnType<typeof eraseFromJobs>;
  readonly eraseReferences: ReturnType<typeof eraseReferences>;
  readonly settings: ReadSettings;
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

/**
 * Erases the records that the options name, and what quarantine and cancel jobs have about them. The records are last: until then, an
 * attempt that was interrupted finds them again. Returns whether all is erased.
 */
export async function erase(
  operations: EraseOperations,
  context: Pick<CommandContext, 'account' | 'isDryRun' | 'confirm' | 'print'>,
  options: EraseOptions,
): Promise<boolean> {
  const { isDryRun, print } = context;
  const account = accountOf(context.account());
  const chosen = choiceOf(options);
  const keys = await keysOf(operations, account, chosen);
  const records = await operations.eraseRecords(keys, true);
  const subject = subjectOf(chosen, records);
  const gone = keys.filter(({ paymentRequestId }) => subject.gone.has(paymentRequestId));
  const around = await eraseAround(operations, account, subject, true);
  if (keys.length + around.jobs.length + around.references.length === 0) {
    await requireAccount(operations.settings, account);
    print.say('There is no record of this.');
    return true;
  }
  const plan = { records, ...around, deliveries: await operations.eraseDeliveries(gone, true) };
  const question = eraseQuestion(plan);
  if (isDryRun || question === undefined) return showAll(plan, isDryRun, print);
  if (!(await context.confirm(question))) return false;
  const deliveries = await operations.eraseDeliveries(gone, false);
  const { jobs, references } = await eraseAround(operations, account, subject, false);
  // No other record: what is stored around one that could not be erased before is still there.
  const erased = await operations.eraseRecords(records.filter(isErased), false);
  const outcomes = new Map(erased.map((record) => [record.paymentRequestId, record]));
  const after = records.map((record) => outcomes.get(record.paymentRequestId) ?? record);
  return showAll({ records: after, jobs, references, deliveries }, false, print);
}

/** Shows what is erased, or would be. Returns whether nothing is left that was to be erased. */
function showAll(
  { records, jobs, references, deliveries }: ErasurePlan,
  isDryRun: boolean,
  print: Printer,
): boolean {
  for (const record of records) show(record, isDryRun, print);
  for (const job of jobs) showJob(job, isDryRun, print);
  for (const reference of references) showReference(reference, isDryRun, print);
  print.say(`${deliveries} webhooks in quarantine ${isDryRun ? 'would be removed' : 'removed'}.`);
  return ![...jobs, ...references, ...records].some(isLeft);
}

/** Erases what is stored about the subject besides its records and webhooks. */
async function eraseAround(
  { eraseFromJobs: fromJobs, eraseReferences: fromReferences }: EraseOperations,
  account: Account,
  subject: Parameters<EraseOperations['eraseFromJobs']>[1],
  isDryRun: boolean,
) {
  return {
    jobs: await fromJobs(account, subject, isDryRun),
    references: await fromReferences(account, subject, isDryRun),
  };
}

/** What is erased, by what becomes of each record. */
function subjectOf({ sessionId, reference }: Choice, planned: readonly ErasedRecord[]) {
  const idsOf = (records: readonly ErasedRecord[]) => new Set(records.map((each) => each.paymentRequestId));
  return {
    sessionId,
    reference,
    kept: idsOf(planned.filter(isLeft)),
    gone: idsOf(planned.filter((record) => !isLeft(record))),
  };
}

function showJob(job: ErasedJob, isDryRun: boolean, print: Printer): void {
  const { account, jobId } = job;
  if (job.outcome === 'running') {
    print.result(
      { account, job_id: jobId, outcome: 'running' },
      `cancel job ${jobId}: not erased, because it still runs. Try again when it is done`,
    );
    return;
  }
  const outcome = isDryRun ? 'would_be_erased' : 'erased';
  print.result(
    { account, job_id: jobId, outcome, lines: job.lines },
    `cancel job ${jobId}: ${isDryRun ? 'would be erased' : 'erased'}, ${job.lines} lines of its report`,
  );
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
  unsettled:
    'not erased, because the end of a cancel is not known yet, or its authorization is still watched. Try again later',
  session_open:
    'not erased, because another request of its session can still be paid, or was just paid. Cancel the open one, or try again later',
  unknown: 'there is no record of it',
};

function showReference(
  { account, reference, outcome }: ErasedReference,
  isDryRun: boolean,
  print: Printer,
): void {
  const result = outcome === 'erased' && isDryRun ? 'would_be_erased' : outcome;
  print.result({ account, reference, outcome: result }, `reference ${reference}: ${referenceWords[result]}`);
}

const referenceWords = {
  erased: 'what waited for it is erased',
  would_be_erased: 'what waited for it would be erased',
  waiting: 'not erased, because a session or a cancel still waits for it. Try again when that is over',
} as const;

/** What a person wants erased, parsed: exactly one of the three. */
interface Choice {
  readonly sessionId?: SessionId;
  readonly reference?: Reference;
  readonly ids?: readonly PaymentRequestId[];
}

function choiceOf({ session, reference, id }: EraseOptions): Choice {
  const given = [session, reference, id].filter((each) => each !== undefined);
  if (given.length !== 1) throw new UsageError('Give exactly one of --session, --reference and --id.');
  if (id) return { ids: id.map((each) => idOf(each)) };
  if (session !== undefined) {
    const sessionId = parseSessionId(session);
    if (sessionId) return { sessionId };
    throw new UsageError(`--session is ${session}; allowed: the id of a session.`);
  }
  const parsed = parseReference(reference ?? '');
  if (parsed) return { reference: parsed };
  throw new UsageError(`--reference is ${reference ?? ''}; allowed: a reference.`);
}

async function keysOf(
  { sessions, references }: EraseOperations,
  account: Account,
  { sessionId, reference, ids = [] }: Choice,
): Promise<readonly PaymentRequestKey[]> {
  if (sessionId) return all(sessions.ofSession(account, sessionId));
  if (reference) return all(references.ofReference(account, reference));
  return ids.map((paymentRequestId) => ({ account, paymentRequestId }));
}

/** All of them. Node 20 has no function of its own for it. */
async function all(found: AsyncIterable<PaymentRequestKey>): Promise<readonly PaymentRequestKey[]> {
  const keys: PaymentRequestKey[] = [];
  for await (const key of found) keys.push(key);
  return keys;
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
