import { durationFormat, formatDuration, parseDuration } from '../functions/domain/duration.ts';
import type { PaymentRequestId } from '../functions/domain/identifiers.ts';
import type { CommandContext, Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import { pause } from './pause.ts';
import { checkedAccount } from './request-name.ts';
import type { Target } from './target.ts';
import type { TestPurchase } from './try/klarna-test-requests.ts';
import { UsageError } from './usage-error.ts';

/** Adds `lapse try`. */
export function addTryCommand(program: Program, open: Open): void {
  program
    .command('try')
    .description('end a real test Payment Request by its timeout, and see its webhook')
    .option('--timeout <duration>', 'the timeout of the session', 'PT2M')
    .option('--currency <code>', 'a currency that the account may use', 'EUR')
    .option('--amount <number>', 'in the smallest unit of the currency', '1000')
    .addHelpText(
      'after',
      `
Examples:
  lapse try
  lapse try --account m4ciyh2n --timeout PT30S --currency SEK

It works in Klarna's test environment only. The request is canceled at Klarna in any case, even after Ctrl-C.`,
    )
    .action(async ({ timeout, currency, amount }) => {
      const millis = parseDuration(timeout);
      if (millis === undefined || millis > longestTimeout)
        throw new UsageError(
          `--timeout is ${timeout}; allowed: ${durationFormat}, at most ${formatDuration(longestTimeout)}.`,
        );
      if (!/^[A-Z]{3}$/.test(currency))
        throw new UsageError(`--currency is ${currency}; allowed: three capital letters, such as EUR.`);
      if (!/^[1-9]\d{0,8}$/.test(amount))
        throw new UsageError(`--amount is ${amount}; allowed: a whole number above 0.`);
      await runTry(open(), { millis, currency, amount: Number(amount) });
    });
}

/** A person waits for it. */
const longestTimeout = 3_600_000;

async function runTry(
  context: CommandContext,
  { millis, currency, amount }: Pick<TestPurchase, 'currency' | 'amount'> & { readonly millis: number },
): Promise<void> {
  const { options, terminal, print, isDryRun, fail } = context;
  const given = options.account === undefined ? undefined : checkedAccount(options.account);
  const [target, operations, { findTestAccount }, { klarnaTestRequests }, { tryRequest }] = await Promise.all(
    [
      context.target(),
      context.operations(),
      import('./try/test-account.ts'),
      import('./try/klarna-test-requests.ts'),
      import('./try/try-request.ts'),
    ],
  );
  const { account, klarna } = await findTestAccount(operations.accountSearch, given);
  if (isDryRun) {
    print.result(
      { account, outcome: 'would_try', timeout: formatDuration(millis) },
      `A test Payment Request of ${account} would be created at Klarna, and end after ${formatDuration(millis)}.`,
    );
    return;
  }
  const { clock, ids } = operations;
  const isDone = await tryRequest({
    client: await operations.api(account),
    klarna: klarnaTestRequests({
      url: (options.klarnaUrl ?? target.outputs.KlarnaTestUrl).replace(/\/+$/, ''),
      klarna,
      ids,
      clock,
    }),
    purchase: { currency, amount, reference: `lapse-try-${ids.next().slice(0, 16)}` },
    timeout: millis,
    webhookOfEnd: (id, signal) => webhookOfEnd(target, id, signal),
    show: (step, facts, line) => print.result({ account, step, ...facts }, line),
    signal: terminal.interruption(),
    now: () => clock.now(),
    wait: pause,
  });
  if (isDone) print.say(`It works: ${account} is connected, and sessions end.`);
  else fail();
}

/** Resolves when the webhook function has logged that it received the end of this request. */
async function webhookOfEnd(target: Target, id: PaymentRequestId, signal: AbortSignal): Promise<void> {
  const { followLog } = await import('./log/follow-log.ts');
  const lines = await followLog(target, {
    only: 'receive-klarna-webhook',
    filter: { id },
    since: Date.now() - 60_000,
    isFollowed: true,
    signal,
  });
  for await (const { code, fields } of lines)
    if (code === 'webhook.received' && fields['payment_request_id'] === id && fields['state'] === 'CANCELED')
      return;
  throw new Error('The log of the webhook function ended.');
}
