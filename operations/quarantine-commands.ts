import { Option } from '@commander-js/extra-typings';
import type { QuarantinedDeliveries } from '../functions/application/ports.ts';
import type { QuarantineReason, StoredDelivery } from '../functions/domain/quarantined-delivery.ts';
import type { ReplayOutcome, replayQuarantined } from '../functions/application/replay-quarantined.ts';
import { formatInstant, type Instant, parseInstant } from '../functions/domain/instant.ts';
import type { Open } from './command-context.ts';
import type { Program } from './common-options.ts';
import type { Printer, Row, ShowResult } from './printer.ts';
import { UsageError } from './usage-error.ts';

/** The quarantine, and the replay of its deliveries. */
export interface QuarantineOperations {
  readonly quarantine: QuarantinedDeliveries;
  readonly replay: ReturnType<typeof replayQuarantined>;
}

/** Why a signed delivery is quarantined, and what to do. */
const explanations: Readonly<Record<QuarantineReason, string>> = {
  unknown_type:
    'Its type is new to this version. A newer version accepts it. If it is not a state change, leave it.',
  unknown_version:
    'Its event_version is not v2, so its fields may mean something else. Subscribe the webhook with v2, or install a newer version.',
  unknown_state: 'Its state is new to this version. A newer version accepts it.',
  malformed: 'A field that every state change has is missing or malformed. Ask Klarna, with the event id.',
  other_account:
    "The key's `accounts` in the secret signing-keys do not have its subject_account_id. Add it there if the account is yours.",
  unknown_account:
    'Its account was not onboarded and has no settings, and the key quarantines such accounts. Give the account settings, then replay.',
  other_recipient:
    "Its recipient is not the key's recipient_account_id in the secret signing-keys. Correct it there if the account is yours.",
  other_webhook: "It came through another webhook than the key's webhook_id in the secret signing-keys.",
  other_environment:
    "It is from the other environment than the key's `live` in the secret signing-keys says.",
};

const reasons = Object.keys(explanations) as readonly QuarantineReason[];

const reasonOption = () => new Option('--reason <reason>', 'only those with this reason').choices(reasons);

const namesHelp = '<signing key id>/<event id>, as list shows them';

/** Adds `lapse quarantine`. */
export function addQuarantineCommands(program: Program, open: Open): void {
  const quarantine = program.command('quarantine').description('signed webhooks that changed no record');
  quarantine
    .command('list')
    .description('list them, newest first')
    .addOption(reasonOption())
    .addHelpText('after', '\nExample:\n  lapse quarantine list --reason other_account')
    .action(async ({ reason }) => {
      const { operations, print } = open();
      await listQuarantine(await operations(), reason, print);
    });
  quarantine
    .command('explain')
    .description('show the facts of a webhook, and what a replay would do now')
    .argument('<names...>', namesHelp)
    .addHelpText('after', '\nExample:\n  lapse quarantine explain key-1/62bb5d9f-33d3-43d0-9d84-1018eb573ed6')
    .action(async (names) => {
      const { operations, print } = open();
      const found = await operations();
      for (const name of names) await explainQuarantine(found, name, print);
    });
  quarantine
    .command('replay')
    .description('process webhooks again, by the same write as any webhook')
    .argument('[names...]', namesHelp)
    .option('--all', 'all that were not replayed yet')
    .addOption(reasonOption())
    .option('--since <time>', 'with --all: only those that arrived from this time on')
    .option('--type <type>', "with --all: only those of this type, in Klarna's word")
    .addHelpText(
      'after',
      '\nExample:\n  lapse quarantine replay --all --reason other_account --since 2026-03-01T12:00:00Z',
    )
    .action(async (names, { all = false, reason, since, type }) => {
      const { operations, isDryRun, print, fail } = open();
      if (all === names.length > 0) throw new UsageError('Give either names or --all.');
      const [filter] = Object.entries({ reason, since, type }).find(([, given]) => given !== undefined) ?? [];
      if (!all && filter !== undefined) throw new UsageError(`--${filter} goes with --all only.`);
      const which = all ? { all: { reason, since: sinceOf(since), type } } : names;
      if (!(await replayQuarantine(await operations(), which, isDryRun, print.result))) fail();
    });
}

/** The name of a delivery on the command line. */
const nameOf = ({ signingKeyId, deliveryId }: StoredDelivery): string => `${signingKeyId}/${deliveryId}`;

const rowOf = (delivery: StoredDelivery): Row => ({
  received_at: formatInstant(delivery.receivedAt),
  reason: delivery.reason,
  name: nameOf(delivery),
  event_type: delivery.facts.eventType,
  payment_request_id: delivery.facts.paymentRequestId,
  replayed: delivery.replay?.verdict,
});

