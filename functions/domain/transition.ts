import { changeOf } from './change.ts';
import { completedAtAfter, isAuthorized } from './confirmation.ts';
import type { HistoryEntry } from './history-entry.ts';
import { bytesOf, hasRecorded, roomIn, withDropped, withEntry } from './history.ts';
import { type Instant, unknownTime } from './instant.ts';
import {
  completedPosition,
  earliestPositionAt,
  finalPosition,
  latestPositionAt,
  type Observation,
  type Position,
  positionOf,
} from './observation.ts';
import { type Attention, attentionAfterEnd } from './attention.ts';
import {
  type Cancellation,
  isKlarnaExpiryOpenOnceSubmitted,
  isUnsettled,
  type PaymentRequest,
  type Question,
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
  // A tombstone takes no fact: it was erased with those that it had.
  if (record.erasedAt !== undefined) return 'duplicate';
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
 * Whether the observation can only be applied to a record that was read, whatever its position. A CANCELED mostly repeats our own
 * cancel, so a read is cheaper than a write that its condition stops. It also needs attention if the request was approved. An open state
 * whose time is not known raises a question.
 */
export const needsRecord = ({ state, occurredAt }: Observation): boolean =>
  state === 'CANCELED' || occurredAt === unknownTime;

/**
 * Whether the observation supersedes the record in a way that needs no read. It gives the record its state, and nothing else
 * follows from it. The store has the same rule as the condition of one write.
 */
export function isUnread(record: PaymentRequest, observation: Observation): boolean {
  const { position, attention, question } = record;
  if (needsRecord(observation) || record.erasedAt !== undefined) return false;
  // Only a read tells which of two open states is the latest, if one has no time.
  if (question?.about === 'time' && isOpen(observation.state)) return false;
  // The record becomes due at once, to move Klarna's expiry. Only a read tells that.
  if (observation.state === 'SUBMITTED' && isKlarnaExpiryOpenOnceSubmitted(record)) return false;
  // The other attempts of the session are to be looked into. Only a read tells that there are any.
  if (observation.state === 'COMPLETED' && record.isOneOfSeveral) return false;
  if (observation.state === 'COMPLETED' && !isApprovedUnread(record)) return false;
  if (hasRecorded(record, observation.eventId)) return false;
  if (bytesOf(appliedEntry(observation)) > roomIn(record.history)) return false;
  if (position !== undefined && position >= unreadLimit(observation)) return false;
  // The end of a request may settle a cancel, or need attention. An attention may be settled by it.
  return isOpen(observation.state) || (!isUnsettled(record) && attention === undefined);
}

/**
 * Whether nothing else follows from an approval. Not where the account watches authorizations, so that the record is due at another time.
 * Nor where the record has an approval: the earlier one counts.
 */
const isApprovedUnread = ({ state, confirmation }: PaymentRequest): boolean =>
  state !== 'COMPLETED' && confirmation?.alertAfter === undefined;

/** Whether the observation would be {@link isUnread}, if only the history had room for its entry. */
export const lacksRoom = (record: PaymentRequest, observation: Observation): boolean =>
  !hasRecorded(record, observation.eventId) &&
  bytesOf(appliedEntry(observation)) > roomIn(record.history) &&
  isUnread({ ...record, history: [] }, observation);

/**
 * The record after an observation that {@link isUnread}: the next version, which one write makes without a read. A state that the
 * record has already makes no event.
 */
export function observedVersion(record: PaymentRequest, observation: Observation): PaymentRequest {
  const { observedAt, state } = observation;
  const entry = appliedEntry(observation);
  const previousState = observation.previousState ?? record.state;
  const told = { state, previousState, stateReason: observation.stateReason };
  const changes = state === record.state ? [] : [changeOf('state_changed', entry, told)];
  return {
    ...withReference(record, observation),
    ...observedFields(observation),
    question: undefined,
    // The sweep reads the record once. It decides whether the account's default timer applies, and its watch of authorizations.
    dueAt: staysDue(record, observation) ? (record.dueAt ?? observedAt) : undefined,
    history: [...record.history, entry],
    version: record.version + 1,
    sequence: record.sequence + changes.length,
    changes,
    updatedAt: observedAt,
  };
}

/** Whether the sweep has something to do after an observation that {@link isUnread}. The store has the same rule in its update. */
const staysDue = ({ timer }: PaymentRequest, { state }: Observation): boolean =>
  isOpen(state) || (state === 'COMPLETED' && timer === 'undecided');

/**
 * Whether the observation is stale and stays so, whatever is written meanwhile: an open state, and the record has a later fact.
 * Positions never fall, so no version needs to be fenced. An observation that the record has, or a tie, needs the record.
 */
export const isStaleForGood = (record: PaymentRequest, observation: Observation): boolean =>
  record.erasedAt === undefined &&
  ranks[observation.state] === 0 &&
  record.position !== undefined &&
  record.position > latestPositionAt(observation) &&
  !hasRecorded(record, observation.eventId);

/** The next version of a record with a stale observation, which one write makes without a read. It makes no event. */
export function staleVersion(
  record: PaymentRequest,
  observation: Observation,
  { against, at }: { readonly against: Position | undefined; readonly at: Instant },
): PaymentRequest {
  const entry = staleEntry(observation, against);
  const added =
    bytesOf(entry) <= roomIn(record.history)
      ? { history: [...record.history, entry] }
      : { dropped: withDropped(record.dropped, at) };
  const known = withReference(record, observation);
  return { ...known, ...added, version: record.version + 1, changes: [], updatedAt: at };
}

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

/** The record with the reference that Klarna tells. One that it has already stays: a caller may have given it. */
const withReference = (record: PaymentRequest, { reference }: Observation): PaymentRequest =>
  reference === undefined || record.reference !== undefined ? record : { ...record, reference };

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
 * a duplicate changes nothing. A contradiction sets `attention`. A contradiction and a tie raise a question, which a later read
 * answers.
 */
export function applyObservation(
  record: PaymentRequest,
  observation: Observation,
): { readonly verdict: Verdict; readonly record: PaymentRequest } {
  const verdict = judge(record, observation);
  if (verdict === 'duplicate') return { verdict, record };
  const attention = verdict === 'contradicting' ? 'contradiction' : attentionAfter(record, observation);
  const raised = questionOf(record, observation, attention);
  const open = questionAfter(record, observation, verdict);
  const known = {
    ...withReference(record, observation),
    question: raised ?? open,
    ...(raised && { attempts: 0, retryAt: undefined }),
  };
  return {
    verdict,
    record:
      verdict === 'superseding'
        ? superseded(known, observation, attention)
        : noted(known, observation, verdict, attention),
  };
}

function superseded(
  record: PaymentRequest,
  observation: Observation,
  attention: Attention | undefined,
): PaymentRequest {
  const isSettled = !isOpen(observation.state) && !isUnsettled(record);
  const kept = isSettled ? attentionAfterEnd(record.attention) : record.attention;
  return withEntry(
    {
      ...record,
      ...observedFields(observation),
      completedAt:
        observation.state === 'COMPLETED'
          ? completedAtAfter(record, observation.occurredAt, observation.occurredAt)
          : undefined,
      previousState: previousStateOf(record, observation),
      attention: attention ?? kept,
      ...(observation.state === 'COMPLETED' && record.isOneOfSeveral && { isToBeCompared: true as const }),
    },
    { ...appliedEntry(observation), attention },
  );
}

function noted(
  record: PaymentRequest,
  observation: Observation,
  effect: 'stale' | 'confirming' | 'contradicting',
  attention: Attention | undefined,
): PaymentRequest {
  const news = attention === record.attention ? undefined : attention;
  const entry: HistoryEntry = {
    ...appliedEntry(observation),
    effect,
    against: record.position,
    attention: news,
  };
  const isApproval = effect === 'confirming' && observation.state === 'COMPLETED';
  const completedAt = isApproval
    ? completedAtAfter(record, observation.occurredAt, record.occurredAt)
    : record.completedAt;
  return withEntry({ ...record, completedAt, attention: attention ?? record.attention }, entry);
}

/** The question that a webhook raises. Reads and cancels are Klarna's current state: they raise none. */
function questionOf(
  record: PaymentRequest,
  observation: Observation,
  attention: Attention | undefined,
): Question | undefined {
  const { source, eventId } = observation;
  if (source !== 'webhook') return undefined;
  if (attention === 'contradiction') return { about: 'contradiction', eventId };
  if (isUntimed(record, observation)) return { about: 'time', eventId };
  return isTie(record, observation) ? { about: 'tie', eventId } : undefined;
}

/** Whether Klarna's webhook tells an open state without a time that can be true, so that a read must find which state is the latest. */
const isUntimed = (record: PaymentRequest, { state, occurredAt }: Observation): boolean =>
  occurredAt === unknownTime && isOpen(state) && isOpen(record.state);

/**
 * The open question after an observation that raises none. A read answers it, and a later state answers a tie. A state that is not open
 * answers which of two open ones is the latest.
 */
function questionAfter(
  { question, occurredAt }: PaymentRequest,
  observation: Observation,
  verdict: Verdict,
): Question | undefined {
  const { source, state } = observation;
  // One of the two states again, with the same time, decides no more than before.
  const isLater = verdict === 'superseding' && (observation.occurredAt !== occurredAt || !isOpen(state));
  const isOnOrder = question?.about === 'tie' || (question?.about === 'time' && !isOpen(state));
  const isAnswered = source === 'read' || (isOnOrder && isLater);
  return isAnswered ? undefined : question;
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
  if (!cancellation || isAllowed(cancellation, record, observation)) return undefined;
  const facts = [record, observation];
  const ends = facts.filter(({ state }) => state === 'CANCELED');
  // Klarna's previous state tells of an approval whose own webhook was lost. Only that of the end itself is the same in any order.
  const isPaid =
    facts.some(({ state }) => state === 'COMPLETED') ||
    ends.some(({ previousState }) => previousState === 'COMPLETED');
  // A cancel that was refused before its DELETE canceled nothing.
  const mayBeOurs = cancellation.outcome !== 'refused' || cancellation.sentBefore;
  return ends.length > 0 && isPaid && mayBeOurs ? 'canceled_after_completed' : undefined;
}

/**
 * Whether the caller allowed the cancel of an approved request. An earlier DELETE without leave may have taken effect instead,
 * unless Klarna's response to the allowed one shows the end, or has shown it before. The sweep has no leave to cancel a payment that is
 * authorized.
 */
function isAllowed(
  { allowCompleted, cause, sentWithoutLeave }: Cancellation,
  record: PaymentRequest,
  { source }: Observation,
): boolean {
  if (!allowCompleted || (cause === 'sweep' && isAuthorized(record))) return false;
  return sentWithoutLeave !== true || source === 'cancel' || record.evidence?.source === 'cancel';
}
