/**
 * What must hold in every history. Each invariant is a separate function with the name that a violation shows.
 * Invariants are checked against what happened at the ports and at Klarna. They do not use the functions under test
 * or the domain's own rule.
 */
import { isDeepStrictEqual } from 'node:util';
import { triedAgainFor } from '../../functions/application/publish-state-changes.ts';
import type { EventId, PaymentRequestId, PaymentRequestKey } from '../../functions/domain/identifiers.ts';
import { millisOf } from '../../functions/domain/instant.ts';
import type { HistoryEntry, HistoryKind } from '../../functions/domain/history-entry.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { type PaymentRequestState, ranks } from '../../functions/domain/payment-request-state.ts';
import { armedOnSubmitted } from '../../functions/domain/registration.ts';
import type { StateChangeEvent } from '../../functions/domain/state-change-event.ts';
import { plantedIn } from '../support/planted-secrets.ts';
import { hour, minute } from '../support/sessions.ts';
import { confirmationLiveness, confirmationSafety } from './confirmation-invariants.ts';
import { erasureSafety } from './erasure-invariants.ts';
import { type Evidence, type Outcome, rankOf, type Safety } from './evidence.ts';
import { type jobLiveness, jobSafety } from './job-invariants.ts';
import type { awaitedLiveness, joinInvariants } from './reference-invariants.ts';
import { type TrueRequest, wasCanceledAfterPaid } from './simulated-klarna.ts';
import { versionSafety } from './version-invariants.ts';

const finalStateNeverChanges: Safety = (step) =>
  step.kind === 'written' && rankOf(step.before) === 2 && step.before?.state !== step.after.state
    ? `${step.before?.state ?? ''} became ${step.after.state ?? 'nothing'}`
    : undefined;

const rankNeverFalls: Safety = (step) =>
  step.kind === 'written' && rankOf(step.after) < rankOf(step.before)
    ? `${step.before?.state ?? ''} became ${step.after.state ?? 'nothing'}`
    : undefined;

const versionsHaveNoGaps: Safety = (step) =>
  step.kind === 'written' && step.after.version !== (step.before?.version ?? 0) + 1
    ? `version ${step.before?.version ?? 0} was followed by ${step.after.version}`
    : undefined;

/** An entry stays as it was written, and none disappears without being counted. */
const historyIsOnlyAddedTo: Safety = (step) => {
  if (step.kind !== 'written' || !step.before) return undefined;
  const after = step.after.history;
  let gone = 0;
  for (const entry of step.before.history) {
    if (after.includes(entry)) continue;
    const now = after.find(({ eventId }) => eventId === entry.eventId);
    if (!now) gone += 1;
    else if (
      now.effect !== entry.effect ||
      now.state !== entry.state ||
      now.recordedAt !== entry.recordedAt
    ) {
      return `${entry.eventId} was ${entry.effect} at ${entry.recordedAt} and is ${now.effect} at ${now.recordedAt}`;
    }
  }
  const counted = (step.after.dropped?.count ?? 0) - (step.before.dropped?.count ?? 0);
  return gone > counted ? `${gone} entries are gone, and ${counted} of them are counted` : undefined;
};

/** What matters is dropped only where no entry is left that changed nothing, but for the newest. */
const whatMattersIsKept: Safety = (step) => {
  if (step.kind !== 'written' || !step.before || step.before.history.length <= step.after.history.length)
    return undefined;
  const { before, after } = step;
  const gone = before.history.filter((entry) => !after.history.includes(entry));
  const lost = gone.find(matters);
  const kept = after.history.slice(0, -13).find((entry) => noise.has(entry.kind) && !matters(entry));
  return lost && kept && kept.eventId !== after.evidence?.eventId
    ? `${lost.kind} ${lost.eventId} is dropped, and ${kept.kind} ${kept.eventId} is not`
    : undefined;
};

const noise: ReadonlySet<HistoryKind> = new Set(['webhook', 'read', 'not_found', 'timer', 'sweep']);

const matters = ({ kind, effect, state, attention }: HistoryEntry): boolean => {
  if (attention !== undefined || effect === 'contradicting' || kind === 'cancel' || kind === 'confirmation')
    return true;
  if (kind === 'register' || kind === 'extend' || kind === 'cancel_request') return effect !== 'noted';
  return effect === 'applied' && state !== undefined && ranks[state] > 0;
};

/** 16 KB. JSON is longer than DynamoDB's own form. */
const itemIsBounded: Safety = (step) => {
  if (step.kind !== 'written' || step.after.history.length < 20) return undefined;
  const bytes = JSON.stringify(step.items?.after ?? step.after.history).length;
  return bytes > 16_384 ? `the record has ${bytes} bytes` : undefined;
};

/** Each write numbers its events, and makes one for each fact that consumers learn of, whatever the history drops. */
const everyFactIsAnEvent: Safety = (step) => {
  if (step.kind !== 'written') return undefined;
  const { before, after } = step;
  const from = before?.sequence ?? 0;
  if (after.sequence !== from + after.changes.length)
    return `sequence ${from} and ${after.changes.length} events became ${after.sequence}`;
  const made = new Set(after.changes.map(({ kind, eventId }) => `${kind} ${eventId}`));
  const wanted: string[] = [];
  for (const { kind, effect, eventId, attention, detail } of newEntries(step)) {
    if (kind === 'timer' && detail['outcome'] === 'would_cancel') wanted.push(`would_cancel ${eventId}`);
    if (kind === 'register' && effect === 'accepted' && !before?.session)
      wanted.push(`registered ${eventId}`);
    if (kind === 'cancel_request' && effect === 'refused') wanted.push(`cancel_refused ${eventId}`);
    if (attention !== undefined) wanted.push(`needs_attention ${eventId}`);
    if (kind === 'confirmation')
      wanted.push(`${effect === 'accepted' ? 'authorized' : 'not_authorized'} ${eventId}`);
    if (kind === 'resolve') wanted.push(`attention_resolved ${eventId}`);
  }
  const told = after.changes.findLast(({ kind }) => kind === 'state_changed')?.state;
  if (before?.state !== after.state && told !== after.state)
    return `no event tells ${after.state ?? 'nothing'}`;
  const missing = wanted.find((event) => !made.has(event));
  return missing && `${missing} is not an event`;
};

