import { randomUUID } from 'node:crypto';
import { Argument } from '@commander-js/extra-typings';
import { parsePaymentRequestId } from '../functions/domain/identifiers.ts';
import type { PaymentRequestState } from '../functions/domain/payment-request-state.ts';
import type { CommandContext, Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import { accountOf } from './request-name.ts';
import type { Target } from './target.ts';
import { UsageError } from './usage-error.ts';

const states = ['SUBMITTED', 'IN_PROGRESS', 'COMPLETED', 'CANCELED', 'EXPIRED', 'DECLINED'] as const;

/** Adds `lapse trigger`. */
export function addTriggerCommand(program: Program, open: Open): void {
  program
    .command('trigger')
    .description('send a webhook to a test stage or a local system')
    .addArgument(new Argument('<state>', 'the state that it tells of').choices(states))
    .option('--id <id>', 'the Payment Request; default: a new id')
    .option(
      '--credential <name>',
      'let Klarna send its own test delivery instead, to the webhook of this credential',
    )
    .addHelpText(
      'after',
      `
Examples:
  lapse trigger COMPLETED --account m4ciyh2n --id krn:payment:eu1:request:552603c0
  lapse trigger CANCELED --credential acquirer

Without --credential, the delivery is signed with the key of the account in the secret signing-keys. Klarna's own has
an id that no system has seen.`,
    )
    .action(async (state, { id, credential }) => {
      const context = open();
      requireTestStage(await context.target());
      if (credential !== undefined) {
        if (id !== undefined)
          throw new UsageError('Give either --id or --credential: Klarna chooses the id.');
        await simulate(context, state, credential);
      } else await deliver(context, state, id);
    });
}

/** Real customers' records must not learn of states that never were. */
function requireTestStage({ name, outputs: { Stage: stage } }: Target): void {
  if (stage === 'live')
    throw new UsageError(`${name} is of the stage live; allowed: a test stage or a local system.`);
}

/** Lets Klarna send a test delivery. */
async function simulate(context: CommandContext, state: PaymentRequestState, name: string): Promise<void> {
  const [{ openCredential }, { ownWebhooks }] = await Promise.all([
    import('./connect/open-connection.ts'),
    import('./connect/subscription.ts'),
  ]);
  const { connection, entry, klarna } = await openCredential(context, name);
  if (entry.environment !== 'test')
    throw new UsageError(`The credential ${name} is of the live environment; allowed: the test environment.`);
  const [webhook] = ownWebhooks(await klarna.webhooks(), connection.webhookUrl);
  if (!webhook)
    throw new UsageError(
      `Klarna has no webhook with our address. Run \`lapse connect --credential ${name}\`.`,
    );
  const { print, isDryRun } = context;
  const { webhook_id } = webhook;
  if (!isDryRun)
    await klarna.simulate(
      webhook_id,
      `payment.request.state-change.${state.toLowerCase().replaceAll('_', '-')}`,
    );
  print.result(
    { webhook_id, state, outcome: isDryRun ? 'would_send' : 'asked' },
    `Klarna ${isDryRun ? 'would be' : 'was'} asked to send ${state} to ${webhook_id}. \`lapse tail\` shows its arrival.`,
  );
}

/** Milliseconds for the response of the webhook function. Klarna waits less. */
const deliveryMillis = 20_000;

/** Signs a delivery and posts it, as Klarna does. */
async function deliver(
  context: CommandContext,
  state: PaymentRequestState,
  given: string | undefined,
): Promise<void> {
  const account = accountOf(context);
  const id = parsePaymentRequestId(given ?? `krn:payment:eu1:request:${randomUUID()}`);
  if (!id) throw new UsageError(`--id is ${given ?? ''}; allowed: Klarna's id of a Payment Request.`);
  const [{ outputs }, { readSigningKeys }, { signedDelivery, testKeyOf }, { api }] = await Promise.all([
    context.target(),
    import('./webhooks/manage-webhooks.ts'),
    import('./trigger/signed-delivery.ts'),
    context.operations(),
  ]);
  const { body, headers } = signedDelivery(
    testKeyOf(await readSigningKeys(context), account),
    { id, state },
    Date.now(),
  );
  const { print, isDryRun, fail } = context;
  const name = `${account}/${id}`;
  if (isDryRun) {
    print.result({ name, state, outcome: 'would_send' }, `${state} of ${name} would be sent.`);
    return;
  }
  const { status } = await fetch(outputs.WebhookUrl, {
    method: 'POST',
    headers,
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(deliveryMillis),
  });
  const isTaken = status >= 200 && status < 300;
  const record = isTaken ? await (await api(account)).get(id) : undefined;
  print.result(
    { name, state, outcome: isTaken ? 'accepted' : 'refused', status, record },
    isTaken
      ? `${state} of ${name} was accepted. The record is ${record?.state ?? 'without a state: see `lapse quarantine list`'}.`
      : `${state} of ${name} was refused with ${status}. \`lapse tail --errors\` says why.`,
  );
  if (!isTaken || !record) fail();
}
