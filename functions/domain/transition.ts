import { earlierOf, type Instant } from './instant.ts';
import {
  completedPosition,
  earliestPositionAt,
  finalPosition,
  type Observation,
  type Position,
  positionOf,
} from './observation.ts';
import {
  type Attention,
  type HistoryEntry,
  hasRecorded,
  type PaymentRequest,
  withEntry,
} from './payment-request.ts';
import { isFinal, isOpen, ranks } from './payment-request-state.ts';

/**
 * What an observation is to a record.
 * - `superseding`: its state is taken over. `duplicate`: this event has been recorded. `stale`: something newer is known.
 * - `confirming`: it says again what is known. `contradicting`: it cannot be true together with what is known.
 */
export type Verdict = 'superseding' | 'duplicate' | 'stale' | 'confirming' | 'contradicting';

/**
 * The one transition rule: a record is the maximum of what was seen, by position, until a final state closes it.
 * So duplicates, reordering and delay cannot matter, and the rule can be asked of the table without reading first.
 *
 * | observation \ record | nothing | lower position, rank < 2 | higher position, rank < 2 | final, same | final, another |
 * |---|---|---|---|---|---|
 * | rank 0 | superseding | superseding | stale | – | stale |
 * | COMPLETED | superseding | superseding | confirming | – | stale; contradicting if not before it |
 * | final | superseding | superseding | – | confirming | contradicting |
 *
 * A final state takes over COMPLETED whatever their times; that it did not happen after it is said by `attention`.
 */
export function judge(record: PaymentRequest, observation: Observation): Verdict {
  if (hasRecorded(record, observation.eventId)) return 'duplicate';
  if (record.position === undefined) return 'superseding';
  // Stryker disable next-line EqualityOperator: no two events have the same position
  if (record.position < finalPosition && record.position < positionOf(observation)) return 'superseding';
  if (ranks[observation.state] === 0) return 'stale';
  if (record.state === observation.state) return 'confirming';
  if (isFinal(observation.state)) return 'contradicting';
  // COMPLETED against a final state.
  return isPaidAfter(observation.occurredAt, record.occurredAt) ? 'contradicting' : 'stale';
}

/**
 * Whether the customer approved when the request had ended. The sample times have whole seconds: "the same second" may
 * well mean "after".
 */
const isPaidAfter = (completedAt: Instant | undefined, endedAt: Instant | undefined): boolean =>
  // Stryker disable next-line ConditionalExpression, LogicalOperator: only the compiler needs the first two checks
  completedAt !== undefined && endedAt !== undefined && completedAt >= endedAt;

/**
 * A record whose position is below this one is superseded by the observation, whatever else it holds: no need to read it.
 * The end of a paid request is judged with the record at hand, since it may need a person's attention; so is what happened at
 * the very time of what is known, since it may be a tie.
 */
export function unreadLimit(observation: Observation): Position {
  if (isFinal(observation.state)) return completedPosition;
  return ranks[observation.state] === 0 ? earliestPositionAt(observation) : positionOf(observation);
}

/**
 * Whether two webhooks tell of two states between which only time decides, and give the same time: the event ids decide then,
 * by chance, and Klarna is to be asked. A read of ours is later than what it shows, and its id says so.
 */
const isTie = (record: PaymentRequest, { state, occurredAt, source }: Observation): boolean =>
  source === 'webhook' &&
  record.evidence?.source === 'webhook' &&
  record.occurredAt === occurredAt &&
  isOpen(state) &&
  isOpen(record.state) &&
  state !== record.state;

/** What a superseding observation sets, and all that it sets. The store writes exactly this without reading first. */
export type ObservedFields = Pick<
  PaymentRequest,
  'state' | 'previousState' | 'stateReason' | 'occurredAt' | 'position' | 'evidence' | 'klarnaExpiresAt'
>;

