import type { Account } from '../functions/domain/identifiers.ts';
import { formatInstant } from '../functions/domain/instant.ts';
import type { StoredDelivery } from '../functions/domain/quarantined-delivery.ts';
import type { CommandContext, Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import { checkedAccount } from './request-name.ts';
import type { Target } from './target.ts';
import { UsageError } from './usage-error.ts';

/** Adds `lapse console`. */
export function addConsoleCommand(program: Program, open: Open): void {
  program
    .command('console')
    .description('open a page on this machine for a deployed stack, until Ctrl-C')
    .option('--port <number>', 'the port of the page; 0 takes a free one', '4090')
    .addHelpText(
      'after',
      `
Examples:
  lapse console --account m4ciyh2n
  lapse console --stack Lapse-live --account m4ciyh2n,m48jwzf8

The page shows sessions, timelines, attention, quarantine and events. Each change asks first. It calls with your
AWS credentials, and serves 127.0.0.1 only.`,
    )
    .action(async ({ port }) => {
      if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
        throw new UsageError(`--port is ${port}; allowed: a number from 0 to 65535.`);
      await runConsole(open(), Number(port));
    });
}

async function runConsole(context: CommandContext, port: number): Promise<void> {
  const accounts = accountsOf(context);
  const [target, { api, quarantine, clock }, { startConsole }, { openEvents }, send] = await Promise.all([
    context.target(),
    context.operations(),
    import('./console/console-server.ts'),
    import('./events/open-events.ts'),
    signedFetch(context),
  ]);
  const { print, terminal, isDryRun } = context;
  if (isDryRun) {
    print.say(`A page for ${target.name} would be served on 127.0.0.1.`);
    return;
  }
  const signal = terminal.interruption();
  const running = await startConsole({
    port,
    stack: target.name,
    accounts,
    apiUrl: target.outputs.ApiUrl.replace(/\/+$/, ''),
    client: (account) => api(account),
    send,
    quarantine: async function* () {
      for await (const delivery of quarantine.all()) yield shownDelivery(delivery);
    },
    events: () => openEvents(target, {}),
    now: () => clock.now(),
  });
  print.result({ url: running.url, stack: target.name }, `The console of ${target.name}: ${running.url}`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await running.close();
}

/** One account, or several with commas between them. */
function accountsOf({ account }: CommandContext): readonly Account[] {
  const names = account().split(',');
  return names.map((name) => checkedAccount(name.trim()));
}

/** Sends calls to the API as the operator. */
async function signedFetch(context: CommandContext) {
  const target: Target = await context.target();
  if (target.isLocal) return (url: string, init: RequestInit) => fetch(url, init);
  const [{ AwsClient }, { DynamoDBClient }] = await Promise.all([
    import('aws4fetch'),
    import('@aws-sdk/client-dynamodb'),
  ]);
  // The client finds the credentials and the Region as every other command does.
  const { config } = new DynamoDBClient(target.aws);
  return async (url: string, init: RequestInit) => {
    const [{ accessKeyId, secretAccessKey, sessionToken }, region] = await Promise.all([
      config.credentials(),
      config.region(),
    ]);
    const aws = new AwsClient({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
      region,
      service: 'execute-api',
    });
    return fetch(await aws.sign(url, init));
  };
}

const shownDelivery = ({ signingKeyId, deliveryId, reason, receivedAt, facts, replay }: StoredDelivery) => ({
  signing_key_id: signingKeyId,
  delivery_id: deliveryId,
  reason,
  received_at: formatInstant(receivedAt),
  event_type: facts.eventType ?? null,
  payment_request_id: facts.paymentRequestId ?? null,
  state: facts.state ?? null,
  replay: replay ?? null,
});