/** The state that results from all observations: the first final state, else the latest of the highest rank. */
const stateIsTheFoldOfTheHistory: Safety = (step) => {
  if (step.kind !== 'written') return undefined;
  let highest: ObservedEntry | undefined;
  let end: ObservedEntry | undefined;
  for (const entry of step.after.history) {
    if (!isObservation(entry)) continue;
    if (ranks[entry.state] === 2) end ??= entry;
    else if (!highest || isHigher(entry, highest)) highest = entry;
  }
  const folded = end ?? highest;
  if (folded?.state === step.after.state) return undefined;
  return `the history says ${folded?.state ?? 'nothing'} (${folded?.eventId ?? ''}), the record ${step.after.state ?? 'nothing'}`;
};

const eventTakesEffectOnce: Safety = (step) => {
  if (step.kind !== 'written') return undefined;
  const known = step.before?.evidence;
  const { evidence } = step.after;
  if (!evidence || (evidence.eventId === known?.eventId && evidence.observedAt === known.observedAt))
    return undefined;
  const again = step.before?.history.some((entry) => entry.eventId === evidence.eventId);
  return again ? `${evidence.eventId} was in the history already and took effect` : undefined;
};

const canceledOnlyOnEvidence: Safety = (step, { trueRequest }) => {
  if (step.kind !== 'written' || step.after.state !== 'CANCELED' || step.before?.state === 'CANCELED')
    return undefined;
  const { after } = step;
  const entry = after.history.find(({ eventId }) => eventId === after.evidence?.eventId);
  if (entry?.effect !== 'applied' || entry.state !== 'CANCELED') return 'no history entry says so';
  return wasSaid(trueRequest(after), 'CANCELED') ? undefined : 'Klarna never said so';
};

const stateWasKlarnas: Safety = (step, { trueRequest }) => {
  if (step.kind !== 'written') return undefined;
  const { before, after } = step;
  const { state, evidence } = after;
  if (state === undefined || evidence?.eventId === before?.evidence?.eventId) return undefined;
  const truth = trueRequest(after);
  if (evidence?.source === 'not_found') {
    const gone = !truth || truth.state === 'EXPIRED';
    return state === 'EXPIRED' && gone ? undefined : `a 404 made it ${state}; it is ${truth?.state ?? ''}`;
  }
  return wasSaid(truth, state)
    ? undefined
    : `${state} by ${evidence?.source ?? 'nothing'}; Klarna never said so`;
};

const noDeleteAfterPaid: Safety = (step) => {
  if (step.kind !== 'delete-sent') return undefined;
  const { lastRead, stored } = step;
  if (lastRead === undefined) return 'a DELETE without a read just before';
  if (ranks[lastRead.state] === 0) return undefined;
  if (ranks[lastRead.state] === 1 && stored?.cancellation?.allowCompleted) return undefined;
  return `the read just before showed ${lastRead.state}`;
};

/** Milliseconds for which a read may be decided on. */
const freshFor = 1_000;

/** A DELETE follows from a read of now: the customer may have approved since an older one. */
const deleteFollowsAFreshRead: Safety = (step, { now }) => {
  if (step.kind !== 'delete-sent' || !step.lastRead) return undefined;
  const age = now - step.lastRead.at;
  return age > freshFor ? `the read before the DELETE was ${age} ms old` : undefined;
};

/** No DELETE goes out for a request that the record in the invocation's hand shows as paid or ended. */
const noDeleteAgainstTheRecord: Safety = (step) => {
  if (step.kind !== 'delete-sent') return undefined;
  const { inHand, stored } = step;
  const rank = rankOf(inHand);
  if (rank < 1 || (rank === 1 && stored?.cancellation?.allowCompleted)) return undefined;
  return `the record in hand was ${inHand?.state ?? ''}`;
};

/** A caller is told that a paid request stays paid only while no claim is live whose DELETE is out. */
const finalMeansFinal: Safety = (step, { now }) => {
  if (step.kind !== 'written' || step.after.state !== 'COMPLETED' || step.deletesOut === 0) return undefined;
  const lease = step.before?.cancellation?.lease;
  if (!lease || millisOf(lease.until) <= now) return undefined;
  const isTold = newEntries(step).some(
    ({ kind, effect, detail }) =>
      kind === 'cancel_request' &&
      detail['requested_by'] !== undefined &&
      (effect === 'refused' || detail['outcome'] === 'spared'),
  );
  return isTold ? 'a cancel is refused as COMPLETED while the DELETE of another is out' : undefined;
};

/** A cancel for another attempt of the session never meets a request that Klarna has just shown as paid, and nothing gives it leave. */
const supersededIsNotPaid: Safety = (step) => {
  if (step.kind !== 'delete-sent' || step.stored?.cancellation?.cause !== 'superseded') return undefined;
  if (step.stored.cancellation.allowCompleted) return 'it has leave to cancel a paid request';
  const { lastRead } = step;
  return lastRead && ranks[lastRead.state] > 0 ? `the read just before showed ${lastRead.state}` : undefined;
};