export const observedFields = (observation: Observation): ObservedFields => ({
  state: observation.state,
  previousState: observation.previousState,
  stateReason: observation.stateReason,
  occurredAt: observation.occurredAt,
  position: positionOf(observation),
  evidence: {
    source: observation.source,
    eventId: observation.eventId,
    observedAt: observation.observedAt,
  },
  ...(observation.klarnaExpiresAt && { klarnaExpiresAt: observation.klarnaExpiresAt }),
});

/** The history entry of an observation that was taken over. */
export const appliedEntry = (observation: Observation): HistoryEntry => ({
  eventId: observation.eventId,
  kind: observation.source,
  recordedAt: observation.observedAt,
  effect: 'applied',
  state: observation.state,
  occurredAt: observation.occurredAt,
  detail: observation.proof,
});

/**
 * The record after an observation, by {@link judge}. Only a superseding one changes the state; the others leave their
 * history entry. A contradiction sets `attention`, and it and a tie are looked at by the sweep. A duplicate changes nothing.
 */
export function applyObservation(
  record: PaymentRequest,
  observation: Observation,
): { readonly verdict: Verdict; readonly record: PaymentRequest } {
  const verdict = judge(record, observation);
  if (verdict === 'duplicate' || !isTie(record, observation)) return judged(record, observation, verdict);
  const { observedAt } = observation;
  const reconcileAfter = earlierOf(record.reconcileAfter ?? observedAt, observedAt);
  return judged({ ...record, reconcileAfter }, observation, verdict);
}

function judged(
  record: PaymentRequest,
  observation: Observation,
  verdict: Verdict,
): { readonly verdict: Verdict; readonly record: PaymentRequest } {
  switch (verdict) {
    case 'duplicate':
      return { verdict, record };
    case 'superseding': {
      const fields = observedFields(observation);
      const attention = attentionAfter(record, observation);
      return {
        verdict,
        record: withEntry(
          {
            ...record,
            ...fields,
            previousState: previousStateOf(record, observation),
            ...(attention && { attention, reconcileAfter: observation.observedAt }),
          },
          { ...appliedEntry(observation), attention },
        ),
      };
    }
    case 'stale':
    case 'confirming':
    case 'contradicting': {
      const attention = verdict === 'contradicting' ? 'contradiction' : attentionAfter(record, observation);
      const entry: HistoryEntry = {
        ...appliedEntry(observation),
        effect: verdict,
        against: record.position,
        attention,
      };
      const noted = withEntry(record, entry);
      return {
        verdict,
        record: attention ? { ...noted, attention, reconcileAfter: observation.observedAt } : noted,
      };
    }
  }
}

/**
 * Klarna's own word. Ours would depend on the order in which webhooks come; of what we read or sent ourselves, we know what
 * it came after.
 */
function previousStateOf(
  record: PaymentRequest,
  { state, previousState, source }: Observation,
): PaymentRequest['previousState'] {
  if (previousState !== undefined || source === 'webhook') return previousState;
  return record.state === state ? record.previousState : record.state;
}

/**
 * What a person must see, whichever of the two facts comes last: the request ended although the customer approved it no
 * earlier; or the customer approved, and then our cancel went through although it was not to touch what is paid, the race
 * that cannot be closed on our side.
 */
function attentionAfter(record: PaymentRequest, observation: Observation): Attention | undefined {
  if (record.attention === 'contradiction') return undefined;
  // What we read or sent ourselves came after what we knew, whatever the clocks say.
  const ended = observation.source === 'webhook' && isFinal(observation.state);
  if (ended && record.state === 'COMPLETED' && isPaidAfter(record.occurredAt, observation.occurredAt)) {
    return 'contradiction';
  }
  if (record.attention === 'canceled_after_completed') return undefined;
  const { cancellation } = record;
  if (!cancellation || cancellation.allowCompleted) return undefined;
  const states = new Set([...record.history.map((entry) => entry.state), observation.state]);
  // One that was refused before a DELETE was sent has cancelled nothing.
  const mayBeOurs = cancellation.outcome !== 'refused' || cancellation.sentBefore;
  return states.has('COMPLETED') && states.has('CANCELED') && mayBeOurs
    ? 'canceled_after_completed'
    : undefined;
}
