import { parsePaymentRequestId } from '../functions/domain/identifiers.ts';
import { checkedPathId } from './cancel-options.ts';
import type { CommandContext, Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import { openEvents } from './events/open-events.ts';
import {
  type EventFilter,
  eventIn,
  type PublishedEvent,
  showEvent,
  wantedDetail,
} from './events/published-event.ts';
import { untilAborted } from './pause.ts';
import { checkedAccount } from './request-name.ts';
import { UsageError } from './usage-error.ts';

/** Adds `lapse listen`. */
export function addListenCommand(program: Program, open: Open): void {
  program
    .command('listen')
    .description('show the published events as they come, until Ctrl-C')
    .option('--id <id>', 'only events of this Payment Request')
    .option('--session <id>', 'only events of this session')
    .option('--forward-to <url>', 'post each event to this URL of this machine, too')
    .option('--forward-key', 'send a key in X-Api-Key, as the stack does; it is read from standard input')
    .addHelpText(
      'after',
      `
Examples:
  lapse listen --account m4ciyh2n
  lapse listen --session cart-7 --forward-to http://127.0.0.1:3000/lapse-events

On a deployed stack it makes a rule and a queue, and removes them at the end.`,
    )
    .action(async ({ id, session, forwardTo, forwardKey }) => {
      const context = open();
      const { account } = context.options;
      if (id !== undefined && !parsePaymentRequestId(id))
        throw new UsageError(`--id is ${id}; allowed: Klarna's id of a Payment Request.`);
      const filter = {
        account: account === undefined ? undefined : checkedAccount(account),
        id,
        session: session === undefined ? undefined : checkedPathId('--session', session),
      };
      const url = forwardTo === undefined ? undefined : urlOfThisMachine(forwardTo);
      if (forwardKey && url === undefined) throw new UsageError('--forward-key goes with --forward-to only.');
      const key = forwardKey ? await keyFrom(context) : undefined;
      await listen(context, filter, url && { url, key });
    });
}

/** Events may not leave the machine: a deployed stack forwards them to other hosts. */
function urlOfThisMachine(given: string): URL {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const isHere = url && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (isHere && ['http:', 'https:'].includes(url.protocol) && url.username === '' && url.password === '')
    return url;
  throw new UsageError(
    '--forward-to is not valid; allowed: a URL of this machine, such as http://127.0.0.1:3000/lapse-events.',
  );
}

async function keyFrom({ terminal }: CommandContext): Promise<string> {
  const key = await terminal.readSecret('The key for X-Api-Key: ');
  if (key !== undefined && /^[\x21-\x7e]+$/.test(key)) return key;
  throw new UsageError(
    'The key on standard input is missing or malformed; allowed: printable ASCII characters without spaces.',
  );
}

interface Forwarding {
  readonly url: URL;
  readonly key: string | undefined;
}

async function listen(
  context: CommandContext,
  filter: EventFilter,
  forwarding: Forwarding | undefined,
): Promise<void> {
  const { print, isDryRun, terminal } = context;
  const target = await context.target();
  if (isDryRun) {
    print.say(
      `The events of ${target.name} would be shown, and a temporary rule and queue removed at the end.`,
    );
    return;
  }
  const signal = terminal.interruption();
  const source = await openEvents(target, filter, (name) =>
    print.say(`Removed what an earlier run left: ${name}`),
  );
  try {
    print.say(`Listening to the events of ${target.name}. Ctrl-C ends it.`);
    await untilAborted(signal, async () => {
      for await (const text of source.events(signal)) await take(context, filter, { text, forwarding });
    });
  } finally {
    await source.close();
  }
}

/** Shows an event, and forwards it. */
async function take(
  { print, fail }: CommandContext,
  filter: EventFilter,
  { text, forwarding }: { readonly text: string; readonly forwarding: Forwarding | undefined },
): Promise<void> {
  const event = eventIn(text);
  if (!event || !isWanted(event, filter)) return;
  showEvent(print, event);
  if (!forwarding) return;
  const result = await forward(text, forwarding);
  print.say(`  ${forwarding.url.href}: ${result}`);
  if (!/^2\d\d$/.test(result)) fail();
}

const isWanted = ({ detail }: PublishedEvent, filter: EventFilter): boolean =>
  Object.entries(wantedDetail(filter)).every(
    ([field, value]) => (detail as Readonly<Record<string, unknown>>)[field] === value,
  );

/** Milliseconds for one forwarded event. */
const forwardMillis = 10_000;

/** Posts an event as it came. Returns the status, or why there is none. */
async function forward(text: string, { url, key }: Forwarding): Promise<string> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key !== undefined && { 'x-api-key': key }) },
      body: text,
      redirect: 'manual',
      signal: AbortSignal.timeout(forwardMillis),
    });
    await response.body?.cancel();
    return String(response.status);
  } catch {
    return 'no response';
  }
}