/** Only an older attempt of the same session is superseded, or one beside an attempt that is paid. */
const supersededByAnother: Safety = (step, { recordOf }) => {
  if (step.kind !== 'written') return undefined;
  const { before, after } = step;
  const { cancellation } = after;
  if (cancellation?.cause !== 'superseded' || before?.cancellation?.cause === 'superseded') return undefined;
  const other = recordOf({
    account: after.account,
    paymentRequestId: cancellation.reason as PaymentRequestId,
  });
  if (!other || other.paymentRequestId === after.paymentRequestId) return 'no other attempt superseded it';
  if (other.erasedAt !== undefined) return undefined;
  if (other.sessionId !== after.sessionId) return 'the attempt that superseded it is of another session';
  if (rankOf(other) >= 1) return undefined;
  const [own, its] = [after.session?.registeredAt ?? after.createdAt, other.session?.registeredAt ?? ''];
  return other.session?.supersedes === true && own <= its
    ? undefined
    : `it was registered at ${own}, and the one that superseded it at ${its}`;
};

/** What the timer notes is true of the version that it writes onto. */
const timerNotesAreTrue: Safety = (step, { switched }) => {
  if (step.kind !== 'written') return undefined;
  for (const { kind, detail } of newEntries(step)) {
    if (kind !== 'timer') continue;
    const { state, session } = step.before ?? step.after;
    const isOpen = state === undefined || ranks[state] === 0;
    const isObserved = session?.onTimeout === 'observe' || isSwitchedOff(session, switched);
    if (detail['outcome'] === 'would_cancel' && !isObserved)
      return 'a session that is to be canceled is noted as observed';
    if (detail['outcome'] === 'spared' && isOpen) return `an open request is noted as spared`;
  }
  return undefined;
};

/** Whether the switch of an operator keeps this session from being canceled at its deadline. */
function isSwitchedOff(session: PaymentRequest['session'], switched: Evidence['switched']): boolean {
  if (!session || !switched) return false;
  switch (switched.by) {
    case 'stage':
      return true;
    case 'armed_from':
      return millisOf(session.registeredAt) < switched.at;
    case 'kind':
      // A session by default has no kind.
      return session.kind !== undefined && session.asked !== 'cancel';
    case 'account':
      return session.asked !== 'cancel';
  }
}

/** Longer than an invocation that has read the settings before the switch may go on. */
const longestInvocation = minute;

/** No DELETE of the timer or the sweep goes out once a switch has been turned that keeps the session from being canceled. */
const switchedIsObserved: Safety = (step, { now, switched }) => {
  if (step.kind !== 'delete-sent' || step.stored?.cancellation?.cause !== 'timeout') return undefined;
  if (!switched || now < switched.at + longestInvocation) return undefined;
  return isSwitchedOff(step.stored.session, switched) ? `the switch ${switched.by} is turned` : undefined;
};

const noTimerCancelBeforeTheDeadline: Safety = (step, { now }) => {
  if (step.kind !== 'delete-sent' || step.stored?.cancellation?.cause !== 'timeout') return undefined;
  const { deadlineAt } = step.stored;
  if (deadlineAt === undefined) return 'there is no deadline';
  return millisOf(deadlineAt) > now ? `the deadline is ${deadlineAt}` : undefined;
};

const nothingCrossesAccounts: Safety = (step, { ownerOf }) => {
  if (step.kind === 'written') {
    for (const entry of newEntries(step)) {
      const owner = ownerOf(entry.eventId);
      if (owner && !isSameKey(owner, step.after))
        return `${entry.eventId} belongs to ${owner.account}, not to ${step.after.account}`;
    }
  }
  if (step.kind === 'published') {
    const { detail } = step.event;
    const owner = ownerOf(eventIdOf(step.event));
    if (owner && owner.account !== detail.account) return `${detail.event_key} belongs to ${owner.account}`;
  }
  return undefined;
};

const noChangeWithoutASignature: Safety = (step, { forged }) => {
  if (step.kind !== 'written') return undefined;
  const entry = newEntries(step).find(({ eventId }) => forged.has(eventId));
  return entry && `${entry.eventId} was not signed by Klarna`;
};

/** A webhook that says nothing about the state of a request is neither quarantined nor in a record. */
const unusedChangesNothing: Safety = (step, { unused }) => {
  if (step.kind === 'unused-acknowledged')
    return step.isQuarantined ? `${step.eventId} is quarantined` : undefined;
  if (step.kind !== 'written') return undefined;
  const entry = newEntries(step).find(({ eventId }) => unused.has(eventId));
  return entry && `${entry.eventId} is in the record as ${entry.state ?? 'nothing'}`;
};

/** Milliseconds by which a time may be later than it was received. */
const clocksDiffer = 5 * minute;

/** No fact has a place after the moment when it was received, so none keeps every later one out. */
const farFutureFreezesNothing: Safety = (step, { now }) => {
  if (step.kind !== 'written') return undefined;
  const { occurredAt, state } = step.after;
  return occurredAt !== undefined && millisOf(occurredAt) > now + clocksDiffer
    ? `${state ?? ''} since ${occurredAt}`
    : undefined;
};

/** An open state whose time cannot be true is asked about, while the request is open. */
const untimedIsAsked: Safety = (step) => {
  if (step.kind !== 'written' || rankOf(step.after) > 0) return undefined;
  const untimed = newEntries(step).find(
    ({ kind, detail, state }) =>
      kind === 'webhook' &&
      detail['said_to_occur_at'] !== undefined &&
      state !== undefined &&
      ranks[state] === 0,
  );
  return untimed && step.after.question === undefined ? `${untimed.eventId} raises no question` : undefined;
};

