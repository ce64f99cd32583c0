import { earlierOf, type Instant } from './instant.ts';
import {
  completedPosition,
  earliestPositionAt,
  finalPosition,
  latestPositionAt,
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
 * How an observation relates to a record.
 * - `superseding`: the record takes its state. `duplicate`: the history holds this event. `stale`: a newer fact is known.
 * - `confirming`: it repeats the record. `contradicting`: it cannot be true together with the record.
 */
export type Verdict = 'superseding' | 'duplicate' | 'stale' | 'confirming' | 'contradicting';

/**
 * The one transition rule: a record has the observation with the highest position, until a final state closes it. So
 * duplicates, reordering and delay have no effect, and the table can apply the rule without a read.
 *
 * | observation \ record | nothing | lower position, rank < 2 | higher position, rank < 2 | final, same | final, another |
 * |---|---|---|---|---|---|
 * | rank 0 | superseding | superseding | stale | – | stale |
 * | COMPLETED | superseding | superseding | confirming | – | stale; contradicting if not before it |
 * | final | superseding | superseding | – | confirming | contradicting |
 *
 * A final state supersedes COMPLETED at any time. If it did not happen after it, the record needs attention.
 */
export function judge(record: PaymentRequest, observation: Observation): Verdict {
  if (hasRecorded(record, observation.eventId)) return 'duplicate';
  if (record.position === undefined) return 'superseding';
  // Stryker disable next-line EqualityOperator: no two events have the same position
  if (record.position < finalPosition && record.position < positionOf(observation)) return 'superseding';
  if (ranks[observation.state] === 0) return 'stale';
  if (record.state === observation.state) return 'confirming';
  if (isFinal(observation.state)) return 'contradicting';
  // COMPLETED meets a final state.
  return isPaidAfter(observation.occurredAt, record.occurredAt) ? 'contradicting' : 'stale';
}

/** Whether the customer approved at or after the end. Klarna's sample times have whole seconds: the same second may mean after. */
const isPaidAfter = (completedAt: Instant | undefined, endedAt: Instant | undefined): boolean =>
  // Stryker disable next-line ConditionalExpression, LogicalOperator: only the compiler needs the first two checks
  completedAt !== undefined && endedAt !== undefined && completedAt >= endedAt;

/**
 * The observation supersedes every record with a position below this one, so no read is needed. The end of a paid request
 * needs the record, because it may need attention. So does an observation with the same time, because it may be a tie.
 */
export function unreadLimit(observation: Observation): Position {
  if (isFinal(observation.state)) return completedPosition;
  return ranks[observation.state] === 0 ? earliestPositionAt(observation) : positionOf(observation);
}

/**
 * Whether the observation can only be applied to a record that was read, whatever its position. The cancel of an approved request
 * needs attention if it was ours.
 */
export const needsRecord = ({ state, previousState }: Observation): boolean =>
  state === 'CANCELED' && previousState === 'COMPLETED';

/**
 * Whether the observation is stale and stays so, whatever is written meanwhile: an open state, and the record has a later fact.
 * Positions never fall, so no version needs to be fenced. An observation that the record has, or a tie, needs the record.
 */
export const isStaleForGood = (record: PaymentRequest, observation: Observation): boolean =>
  ranks[observation.state] === 0 &&
  record.position !== undefined &&
  record.position > latestPositionAt(observation) &&
  !hasRecorded(record, observation.eventId);

/** The history entry of a stale observation. `against`: the position of the record that was known then. */
export const staleEntry = (observation: Observation, against: Position | undefined): HistoryEntry => ({
  ...appliedEntry(observation),
  effect: 'stale',
  against,
});

/**
 * Whether two webhooks tell two open states with the same time. The event ids then decide by chance, and a read must find the
 * state. A read of ours is always later than the state that it shows.
 */
const isTie = (record: PaymentRequest, { state, occurredAt, source }: Observation): boolean =>
  source === 'webhook' &&
  record.evidence?.source === 'webhook' &&
  record.occurredAt === occurredAt &&
  isOpen(state) &&
  isOpen(record.state) &&
  state !== record.state;

/** All attributes that a superseding observation sets. The store writes exactly these without a read. */
export type ObservedFields = Pick<
  PaymentRequest,
  'state' | 'previousState' | 'stateReason' | 'occurredAt' | 'position' | 'evidence' | 'klarnaExpiresAt'
>;

/** The attributes that this observation sets. */
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

/** The history entry of a superseding observation. */
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
 * The record after an observation, by {@link judge}. Only a superseding one changes the state. The others add a history entry;
 * a duplicate changes nothing. A contradiction sets `attention`. The sweep reads Klarna after a contradiction or a tie.
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
        attention: attention === record.attention ? undefined : attention,
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
 * The previous state as Klarna tells it. Where a webhook has none, ours would depend on the order of arrival. A read or a cancel
 * of our own came after the record's state.
 */
function previousStateOf(
  record: PaymentRequest,
  { state, previousState, source }: Observation,
): PaymentRequest['previousState'] {
  if (previousState !== undefined || source === 'webhook') return previousState;
  return record.state === state ? record.previousState : record.state;
}

/**
 * The attention after an observation, in whichever order the two facts arrive. `contradiction`: the request ended, although the
 * customer approved at or after that time. `canceled_after_completed`: the customer approved, and our cancel took effect
 * without leave. We cannot prevent that race.
 */
function attentionAfter(record: PaymentRequest, observation: Observation): Attention | undefined {
  if (record.attention === 'contradiction') return undefined;
  // A read or a cancel of our own came after the record's state, whatever the clocks say.
  const ended = observation.source === 'webhook' && isFinal(observation.state);
  if (ended && record.state === 'COMPLETED' && isPaidAfter(record.occurredAt, observation.occurredAt)) {
    return 'contradiction';
  }
  if (record.attention === 'canceled_after_completed') return undefined;
  const { cancellation } = record;
  if (!cancellation || cancellation.allowCompleted) return undefined;
  const states = new Set([...record.history.map((entry) => entry.state), observation.state]);
  // Klarna's previous state tells of an approval whose own webhook was lost.
  if (needsRecord(observation)) states.add('COMPLETED');
  // A cancel that was refused before its DELETE canceled nothing.
  const mayBeOurs = cancellation.outcome !== 'refused' || cancellation.sentBefore;
  return states.has('COMPLETED') && states.has('CANCELED') && mayBeOurs
    ? 'canceled_after_completed'
    : undefined;
}
