import { hasLiveClaim } from '../domain/cancellation.ts';
import type { PaymentRequestKey } from '../domain/identifiers.ts';
import type { Observation } from '../domain/observation.ts';
import { asNextVersion } from '../domain/next-version.ts';
import { type PaymentRequest, unknownPaymentRequest } from '../domain/payment-request.ts';
import {
  applyObservation,
  isStaleForGood,
  isUnread,
  lacksRoom,
  needsRecord,
  type Verdict,
} from '../domain/transition.ts';
import { type ChangeDependencies, changeRecord } from './change-record.ts';
import type { WriteResult } from './ports.ts';
import { shortId } from './short-id.ts';

/**
 * Applies a fact from Klarna to a record that was not read. One write where the fact is news. A second one where the request is
 * paid, or where the fact is stale, confirming or contradicting. None for a duplicate, nor where Klarna's webhook repeats our own
 * cancel, which the record has from Klarna's response. A CANCELED is applied after a read. Durable when it resolves.
 *
 * A stale fact does not need the version to stand still. Otherwise senders of newer facts, who write unread, could keep it waiting.
 */
export const recordObservation =
  (dependencies: ChangeDependencies) =>
  async (key: PaymentRequestKey, observation: Observation): Promise<Verdict> => {
    const { store, clock } = dependencies;
    const first: WriteResult = needsRecord(observation)
      ? { written: false, stored: await readSettled(dependencies, key) }
      : await observe(dependencies, key, observation);
    if (first.written) return 'superseding';
    const { stored: found } = first;
    const second =
      found && isStaleForGood(found, observation) && isOnlyNoted(found, observation)
        ? await store.noteStale(key, observation, { against: found.position, at: clock.instant() })
        : first;
    if (second.written) return 'stale';
    const { outcome } = await changeRecord<Verdict>(dependencies, key, second.stored, (stored) => {
      const current = stored ?? unknownPaymentRequest(key, clock.instant());
      const { verdict, record } = applyObservation(current, observation);
      const isKnown = verdict === 'confirming' && repeatsOurCancel(current, record);
      return { next: isKnown ? undefined : record, outcome: verdict };
    });
    return outcome;
  };

/** How often a sender writes again after other senders were faster. In each round at least one of them succeeds. */
const mostRounds = 8;

/**
 * Writes the observation without a read, as often as the record takes it so. Where only room in the history is missing, the write that
 * cuts the history takes it along.
 */
async function observe(
  { store, ids, clock }: ChangeDependencies,
  key: PaymentRequestKey,
  observation: Observation,
): Promise<WriteResult> {
  const id = shortId(ids);
  let result = await store.observe(key, observation);
  for (let round = 1; round < mostRounds && !result.written && result.stored; round += 1) {
    const { stored } = result;
    if (lacksRoom(stored, observation)) {
      const { record } = applyObservation(stored, observation);
      const cut = asNextVersion(stored, record, { id, now: clock.instant() });
      result = await store.save(stored, cut);
      if (result.written) break;
    } else if (!isUnread(stored, observation)) break;
    result = await store.observe(key, observation);
  }
  return result;
}

/** Milliseconds that a claim's holder needs to write what Klarna responded to its cancel. */
const settlingTime = 250;

/**
 * The record. Klarna's webhook about our own cancel mostly overtakes the write of the function that sent it. One pause costs less than
 * two writers of the same fact.
 */
async function readSettled(
  { store, clock }: ChangeDependencies,
  key: PaymentRequestKey,
): Promise<PaymentRequest | undefined> {
  const record = await store.read(key);
  if (!record || !hasLiveClaim(record, clock.instant())) return record;
  await clock.wait(settlingTime);
  return store.read(key);
}

/** Whether a stale fact changes no more of the record than its history. */
function isOnlyNoted(record: PaymentRequest, observation: Observation): boolean {
  const { attention, question } = applyObservation(record, observation).record;
  return attention === record.attention && question?.eventId === record.question?.eventId;
}

/** Whether the record after a confirming fact only repeats that our cancel took effect. */
const repeatsOurCancel = (before: PaymentRequest, after: PaymentRequest): boolean =>
  before.state === 'CANCELED' &&
  before.cancellation?.outcome === 'canceled' &&
  after.attention === before.attention &&
  after.reference === before.reference;