const oneHolderOfAClaim: Safety = (step, { now, claims }) => {
  if (step.kind === 'written') {
    const before = step.before?.cancellation?.lease;
    const after = step.after.cancellation?.lease;
    const taken = before && after && before.id !== after.id && millisOf(before.until) > now;
    return taken ? `a claim that runs until ${before.until} was taken over` : undefined;
  }
  if (step.kind !== 'delete-sent') return undefined;
  const lease = step.stored?.cancellation?.lease;
  if (!lease) return 'there is no claim';
  if (millisOf(lease.until) <= now) return 'the claim has run out';
  const holder = claims.get(lease.id);
  return holder === step.by ? undefined : `the claim is held by ${holder ?? 'no invocation'}`;
};

/**
 * A crashed caller may have sent a DELETE. Only an invocation that has read Klarna since may record that it had no
 * effect.
 */
const unknownEndIsAskedFor: Safety = (step, { now }) => {
  if (step.kind !== 'written' || step.hasAsked || rankOf(step.after) !== 1) return undefined;
  const before = step.before?.cancellation;
  const isAbandoned =
    before?.outcome === 'claimed' && before.lease !== undefined && millisOf(before.lease.until) <= now;
  return isAbandoned && step.after.cancellation?.outcome === 'refused'
    ? 'it is refused without a read at Klarna'
    : undefined;
};

/**
 * An invocation that has sent a DELETE records with its next write what Klarna responded, or that it did not. A write
 * that fails is excepted.
 */
const deletesAreAccountedFor: Safety = (step) => {
  if (step.kind !== 'written' || step.deletes === 0 || step.after.dropped) return undefined;
  const told = newEntries(step).filter(({ kind }) => kind === 'cancel').length;
  return told < step.deletes ? `${step.deletes} DELETEs were sent, and ${told} are recorded` : undefined;
};

const publishedWasWritten: Safety = (step) => {
  if (step.kind !== 'published') return undefined;
  const { event, written } = step;
  const eventId = eventIdOf(event);
  const { version, sequence } = event.detail;
  if (!written) return `version ${version} was never written`;
  const { after } = written;
  const index = sequence - after.sequence + after.changes.length - 1;
  if (after.changes[index]?.eventId === eventId) return undefined;
  // An operator who publishes a record again gives its events the record's sequence.
  const isIn = step.isAgain && after.history.some((entry) => entry.eventId === eventId);
  return isIn && sequence === after.sequence
    ? undefined
    : `version ${version} did not make ${eventId} as event ${sequence}`;
};

/** Only a bus that refuses for now holds a write up, and not for long. A slow call may end later than it was decided. */
const theStreamMovesOn: Safety = (step) => {
  if (step.kind !== 'delivered-again' || step.hasFailed) return undefined;
  if (!step.isRefusedForNow) return 'a write is delivered again although the bus refused nothing for now';
  return step.age > triedAgainFor + minute ? `a write is delivered again after ${step.age} ms` : undefined;
};

/** An operator is called once for each reason, and not for every attempt that fails in the same way. */
const attentionIsNews: Safety = (step) => {
  if (step.kind !== 'published' || step.isAgain || step.event.type !== 'Payment Request Needs Attention')
    return undefined;
  const { cause } = step.event.detail;
  return step.written?.before?.attention === cause ? `${cause} is published again` : undefined;
};

const acknowledgedIsDurable: Safety = (step) => {
  if (step.kind !== 'webhook-acknowledged' || step.quarantined) return undefined;
  const { stored, eventId, said } = step;
  if (!stored) return `${eventId} was acknowledged and there is no record`;
  const kept =
    stored.history.some((entry) => entry.eventId === eventId) ||
    stored.dropped !== undefined ||
    isOwnCancel(stored, said);
  return kept ? undefined : `${eventId} was acknowledged and is not in the record`;
};

/** Klarna's webhook of our own cancel, which the record has from Klarna's response, is not written again. */
const isOwnCancel = ({ state, cancellation }: PaymentRequest, said: PaymentRequestState): boolean =>
  said === 'CANCELED' && state === 'CANCELED' && cancellation?.outcome === 'canceled';

/** A replayed delivery that counts as accepted is in its record. */
const replayedIsDurable: Safety = (step) => {
  if (step.kind !== 'replayed') return undefined;
  const { stored, eventId } = step;
  const isKept =
    stored?.history.some((entry) => entry.eventId === eventId) === true ||
    stored?.dropped !== undefined ||
    (stored && isOwnCancel(stored, 'CANCELED'));
  return isKept ? undefined : `${eventId} counts as accepted and is not in the record`;
};

/** The account's default timer is for unregistered requests and never replaces a registration. */
const registrationsStay: Safety = (step) => {
  if (step.kind !== 'written') return undefined;
  const [before, after] = [step.before?.session?.requested, step.after.session?.requested];
  return before !== undefined && before !== armedOnSubmitted && after === armedOnSubmitted
    ? `a session of ${before} got the account's default timeout`
    : undefined;
};

/** A registration changes the fields that its caller named. The others stay as they were, and so does the deadline. */
const leftOutStays: Safety = (step, { registrationBy }) => {
  if (step.kind !== 'written' || !step.before?.session) return undefined;
  const { before, after } = step;
  const given = registrationBy(step.by);
  const isChange = newEntries(step).some(({ kind, effect }) => kind === 'register' && effect === 'accepted');
  if (!given || !isChange) return undefined;
  const [was, is] = [before.session, after.session];
  const kept = [
    ['the deadline', given.deadline, before.deadlineAt, after.deadlineAt],
    ['the number of extensions', given.deadline, was?.extensions, is?.extensions],
    ['on_timeout', given.onTimeout, was?.onTimeout, is?.onTimeout],
    ['the grace', given.inProgressGrace, was?.inProgressGrace, is?.inProgressGrace],
    ['the reference', given.reference, before.reference, after.reference],
  ] as const;
  const changed = kept.find(([, mention, then, now]) => mention === undefined && then !== now);
  return changed && `${changed[0]} was left out, and changed from ${changed[2] ?? ''} to ${changed[3] ?? ''}`;
};

