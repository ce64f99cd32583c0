import type { AccountSettings } from '../domain/account-settings.ts';
import {
  type AwaitedReference,
  awaitedUntil,
  cancelCallsOf,
  commandOf,
  firstSeen,
  hasOwnSession,
  isLaterThan,
  nextAwaited,
  registrationOf,
} from '../domain/awaited-reference.ts';
import type { IdempotentCall } from '../domain/idempotent-call.ts';
import type { PaymentRequestId, PaymentRequestKey, ReferenceKey } from '../domain/identifiers.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import {
  type CancelDependencies,
  cancelPaymentRequest,
  type CancelResult,
} from './cancel-payment-request.ts';
import type { AwaitedReferences, ReferencedPaymentRequests } from './ports.ts';
import { readReference } from './read-session.ts';
import { repeatedCancel, repeatSafely } from './repeat-safely.ts';
import { armIfWaiting, type RegistrationDependencies, registerSession } from './register-session.ts';

/** What settling needs. */
export interface SettleDependencies extends CancelDependencies, RegistrationDependencies {
  readonly timer: RegistrationDependencies['timer'];
  readonly awaited: AwaitedReferences;
  readonly references: ReferencedPaymentRequests;
  /** Whether the account's turn to call Klarna has come, in time. It may wait. */
  readonly turn: (settings: AccountSettings) => Promise<boolean>;
}

/**
 * What became of what waited. `nothing`: nothing waits. `waiting`: no request was seen yet. `held`: it is not the account's turn to call
 * Klarna, or another attempt to cancel has a claim. `moving`: other writers were faster, and the caller tries again later.
 */
export type SettleOutcome = 'nothing' | 'waiting' | 'joined' | 'never_seen' | 'held' | 'moving';

/** How often it decides again after another writer was faster. */
const mostRounds = 4;

/**
 * Settles what waits for a request with a reference. The first request that was seen gets the session, by the ordinary registration, or
 * the cancel that came before, by the ordinary cancel. Both can be repeated, so a function that ends between
 * two writes does no harm. Where no request was seen in time, that is written down.
 *
 * @param seen a request that the index may not list yet
 */
export const settleReference =
  (dependencies: SettleDependencies) =>
  async (key: ReferenceKey, settings: AccountSettings, seen?: PaymentRequestId): Promise<SettleOutcome> => {
    const { awaited, clock } = dependencies;
    for (let round = 0; round < mostRounds; round += 1) {
      const item = await awaited.read(key);
      if (item?.status !== 'waiting') return 'nothing';
      const first = firstSeen(item, await recordsOf(dependencies, key, seen));
      const now = clock.instant();
      if (!first) {
        const isOver = awaitedUntil(item) <= now;
        if (!isOver && item.isLookedFor) return 'waiting';
        const next = nextAwaited(item, isOver ? { status: 'never_seen' } : { isLookedFor: true }, now);
        if (await awaited.save(next)) return isOver ? 'never_seen' : 'waiting';
        continue;
      }
      if (!(await join(dependencies, { item, first, settings }))) return 'held';
      const { paymentRequestId } = first;
      if (await awaited.save(nextAwaited(item, { status: 'joined', paymentRequestId }, now))) return 'joined';
    }
    return 'moving';
  };

/** Runs the cancel, and keeps its outcome on the record for each call with a key that asked for it. */
async function cancelOnce(
  dependencies: SettleDependencies,
  calls: readonly IdempotentCall[],
  key: PaymentRequestKey,
  run: () => Promise<CancelResult>,
): Promise<CancelResult> {
  const [call, ...others] = calls;
  if (!call) return run();
  const cancel = () => cancelOnce(dependencies, others, key, run);
  const once = { ...repeatedCancel(cancel), isNotedFirst: true };
  const result = await repeatSafely(dependencies)(key, call, once);
  // The record had the key for another call before.
  return result === 'reused' ? cancel() : result;
}

/** The records with the reference: those that the index lists, and the one that was just seen. */
async function recordsOf(
  dependencies: SettleDependencies,
  { account, reference }: ReferenceKey,
  seen: PaymentRequestId | undefined,
): Promise<readonly PaymentRequest[]> {
  // A record that cannot be read holds up no other one.
  const listed = await readReference(dependencies)(account, reference, () => undefined);
  if (seen === undefined || listed.some(({ paymentRequestId }) => paymentRequestId === seen)) return listed;
  const record = await dependencies.store.read({ account, paymentRequestId: seen });
  return record?.reference === reference ? [...listed, record] : listed;
}

/** Carries out the cancel that waits, else registers the session that waits. `false`: not yet. */
async function join(
  dependencies: SettleDependencies,
  {
    item,
    first,
    settings,
  }: {
    readonly item: AwaitedReference;
    readonly first: PaymentRequest;
    readonly settings: AccountSettings;
  },
): Promise<boolean> {
  const command = commandOf(item, first);
  if (command) {
    if (!(await dependencies.turn(settings))) return false;
    const { record } = await cancelOnce(dependencies, cancelCallsOf(item), first, () =>
      cancelPaymentRequest(dependencies)(first, command, settings, first),
    );
    // Another attempt has a claim, and may have crashed. An attempt of this message leaves none.
    return record?.cancellation?.outcome !== 'claimed';
  }
  const registration = registrationOf(item, dependencies.clock.instant());
  if (!registration || item.cancel) return true;
  if (hasOwnSession(first) && !isLaterThan(item, first)) {
    // Another message about this reference may have registered it, and crashed before it armed the timer.
    await armIfWaiting(dependencies, first);
    return true;
  }
  const register = registerSession(dependencies);
  const { outcome } = await register(first, registration, settings);
  // A full session takes no other request. The deadline counts all the same.
  if (outcome.kind === 'session_full')
    await register(first, { ...registration, sessionId: undefined, supersedes: undefined }, settings);
  return true;
}
