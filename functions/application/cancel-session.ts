import type { AccountSettings } from '../domain/account-settings.ts';
import { type AwaitedReference, withAwaitedCancel } from '../domain/awaited-reference.ts';
import { type CancelCommand, outcomeFromRecord, withSparedMember } from '../domain/cancellation.ts';
import {
  ownEventId,
  type PaymentRequestKey,
  type Reference,
  type ReferenceKey,
  type SessionId,
} from '../domain/identifiers.ts';
import { firstAtOf, type IdempotentCall, metBy, repetitionOf } from '../domain/idempotent-call.ts';
import type { Instant } from '../domain/instant.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { TransientError } from '../domain/transient-error.ts';
import type { UnreadableRecordError } from '../domain/unreadable-record-error.ts';
import type { CancelResult } from './cancel-payment-request.ts';
import { type ChangeDependencies, changeRecord } from './change-record.ts';
import { repeatedCancel, repeatSafely } from './repeat-safely.ts';
import { mapConcurrently } from './map-concurrently.ts';
import type { AwaitedReferences, Ids, OnUnreadable } from './ports.ts';
import {
  type ReferenceReading,
  readReferenceWith,
  readSession,
  type SessionReading,
} from './read-session.ts';
import { shortId } from './short-id.ts';

/** Cancels one request, or tries that in a dry run. The record is passed on where the caller has read it. */
export type CancelOne = (
  key: PaymentRequestKey,
  command: CancelCommand,
  settings: AccountSettings,
  known?: PaymentRequest,
) => Promise<CancelResult>;

/** What a cancel of several requests needs. */
export interface MembersCancelDependencies extends ChangeDependencies {
  readonly ids: Ids;
  /** Whether `cancel` is a dry run. Then nothing else is written either. */
  readonly isDryRun: boolean;
  readonly cancel: CancelOne;
  /** Called with a request that could not be canceled, or noted as spared, because of our own fault. The others go on. */
  readonly onFault: (key: PaymentRequestKey, error: unknown) => void;
}

/** What the cancel of a session needs. */
export interface SessionCancelDependencies extends SessionReading, MembersCancelDependencies {}

/** What the cancel of a reference needs. */
export interface ReferenceCancelDependencies extends ReferenceReading, MembersCancelDependencies {
  readonly awaited: AwaitedReferences;
}

/** One request of the session or the reference, and its outcome. The record of an `untried` one is as it was read. */
export type SessionMember = PaymentRequestKey & CancelResult;

/** Requests that are canceled at the same time: a session has a few, and Klarna has a rate limit. */
const cancelsAtOnce = 5;

/** Milliseconds after which no other cancel begins. Each takes up to 12 s more, and API Gateway waits 30. */
const beginWithin = 10_000;

/**
 * Cancels every open request of a session and returns the outcome of each, oldest first; nothing for an unknown session. Requests
 * that are paid or have ended are not changed. Their outcome comes from the record, which notes the command. Where the call has a
 * key, each record keeps its outcome, and a repetition is for those records alone. `reused`: another call had the key.
 *
 * @throws {UnreadableRecordError} for a record that cannot be read, after the others are canceled
 */
export const cancelSession =
  (dependencies: SessionCancelDependencies) =>
  (
    sessionId: SessionId,
    command: CancelCommand,
    settings: AccountSettings,
    call?: IdempotentCall,
  ): Promise<readonly SessionMember[] | 'reused'> =>
    cancelMembers(dependencies, { command, settings, call }, (onUnreadable) =>
      readSession(dependencies)(settings.account, sessionId, onUnreadable),
    );

/** The outcome of the cancel of a reference: that of each request, and whether a cancel waits for one that is not known yet. */
export interface ReferenceCancelResult {
  readonly members: readonly SessionMember[];
  readonly awaited: AwaitedReference | undefined;
}

/** How often it decides again after another writer was faster. */
const mostRounds = 5;

/**
 * The same for the requests with a reference of the shop. Where none is known, or a session waits for one, the cancel is kept, and
 * carried out once the id is known.
 */
export const cancelReference =
  (dependencies: ReferenceCancelDependencies) =>
  async (
    reference: Reference,
    command: CancelCommand,
    settings: AccountSettings,
    call?: IdempotentCall,
  ): Promise<ReferenceCancelResult | 'reused'> => {
    const { account } = settings;
    const key = { account, reference };
    const known = await dependencies.awaited.read(key);
    const read = (onUnreadable: OnUnreadable) => readReferenceWith(dependencies)(key, known, onUnreadable);
    const keyed = dependencies.isDryRun ? undefined : call;
    const holders = keyed ? [known, ...(await read(() => undefined))] : [];
    if (keyed && holders.some((holder) => repetitionOf(holder, keyed) === 'another')) return 'reused';
    const firstAt = keyed && firstAtOf(holders, keyed);
    // It is kept first: a request that is seen meanwhile is canceled by one of the two.
    const wish = { command, call: keyed, firstAt };
    const waiting = known?.status === 'waiting' ? await keep(dependencies, key, wish) : undefined;
    const members = await cancelMembers(dependencies, { command, settings, call, awaited: known }, read);
    if (members === 'reused') return members;
    const isFound = waiting !== undefined || members.length > 0;
    if (isFound) return { members, awaited: waiting };
    // A repetition of a cancel that was kept has its outcome, whatever became of it.
    return { members, awaited: firstAt === undefined ? await keep(dependencies, key, wish) : known };
  };