/** Milliseconds by which Klarna's clock may differ. */
const clockError = 2_000;

/** Milliseconds that a call to Klarna may take. */
const callTime = 4_000;

/**
 * Klarna never ends a session early by an expiry of ours that the record knows. That expiry moves with the deadline,
 * or the record is due until it has moved or Klarna has refused. Klarna moves no expiry once the customer has started
 * to pay.
 */
const klarnaExpiryIsNotEarly: Safety = (step, { now }) => {
  if (step.kind !== 'expired') return undefined;
  const { truth, stored } = step;
  const { session, deadlineAt, dueAt, updatedAt } = stored ?? {};
  const { askedFor, isFixed } = session?.klarnaExpiry ?? {};
  if (askedFor === undefined || isFixed || deadlineAt === undefined) return undefined;
  const isInForce = Math.abs(millisOf(askedFor) - truth.expiresAt) <= clockError;
  // The deadline has just moved, and the call that moves the expiry is on its way.
  const isMoving = updatedAt !== undefined && now - millisOf(updatedAt) < callTime;
  const isToBeMoved = isMoving || (dueAt !== undefined && dueAt < deadlineAt);
  const hasBegun = truth.life.some(({ state }) => state === 'IN_PROGRESS');
  if (!isInForce || isToBeMoved || hasBegun) return undefined;
  return millisOf(deadlineAt) > now + clockError
    ? `Klarna ended it, and its session lasts until ${deadlineAt}`
    : undefined;
};

/**
 * A record that knows of an expiry before its session's end, which Klarna may still move, is due before that expiry, or within a minute.
 * A session that is only observed ends when Klarna's longest lifetime does. The sweep's own pauses after a failed attempt may be longer.
 */
const earlyExpiryIsDue: Safety = (step, { now }) => {
  if (step.kind !== 'written') return undefined;
  const { session, deadlineAt, dueAt, state, attempts, cancellation, timer } = step.after;
  const { askedFor, isFixed } = session?.klarnaExpiry ?? {};
  const mayMove = (state === undefined || state === 'SUBMITTED') && !isFixed;
  if (!mayMove || attempts > 0 || askedFor === undefined || !session || deadlineAt === undefined)
    return undefined;
  const isObserved = session.onTimeout === 'observe';
  const end = isObserved ? millisOf(session.registeredAt) + 48 * hour : millisOf(deadlineAt);
  const isWatched = isObserved ? timer === 'fired' || millisOf(deadlineAt) > now : end > now;
  if (millisOf(askedFor) >= end || !isWatched || cancellation?.lease) return undefined;
  // After a day in vain the sweep waits for Klarna's own end of the request.
  const { before } = step;
  const hasGivenUp =
    before && (before.attempts > 0 || before.retryAt === dueAt) && step.after.retryAt === dueAt;
  if (dueAt !== undefined && hasGivenUp) return undefined;
  const due = dueAt === undefined ? Infinity : millisOf(dueAt);
  return due > Math.max(millisOf(askedFor), now + minute)
    ? `Klarna ends it at ${askedFor}, and it is due at ${dueAt ?? 'no time'}`
    : undefined;
};

/** Where Klarna did not respond to the first call for an expiry, the sweep makes it again, while Klarna may take it. */
const firstExpiryIsAskedAgain: Safety = (step, { now }) => {
  if (step.kind !== 'written') return undefined;
  const { session, deadlineAt, dueAt, state, attempts, cancellation } = step.after;
  const isAsked = newEntries(step).some(
    ({ kind, detail }) => kind === 'klarna_expiry' && detail['outcome'] === 'unknown',
  );
  const mayMove = state === undefined || state === 'SUBMITTED';
  if (!isAsked || !mayMove || attempts > 0 || !session || session.klarnaExpiry || deadlineAt === undefined)
    return undefined;
  if (session.onTimeout === 'observe' || cancellation?.lease) return undefined;
  const due = dueAt === undefined ? Infinity : millisOf(dueAt);
  return due > now + minute ? `Klarna did not respond, and it is due at ${dueAt ?? 'no time'}` : undefined;
};

/** What stays on a record until a person resolves it. */
const lasting: ReadonlySet<string | undefined> = new Set([
  'contradiction',
  'canceled_after_completed',
  'paid_twice',
]);

const isResolution = ({ kind }: HistoryEntry): boolean => kind === 'resolve';

/** A mark that lasts goes only with an entry that says what was resolved, by whom and why. Nothing else changes with it. */
const marksGoByAPerson: Safety = (step) => {
  if (step.kind !== 'written') return undefined;
  const { before, after } = step;
  const entry = newEntries(step).find(isResolution);
  if (!entry) {
    return lasting.has(before?.attention) && after.attention === undefined
      ? `${before?.attention ?? ''} is gone, and no entry says why`
      : undefined;
  }
  const { attention, requested_by: by = '', note = '' } = entry.detail;
  // Newer code may raise a mark of its own with the same write.
  const isRaised = newEntries(step).some((each) => each.attention !== undefined);
  if (attention !== before?.attention || (after.attention !== undefined && !isRaised))
    return `${attention ?? ''} was resolved of a record with ${before?.attention ?? 'nothing'}`;
  if (by === '' || note === '') return 'no one is named, or no reason';
  const [was, is] = [before, after].map((record) => [
    record?.state,
    record?.deadlineAt,
    record?.timer,
    record?.cancellation,
  ]);
  return isDeepStrictEqual(was, is) ? undefined : 'more than the mark has changed';
};

