import type { CancelJob, CancelJobRequest } from '../client/responses.ts';
import { type CancelJobId, parseCancelJobId } from '../functions/domain/identifiers.ts';
import { type CancelFlags, checkedPathId, reasonOption } from './cancel-options.ts';
import type { CommandContext, Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import type { Row } from './printer.ts';
import { checkedTime } from './request-commands.ts';
import { accountOf, requestsNamed } from './request-name.ts';
import { outcomeRow } from './session-commands.ts';
import { orUnknownAccount } from './require-account.ts';
import { UsageError } from './usage-error.ts';

const jobHelp = 'the id of the job: 1 to 64 of letters, digits and . _ -';

/** Adds `lapse jobs`. */
export function addJobCommands(program: Program, open: Open): void {
  const jobs = jobsGroup(program);
  jobs
    .command('list')
    .description('list the newest 100 jobs of --account')
    .addHelpText('after', '\nExample:\n  lapse jobs list --account m4ciyh2n')
    .action(async () => {
      const context = open();
      const { api, settings } = await context.operations();
      const account = accountOf(context);
      const newest = await (await api(account)).listCancelJobs();
      const found = orUnknownAccount(newest, settings, account);
      await context.print.list(found, { row: rowOf, empty: 'There are no jobs.' });
    });
  addStartCommand(jobs, open);
  jobs
    .command('show')
    .description('show the progress of a job')
    .argument('<id>', jobHelp)
    .addHelpText('after', '\nExample:\n  lapse jobs show black-friday --account m4ciyh2n')
    .action(async (id) => {
      const context = open();
      const job = await (await clientOf(context)).cancelJob(checkedJobId(id));
      showJob(context, job ?? unknown(id));
    });
  jobs
    .command('report')
    .description('list the outcome of each Payment Request of a job so far')
    .argument('<id>', jobHelp)
    .addHelpText('after', '\nExample:\n  lapse jobs report black-friday --account m4ciyh2n --json')
    .action(async (id) => {
      await listReport(open(), checkedJobId(id));
    });
  jobs
    .command('stop')
    .description('stop a job for ever; what it has canceled stays canceled')
    .argument('<id>', jobHelp)
    .addHelpText('after', '\nExample:\n  lapse jobs stop black-friday --account m4ciyh2n')
    .action(async (id) => {
      await stopJob(open(), checkedJobId(id));
    });
}

const jobsGroup = (program: Program) =>
  program.command('jobs').description('jobs that cancel many Payment Requests');

type Jobs = ReturnType<typeof jobsGroup>;

interface Selection extends CancelFlags {
  readonly request?: readonly string[] | undefined;
  readonly session?: string | undefined;
  readonly reference?: string | undefined;
  readonly createdBefore?: string | undefined;
}

function addStartCommand(jobs: Jobs, open: Open): void {
  jobs
    .command('start')
    .description('start a job; the same id again is the same job')
    .argument('<id>', jobHelp)
    .option('--request <names...>', 'these Payment Requests')
    .option('--session <id>', 'those of a session')
    .option('--reference <text>', 'those with a reference of the shop')
    .option('--created-before <time>', 'the open ones that are older than this time')
    .addOption(reasonOption())
    .addHelpText(
      'after',
      `
Examples:
  lapse jobs start check-1 --account m4ciyh2n --created-before 2026-01-31T12:00:00Z --dry-run
  lapse jobs start clean-1 --account m4ciyh2n --created-before 2026-01-31T12:00:00Z

With --dry-run, the job finds out what a cancel would do, and \`lapse jobs report\` lists it. It cancels nothing.`,
    )
    .action(async (id, selection) => {
      await startJob(open(), checkedJobId(id), selection);
    });
}

async function startJob(context: CommandContext, id: CancelJobId, selection: Selection): Promise<void> {
  const { isDryRun, confirm, print, fail } = context;
  const request = await requestOf(context, selection);
  const client = await clientOf(context);
  if (!isDryRun && !(await confirm(`Start the job ${id}, which cancels at Klarna?`))) {
    print.say('Nothing was done.');
    return;
  }
  const { reason } = selection;
  const result = await client.startCancelJob(id, {
    ...request,
    ...(reason !== undefined && { reason }),
    dry_run: isDryRun,
  });
  switch (result.outcome) {
    case 'started':
    case 'unchanged':
      print.say(
        result.outcome === 'started'
          ? `The job ${id} has started. Its progress: lapse jobs show ${id}`
          : `The job ${id} was started before.`,
      );
      showJob(context, result.job);
      return;
    case 'taken':
      print.result(result, `Another job has the id ${id}. Choose another one.`);
      fail();
      return;
    case 'not_found':
      print.result(result, 'There is nothing to cancel: Lapse does not know it.');
      fail();
      return;
  }
}

/** Exactly one of the selections. */
async function requestOf(
  context: CommandContext,
  { request, session, reference, createdBefore }: Selection,
): Promise<CancelJobRequest> {
  const given = [request, session, reference, createdBefore].filter((each) => each !== undefined);
  if (given.length !== 1)
    throw new UsageError('Give one of --request, --session, --reference and --created-before.');
  if (session !== undefined) return { session_id: checkedPathId('--session', session) };
  if (reference !== undefined) return { reference: checkedPathId('--reference', reference) };
  if (createdBefore !== undefined) return { created_before: checkedTime('--created-before', createdBefore) };
  const account = accountOf(context);
  const named = await requestsNamed(context, request ?? []);
  const other = named.find((each) => each.account !== account);
  if (other) throw new UsageError(`${other.name} is not of --account ${account}: a job is of one account.`);
  return { payment_request_ids: named.map(({ paymentRequestId }) => paymentRequestId) };
}

async function listReport(context: CommandContext, id: CancelJobId): Promise<void> {
  const account = accountOf(context);
  const client = await clientOf(context);
  if (!(await client.cancelJob(id))) unknown(id);
  const rows = async function* () {
    for await (const member of client.cancelJobReport(id)) yield outcomeRow(account)(member);
  };
  await context.print.table(rows(), 'There are no outcomes yet.');
}

async function stopJob(context: CommandContext, id: CancelJobId): Promise<void> {
  const { confirm, isDryRun, print } = context;
  const client = await clientOf(context);
  const job = (await client.cancelJob(id)) ?? unknown(id);
  if (isDryRun) {
    print.result({ ...job, outcome: 'would_stop' }, `The job ${id} would stop. It is ${job.status} now.`);
    return;
  }
  if (!(await confirm(`Stop the job ${id} for ever?`))) {
    print.say('Nothing was done.');
    return;
  }
  showJob(context, (await client.stopCancelJob(id)) ?? unknown(id));
}

const clientOf = async (context: CommandContext) => (await context.operations()).api(accountOf(context));

function checkedJobId(text: string): CancelJobId {
  const id = parseCancelJobId(text);
  if (id) return id;
  throw new UsageError(`The job is ${JSON.stringify(text)}; allowed: ${jobHelp}.`);
}

function unknown(id: string): never {
  throw new UsageError(`There is no job ${id}.`);
}

function showJob({ print }: CommandContext, job: CancelJob): void {
  const outcomes = Object.entries(job.outcomes).filter(([, count]) => count > 0);
  const total = job.total === null ? '' : ` of ${job.total}`;
  const words = outcomes.map(([outcome, count]) => `${count} ${outcome}`).join(', ');
  print.result(
    job,
    `${job.job_id}: ${job.status}${job.dry_run ? ' (dry run)' : ''}, ${job.done}${total} done${words && `: ${words}`}.`,
  );
}

const rowOf = (job: CancelJob): Row => ({
  created_at: job.created_at,
  job_id: job.job_id,
  status: job.status,
  dry_run: job.dry_run,
  selected_by: job.selected.by,
  done: job.done,
  total: job.total ?? undefined,
  requested_by: job.requested_by,
});