/** Shows the deliveries, newest first; with a reason, only those. */
export async function listQuarantine(
  { quarantine }: QuarantineOperations,
  reason: QuarantineReason | undefined,
  print: Printer,
): Promise<void> {
  const rows = async function* () {
    for await (const delivery of quarantine.all()) {
      if (reason === undefined || delivery.reason === reason) yield rowOf(delivery);
    }
  };
  await print.table(rows(), 'The quarantine is empty.');
}

/** Shows everything that is stored of a delivery, why it was refused, and what a replay would do now. */
export async function explainQuarantine(
  operations: QuarantineOperations,
  name: string,
  print: Printer,
): Promise<void> {
  const delivery = await found(operations, name);
  const facts = { ...delivery.facts, bodySha256: delivery.bodySha256 };
  const explanation = explanations[delivery.reason];
  const replay = wordsOf(await operations.replay(delivery, true));
  const lines = Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([fact, value]) => `  ${fact}: ${value}`);
  print.result(
    { ...rowOf(delivery), facts, explanation, replay },
    [
      `${nameOf(delivery)}: ${delivery.reason}, received ${formatInstant(delivery.receivedAt)}`,
      explanation,
      ...lines,
      `A replay now: ${replay}`,
    ].join('\n'),
  );
}

/**
 * Processes deliveries again: these, or all that were not replayed yet and pass the filter. Returns whether none
 * was refused. An invalid name is an error before anything is replayed.
 */
export async function replayQuarantine(
  operations: QuarantineOperations,
  which: readonly string[] | { readonly all: DeliveryFilter },
  isDryRun: boolean,
  show: ShowResult,
): Promise<boolean> {
  let areAllTaken = true;
  for await (const delivery of chosen(operations, which)) {
    const outcome = await operations.replay(delivery, isDryRun);
    const name = nameOf(delivery);
    show({ name, ...outcome }, `${name}: ${wordsOf(outcome)}`);
    areAllTaken &&= outcome.kind === 'taken' || outcome.kind === 'would_take';
  }
  return areAllTaken;
}

async function* chosen(
  operations: QuarantineOperations,
  which: Parameters<typeof replayQuarantine>[1],
): AsyncGenerator<StoredDelivery, void> {
  if ('all' in which) {
    for await (const delivery of operations.quarantine.all()) {
      if (!delivery.replay && passes(delivery, which.all)) yield delivery;
    }
    return;
  }
  const deliveries = await Promise.all(which.map((name) => found(operations, name)));
  yield* deliveries;
}

/** Which deliveries in quarantine: each that is given narrows them. */
export interface DeliveryFilter {
  readonly reason?: QuarantineReason | undefined;
  readonly since?: Instant | undefined;
  /** Klarna's type of the event. */
  readonly type?: string | undefined;
}

const passes = (delivery: StoredDelivery, { reason, since, type }: DeliveryFilter): boolean =>
  (reason === undefined || delivery.reason === reason) &&
  (since === undefined || delivery.receivedAt >= since) &&
  (type === undefined || delivery.facts.eventType === type);

function sinceOf(given: string | undefined): Instant | undefined {
  const since = parseInstant(given ?? '');
  if (given === undefined || since) return since;
  throw new UsageError(`--since is ${given}; allowed: a time in RFC 3339, such as 2026-03-01T12:00:00Z.`);
}

function wordsOf(outcome: ReplayOutcome): string {
  switch (outcome.kind) {
    case 'taken':
      return `accepted: ${verdictWords[outcome.verdict]}`;
    case 'refused':
      return `refused again (${outcome.reason}). ${explanations[outcome.reason]}`;
    case 'no_key':
      return 'refused: the key that signed it is not in the secret signing-keys any more.';
    case 'would_take':
      return 'would be accepted.';
  }
}

const verdictWords = {
  authorized: 'the record knows that the payment is authorized now',
  kept: 'it waits for the record with its reference',
  unlinked: 'no change, it names no payment',
  quarantined: 'quarantined again',
  onboarded: 'the account is known now',
  superseding: 'the record has its state now',
  stale: 'no change, the record has a later state',
  confirming: 'no change, the record has the same state',
  contradicting: 'it contradicts the record, which needs attention now',
  duplicate: 'no change, the record has this event already',
  other_family: 'no change, Lapse does not use webhooks of its type',
  no_state: 'no change, it tells no state',
} as const;

async function found({ quarantine }: QuarantineOperations, name: string): Promise<StoredDelivery> {
  const [signingKeyId = '', ...rest] = name.split('/');
  const delivery = await quarantine.read({ signingKeyId, deliveryId: rest.join('/') });
  if (!delivery) {
    throw new UsageError(`${name} is not in quarantine; allowed: ${namesHelp}.`);
  }
  return delivery;
}