/** Whether a person has resolved a mark of the record, who then knows what it is about. */
const isResolved = ({ history, resolved }: PaymentRequest): boolean =>
  resolved !== undefined || history.some(isResolution);

/** Two final states, or an approval at or after the final state, set attention, and only a person clears it. */
const contradictionIsSeen: Safety = (step) => {
  if (step.kind !== 'written') return undefined;
  const { before, after } = step;
  const isByAPerson = newEntries(step).some(isResolution);
  if (before?.attention === 'contradiction' && after.attention !== 'contradiction' && !isByAPerson) {
    return `a contradiction became ${after.attention ?? 'nothing'}`;
  }
  if (rankOf(after) !== 2 || after.cancellation?.allowCompleted) return undefined;
  for (const entry of newEntries(step)) {
    if (!isObservation(entry)) continue;
    const otherEnd = ranks[entry.state] === 2 && entry.state !== after.state;
    const paidAfter =
      entry.state === 'COMPLETED' &&
      entry.occurredAt !== undefined &&
      after.occurredAt !== undefined &&
      entry.occurredAt >= after.occurredAt;
    const isKnown =
      after.resolved?.includes(`contradiction ${entry.state}`) === true &&
      (before?.dropped !== undefined || before?.history.some(({ state }) => state === entry.state) === true);
    if ((otherEnd || paidAfter) && after.attention === undefined && !isKnown)
      return `${entry.eventId} against ${after.state ?? ''}`;
  }
  return undefined;
};

/** More than any attempt and any run should need: the sum of the back-off over two days. */
const mostCalls = { cancels: 2, reads: 6, total: 250 } as const;

const callsToKlarnaAreBounded: Safety = (step) => {
  if (step.kind !== 'klarna-called') return undefined;
  const { reads, cancels, attempts, total } = step;
  const isTooMany =
    cancels > mostCalls.cancels * attempts || reads > mostCalls.reads * attempts || total > mostCalls.total;
  return isTooMany
    ? `${cancels} DELETEs and ${reads} reads in one invocation, ${total} calls in all`
    : undefined;
};

/** A record that is open with a deadline, claimed or pending is due at some time. */
const unfinishedIsDue: Safety = (step) => {
  if (step.kind !== 'written') return undefined;
  const { cancellation, timer, dueAt, deadlineAt } = step.after;
  if (dueAt !== undefined) return undefined;
  if (cancellation?.outcome === 'claimed' || cancellation?.outcome === 'pending')
    return `a cancel is ${cancellation.outcome}`;
  const waits = rankOf(step.after) < 1 && deadlineAt !== undefined && timer !== 'fired';
  return waits ? `it is ${step.after.state ?? 'without a state'} with the timer ${timer}` : undefined;
};

/** A session and a list contain records of the asking account, no older than the question. */
const shownIsCurrent: Safety = (step) => {
  if (step.kind !== 'shown') return undefined;
  const { to, record, least, stored } = step;
  if (record.account !== to) return `${to} is shown a record of ${record.account}`;
  const isBetween = record.version >= least && record.version <= (stored?.version ?? 0);
  return isBetween ? undefined : `version ${record.version} is shown, of ${least} to ${stored?.version ?? 0}`;
};

/** Checked after every step. */
export const safetyInvariants = {
  ...erasureSafety,
  'nothing-crosses-accounts': nothingCrossesAccounts,
  'versions-have-no-gaps': versionsHaveNoGaps,
  'history-is-only-added-to': historyIsOnlyAddedTo,
  'what-matters-is-kept': whatMattersIsKept,
  'item-is-bounded': itemIsBounded,
  'every-fact-is-an-event': everyFactIsAnEvent,
  'final-state-never-changes': finalStateNeverChanges,
  'rank-never-falls': rankNeverFalls,
  'state-is-the-fold-of-the-history': stateIsTheFoldOfTheHistory,
  'event-takes-effect-once': eventTakesEffectOnce,
  'canceled-only-on-evidence': canceledOnlyOnEvidence,
  'state-was-klarnas': stateWasKlarnas,
  'no-delete-after-paid': noDeleteAfterPaid,
  'delete-follows-a-fresh-read': deleteFollowsAFreshRead,
  'no-delete-against-the-record': noDeleteAgainstTheRecord,
  'final-means-final': finalMeansFinal,
  'superseded-is-not-paid': supersededIsNotPaid,
  'superseded-by-another': supersededByAnother,
  'timer-notes-are-true': timerNotesAreTrue,
  'no-timer-cancel-before-the-deadline': noTimerCancelBeforeTheDeadline,
  'switched-is-observed': switchedIsObserved,
  'no-change-without-a-signature': noChangeWithoutASignature,
  'unused-changes-nothing': unusedChangesNothing,
  'far-future-freezes-nothing': farFutureFreezesNothing,
  'untimed-is-asked': untimedIsAsked,
  'one-holder-of-a-claim': oneHolderOfAClaim,
  'unknown-end-is-asked-for': unknownEndIsAskedFor,
  'deletes-are-accounted-for': deletesAreAccountedFor,
  'published-was-written': publishedWasWritten,
  'the-stream-moves-on': theStreamMovesOn,
  'attention-is-news': attentionIsNews,
  'acknowledged-is-durable': acknowledgedIsDurable,
  'replayed-is-durable': replayedIsDurable,
  'klarna-expiry-is-not-early': klarnaExpiryIsNotEarly,
  'early-expiry-is-due': earlyExpiryIsDue,
  'first-expiry-is-asked-again': firstExpiryIsAskedAgain,
  'registrations-stay': registrationsStay,
  'left-out-stays': leftOutStays,
  'contradiction-is-seen': contradictionIsSeen,
  'marks-go-by-a-person': marksGoByAPerson,
  'calls-to-klarna-are-bounded': callsToKlarnaAreBounded,
  'unfinished-is-due': unfinishedIsDue,
  'shown-is-current': shownIsCurrent,
  ...jobSafety,
  ...versionSafety,
  ...confirmationSafety,
} as const satisfies Record<string, Safety>;