/** A cancel to keep, the key of its call, and when that call came first if this is a repetition. */
interface Wish {
  readonly command: CancelCommand;
  readonly call: IdempotentCall | undefined;
  readonly firstAt: Instant | undefined;
}

/**
 * Keeps the cancel, unless one waits already. `undefined` where nothing waits for it: a request has just been seen, what waits came after
 * the first call, or it is a dry run.
 */
async function keep(
  { awaited, clock, isDryRun }: ReferenceCancelDependencies,
  key: ReferenceKey,
  { command, call, firstAt }: Wish,
): Promise<AwaitedReference | undefined> {
  for (let round = 0; round < mostRounds; round += 1) {
    const item = await awaited.read(key);
    if (isDryRun) return item?.status === 'waiting' ? item : undefined;
    const isLater = item !== undefined && firstAt !== undefined && item.since > firstAt;
    if (item?.status === 'joined' || isLater) return undefined;
    const next = withAwaitedCancel(item, key, { ...command, call }, clock.instant());
    if (!next) return item;
    if (await awaited.save(next)) return next;
  }
  throw new TransientError(`${key.account}: other writers of a reference were faster ${mostRounds} times`);
}

/** Who asks for the cancel of many, and how. A dry run ignores the key. */
interface Asked {
  readonly command: CancelCommand;
  readonly settings: AccountSettings;
  readonly call: IdempotentCall | undefined;
  /** What waits for the reference that the call is about: it keeps the call too. */
  readonly awaited?: AwaitedReference | undefined;
}

async function cancelMembers(
  dependencies: MembersCancelDependencies,
  asked: Asked,
  read: (onUnreadable: OnUnreadable) => Promise<readonly PaymentRequest[]>,
): Promise<readonly SessionMember[] | 'reused'> {
  const until = dependencies.clock.now() + beginWithin;
  const unreadable: UnreadableRecordError[] = [];
  const records = await read((error) => {
    unreadable.push(error);
  });
  const call = dependencies.isDryRun ? undefined : asked.call;
  if (call && records.some((record) => repetitionOf(record, call) === 'another')) return 'reused';
  const met = call ? metBy(records, call, asked.awaited) : records;
  const members = await mapConcurrently(met, cancelsAtOnce, async (record) => {
    const { account, paymentRequestId } = record;
    const run = () => endOne(dependencies, record, { ...asked, until });
    const result = call ? await endOnce(dependencies, record, { call, run }) : await run();
    return result === 'reused' ? result : { account, paymentRequestId, ...result };
  });
  if (unreadable[0]) throw unreadable[0];
  const told = members.filter((member) => member !== 'reused');
  return told.length < members.length ? 'reused' : told;
}

/** The same, once for the key of the call. Where the record cannot be written it counts as untried, and the caller repeats the call. */
async function endOnce(
  dependencies: MembersCancelDependencies,
  record: PaymentRequest,
  { call, run }: { readonly call: IdempotentCall; readonly run: () => Promise<CancelResult> },
): Promise<CancelResult | 'reused'> {
  try {
    const once = { ...repeatedCancel(run), isNotedFirst: true };
    return await repeatSafely(dependencies)(record, call, once);
  } catch (error) {
    dependencies.onFault(record, error);
    return { outcome: 'untried', record };
  }
}

async function endOne(
  dependencies: MembersCancelDependencies,
  record: PaymentRequest,
  asked: Asked & { readonly until: number },
): Promise<CancelResult> {
  const { cancel, clock, onFault } = dependencies;
  const { command, settings, until } = asked;
  const isLate = clock.now() >= until;
  const early = outcomeFromRecord(record, command, clock.instant());
  if (early?.kind === 'already_canceled' || early?.kind === 'already_final') {
    const noted = isLate ? record : await noteSpared(dependencies, record, command);
    return early.kind === 'already_canceled'
      ? { outcome: early.kind, record: noted }
      : { outcome: early.kind, state: early.state, record: noted };
  }
  if (isLate) return { outcome: 'untried', record };
  try {
    return await cancel(record, command, settings, record);
  } catch (error) {
    onFault(record, error);
    return { outcome: 'untried', record };
  }
}

/** The record with the command noted. The outcome is the same if that write fails. */
async function noteSpared(
  dependencies: MembersCancelDependencies,
  record: PaymentRequest,
  command: CancelCommand,
): Promise<PaymentRequest> {
  const { clock, ids, isDryRun, onFault } = dependencies;
  if (isDryRun) return record;
  const eventId = ownEventId('response', shortId(ids));
  try {
    const noted = await changeRecord(dependencies, record, record, (stored) => ({
      next: stored && withSparedMember(stored, command, eventId, clock.instant()),
      outcome: undefined,
    }));
    return noted.record ?? record;
  } catch (error) {
    onFault(record, error);
    return record;
  }
}
