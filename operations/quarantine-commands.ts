import type { QuarantinedDeliveries } from '../functions/application/ports.ts';
import type { QuarantineReason, StoredDelivery } from '../functions/domain/quarantined-delivery.ts';
import type { ReplayOutcome, replayQuarantined } from '../functions/application/replay-quarantined.ts';
import { formatInstant } from '../functions/domain/instant.ts';

/** The quarantine, and the replay of its deliveries. */
export interface QuarantineOperations {
  readonly quarantine: QuarantinedDeliveries;
  readonly replay: ReturnType<typeof replayQuarantined>;
}

type Print = (line: string) => void;

/** Why a signed delivery is quarantined, and what to do. */
const explanations: Readonly<Record<QuarantineReason, string>> = {
  unknown_type:
    'Its type is new to this version. A newer version accepts it. If it is not a state change, leave it.',
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

/** The name of a delivery on the command line. */
const nameOf = ({ signingKeyId, deliveryId }: StoredDelivery): string => `${signingKeyId}/${deliveryId}`;

const lineOf = (delivery: StoredDelivery): string =>
  [
    formatInstant(delivery.receivedAt),
    delivery.reason.padEnd(17),
    nameOf(delivery),
    delivery.facts.eventType ?? '-',
    delivery.facts.paymentRequestId ?? '-',
    delivery.replay ? `replayed: ${delivery.replay.verdict}` : '',
  ]
    .join('  ')
    .trimEnd();

/** Prints a line for each delivery, newest first; with a reason, only those. */
export async function listQuarantine(
  { quarantine }: QuarantineOperations,
  reason: QuarantineReason | undefined,
  print: Print,
): Promise<void> {
  let lines = 0;
  for await (const delivery of quarantine.all()) {
    if (reason !== undefined && delivery.reason !== reason) continue;
    print(lineOf(delivery));
    lines += 1;
  }
  if (lines === 0) print('The quarantine is empty.');
}

/** Prints everything that is stored of a delivery, why it was refused, and what a replay would do now. */
export async function explainQuarantine(
  operations: QuarantineOperations,
  name: string,
  print: Print,
): Promise<void> {
  const delivery = await found(operations, name);
  print(lineOf(delivery));
  print(explanations[delivery.reason]);
  for (const [fact, value] of Object.entries(delivery.facts)) {
    if (value !== undefined) print(`  ${fact}: ${value}`);
  }
  print(`  bodySha256: ${delivery.bodySha256}`);
  print(`A replay now: ${wordsOf(await operations.replay(delivery, true))}`);
}

/**
 * Processes deliveries again: these, or all that were not replayed yet, with a reason only those. Returns whether none
 * was refused. An invalid name is an error before anything is replayed.
 */
export async function replayQuarantine(
  operations: QuarantineOperations,
  which: readonly string[] | { readonly all: QuarantineReason | undefined },
  isDryRun: boolean,
  print: Print,
): Promise<boolean> {
  let areAllTaken = true;
  for await (const delivery of chosen(operations, which)) {
    const outcome = await operations.replay(delivery, isDryRun);
    print(`${nameOf(delivery)}: ${wordsOf(outcome)}`);
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
      const isOfReason = which.all === undefined || delivery.reason === which.all;
      if (isOfReason && !delivery.replay) yield delivery;
    }
    return;
  }
  const deliveries = await Promise.all(which.map((name) => found(operations, name)));
  yield* deliveries;
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
  onboarded: 'the account is known now',
  superseding: 'the record has its state now',
  stale: 'no change, the record has a later state',
  confirming: 'no change, the record has the same state',
  contradicting: 'it contradicts the record, which needs attention now',
  duplicate: 'no change, the record has this event already',
} as const;

async function found({ quarantine }: QuarantineOperations, name: string): Promise<StoredDelivery> {
  const [signingKeyId = '', ...rest] = name.split('/');
  const delivery = await quarantine.read({ signingKeyId, deliveryId: rest.join('/') });
  if (!delivery) {
    throw new Error(
      `${name} is not in quarantine; allowed: <signing key id>/<event id>, as list prints them.`,
    );
  }
  return delivery;
}