type Liveness = (outcome: Outcome) => string | undefined;

/** A session past its deadline is final, paid, or in a queue with an alarm. */
const sessionsEnd: Liveness = ({ record, isInDeadLetters, now }) => {
  const { session, deadlineAt, attention, state } = record;
  if (session?.onTimeout !== 'cancel' || deadlineAt === undefined || millisOf(deadlineAt) > now)
    return undefined;
  if (rankOf(record) >= 1 || attention !== undefined || isResolved(record) || isInDeadLetters)
    return undefined;
  return `${state ?? 'without a state'}, ${Math.round((now - millisOf(deadlineAt)) / 60_000)} minutes after its deadline`;
};

/**
 * Every cancel gets a result. Without the sweep, no invocation closes the claim of a crashed caller on a final
 * request.
 */
const cancelsAreSettled: Liveness = ({ record, isInDeadLetters, isSwept }) => {
  const { cancellation, attention } = record;
  if (cancellation?.outcome !== 'claimed' && cancellation?.outcome !== 'pending') return undefined;
  const isSeen = attention !== undefined || isResolved(record);
  if (isSeen || isInDeadLetters || (!isSwept && rankOf(record) >= 1)) return undefined;
  return `a cancel is ${cancellation.outcome}`;
};

/** Checked an hour after the faults stopped and the last deadline passed: one round of the sweep's longest pause. */
export const soonInvariants = {
  'sessions-end': sessionsEnd,
  'cancels-are-settled': cancelsAreSettled,
} as const satisfies Record<string, Liveness>;

/**
 * The record has the state that Klarna has. Excepted are requests that were never read and whose webhooks were lost.
 * The state after COMPLETED is also excepted if its webhook was lost.
 */
const recordEqualsKlarna: Liveness = ({ record, truth, acknowledged }) => {
  if (!truth || record.attention !== undefined || isResolved(record) || record.state === truth.state)
    return undefined;
  // Klarna itself reported a state that it never had.
  if (truth.said.some(({ state }) => !truth.life.some((each) => each.state === state))) return undefined;
  const last = truth.said.findLast(({ state }) => state === truth.state);
  const isToldOf = last !== undefined && acknowledged.has(last.eventId);
  const isAsked =
    record.session !== undefined ||
    (record.cancellation !== undefined && record.cancellation.outcome !== 'refused');
  if (!isToldOf && (!isAsked || record.state === 'COMPLETED')) return undefined;
  return `the record says ${record.state ?? 'nothing'}, Klarna ${truth.state}`;
};

const timersOfFinalAreGone: Liveness = ({ record, hasSchedule }) =>
  hasSchedule && rankOf(record) === 2 ? 'its schedule is still there' : undefined;

/**
 * Computed from the record's history: the first registration, each new state, each refused cancel and each attention.
 * Batches that the stream abandoned wait in a queue with an alarm.
 */
const writtenIsPublished: Liveness = ({ record, published, waits }) => {
  const keys = new Set(published.map(({ detail }) => detail.event_key));
  const isOut = (entry: HistoryEntry, slug: string) =>
    waits(entry) || keys.has([record.account, record.paymentRequestId, entry.eventId, slug].join('/'));
  let registered = false;
  for (const entry of record.history) {
    if (entry.kind === 'register' && entry.effect === 'accepted') {
      if (!registered && !isOut(entry, 'registered')) return `registered by ${entry.eventId}`;
      registered = true;
    }
    if (entry.kind === 'cancel_request' && entry.effect === 'refused' && !isOut(entry, 'cancel-refused'))
      return `refused by ${entry.eventId}`;
    if (entry.kind === 'timer' && entry.detail['outcome'] === 'would_cancel' && !isOut(entry, 'would-cancel'))
      return `would cancel by ${entry.eventId}`;
    if (entry.kind === 'confirmation') {
      const slug = entry.effect === 'accepted' ? 'authorized' : 'not-authorized';
      if (!isOut(entry, slug)) return `${slug} by ${entry.eventId}`;
    }
    if (isResolution(entry) && !isOut(entry, 'attention-resolved')) return `resolved by ${entry.eventId}`;
    if (entry.attention !== undefined && !isOut(entry, 'needs-attention'))
      return `${entry.attention} by ${entry.eventId}`;
  }
  const end = record.history.find((entry) => entry.effect === 'applied' && entry.state === record.state);
  const isStateOut = published.some(
    ({ type, detail }) => type === 'Payment Request State Changed' && detail.state === record.state,
  );
  return end && !isStateOut && !waits(end) ? `${record.state ?? ''} by ${end.eventId}` : undefined;
};

/**
 * A consumer that keeps the event with the highest sequence ends equal to the record, once nothing waits in the queue of unpublished
 * events.
 */
const highestSequenceIsTheRecord: Liveness = ({ record, published, isAllPublished }) => {
  if (!isAllPublished || record.sequence === 0) return undefined;
  let highest: StateChangeEvent | undefined;
  for (const event of published) {
    if (!highest || event.detail.sequence > highest.detail.sequence) highest = event;
  }
  const { sequence, state } = highest?.detail ?? {};
  if (sequence !== record.sequence) return `the highest sequence is ${sequence ?? 0}, not ${record.sequence}`;
  return state === (record.state ?? null)
    ? undefined
    : `event ${sequence} says ${state ?? 'nothing'}, the record ${record.state ?? 'nothing'}`;
};

/**
 * A customer approved and was canceled all the same: a person must see it, once the record has both facts. The approval comes by
 * its own webhook, or as the previous state of the cancel. Not where the DELETE that took effect had leave.
 */
const paidThenCanceledIsSeen: Liveness = ({ record, truth, acknowledged }) => {
  if (!truth || !wasCanceledAfterPaid(truth) || record.state !== 'CANCELED') return undefined;
  const isToldOf =
    record.previousState === 'COMPLETED' ||
    truth.said.some(
      ({ state, previousState, eventId }) =>
        (state === 'COMPLETED' || (state === 'CANCELED' && previousState === 'COMPLETED')) &&
        acknowledged.has(eventId),
    );
  return isToldOf && record.attention === undefined && !isResolved(record)
    ? 'paid, then canceled by us, without attention'
    : undefined;
};

/** A record of a request that our own DELETE has canceled tells who wanted that, whatever became of the claim. */
const ourCancelHasACause: Liveness = ({ record, truth }) => {
  if (record.state !== 'CANCELED' || truth?.state !== 'CANCELED') return undefined;
  const by = truth.life.findLast(({ state }) => state === 'CANCELED')?.by;
  const isOurs = by === 'cancel' || by === 'cancel-with-leave';
  return isOurs && record.cancellation === undefined ? 'it is canceled by us, and has no cause' : undefined;
};

/**
 * Two payments in one session are marked on both records, and make one event. Excepted is a session whose attempts did not know of each
 * other, where what the stream was to hand over was lost.
 */
const paidTwiceIsSeen: Liveness = ({ record, members, published, isFollowed, isOverlooked, isSwept }) => {
  const paid = members.filter(({ state }) => state === 'COMPLETED');
  if (record.state !== 'COMPLETED' || paid.length < 2) return undefined;
  const isSafe = isFollowed || (isSwept && paid.every((member) => member.isOneOfSeveral));
  if (isSafe && !isOverlooked && record.attention === undefined && !isResolved(record))
    return 'the session has two payments, without attention';
  const told = new Set(
    published.filter(({ type }) => type === 'Session Paid Twice').map(({ detail }) => detail.event_key),
  );
  return told.size > 1 ? `${told.size} events about one payment` : undefined;
};

/** Nothing is removed from a record or unpublished, so one check at the end covers every step. */
const noSecretLeaves: Liveness = ({ record, published }) => {
  const found = plantedIn(JSON.stringify([record, published]));
  return found.length > 0 ? found.join(', ') : undefined;
};

const nothingStaysDue: Liveness = ({ record, isSwept }) =>
  isSwept && record.dueAt !== undefined ? `due at ${record.dueAt}` : undefined;

/** Checked when no event is left. */
export const lateInvariants = {
  ...soonInvariants,
  'record-equals-klarna': recordEqualsKlarna,
  'timers-of-final-are-gone': timersOfFinalAreGone,
  'written-is-published': writtenIsPublished,
  'highest-sequence-is-the-record': highestSequenceIsTheRecord,
  'paid-then-canceled-is-seen': paidThenCanceledIsSeen,
  'our-cancel-has-a-cause': ourCancelHasACause,
  'paid-twice-is-seen': paidTwiceIsSeen,
  'nothing-stays-due': nothingStaysDue,
  'no-secret-leaves': noSecretLeaves,
  ...confirmationLiveness,
} as const satisfies Record<string, Liveness>;

/**
 * Only one run of the sweep works at a time, and its gauges count what earlier runs could not settle. Without injected loss, the sweep has nothing to repair. As the only timer, it ends a session within a minute plus
 * the time of the calls to Klarna.
 */
export type InvariantName =
  | keyof typeof safetyInvariants
  | keyof typeof lateInvariants
  | keyof typeof jobLiveness
  | keyof typeof awaitedLiveness
  | keyof typeof joinInvariants
  | 'sweep-repairs-nothing'
  | 'one-sweep-at-a-time'
  | 'the-sweep-knows-who-waits'
  | 'the-sweep-is-on-time'
  | 'nothing-fails';

type ObservedEntry = HistoryEntry & { readonly state: PaymentRequestState };

const observations: ReadonlySet<HistoryKind> = new Set(['webhook', 'read', 'cancel', 'not_found']);

const isObservation = (entry: HistoryEntry): entry is ObservedEntry =>
  entry.state !== undefined && observations.has(entry.kind);

/** Sorted by rank, then time, then event id. */
function isHigher(a: ObservedEntry, b: ObservedEntry): boolean {
  if (ranks[a.state] !== ranks[b.state]) return ranks[a.state] > ranks[b.state];
  const [atA, atB] = [a.occurredAt ?? '', b.occurredAt ?? ''];
  return atA === atB ? a.eventId > b.eventId : atA > atB;
}

function newEntries({
  before,
  after,
}: {
  readonly before: PaymentRequest | undefined;
  readonly after: PaymentRequest;
}) {
  const known = before?.history ?? [];
  return after.history.filter(
    (entry) => !known.includes(entry) && !known.some(({ eventId }) => eventId === entry.eventId),
  );
}

/** The event id in an event's key, `account/request/event/what`. */
const eventIdOf = ({ detail: { event_key: key } }: StateChangeEvent): EventId =>
  key.slice(key.indexOf('/', key.indexOf('/') + 1) + 1, key.lastIndexOf('/')) as EventId;

const wasSaid = (truth: TrueRequest | undefined, state: PaymentRequestState): boolean =>
  truth !== undefined &&
  (truth.life.some((each) => each.state === state) || truth.said.some((each) => each.state === state));

const isSameKey = (a: PaymentRequestKey, b: PaymentRequestKey): boolean =>
  a.account === b.account && a.paymentRequestId === b.paymentRequestId;
