import type { AccountSettings } from '../domain/account-settings.ts';
import { alreadySeen, type AwaitedReference, decideAwait, keepingCall } from '../domain/awaited-reference.ts';
import { type IdempotentCall, repetitionOf } from '../domain/idempotent-call.ts';
import { ownEventId, type PaymentRequestKey, type ReferenceKey } from '../domain/identifiers.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import type { Registration } from '../domain/registration.ts';
import { TransientError } from '../domain/transient-error.ts';
import type { AwaitedReferences, ReferencedPaymentRequests } from './ports.ts';
import { readReference } from './read-session.ts';
import { registeredBefore, repeatedRegistration, repeatSafely } from './repeat-safely.ts';
import { type RegistrationDependencies, registerSession, type SessionResult } from './register-session.ts';

/** What a registration by reference needs. */
export interface ReferenceRegistrationDependencies extends RegistrationDependencies {
  readonly awaited: AwaitedReferences;
  readonly references: ReferencedPaymentRequests;
}

/** What a registration by reference was about: a request that is known, or one that is awaited. */
export type ReferenceRegistration =
  | { readonly kind: 'request'; readonly key: PaymentRequestKey; readonly result: SessionResult }
  | {
      readonly kind: 'awaited';
      readonly outcome: SessionResult['outcome'];
      /** As it then is; absent where nothing waits. */
      readonly awaited: AwaitedReference | undefined;
    };

/** How often it decides again after another writer was faster. */
const mostRounds = 5;

/**
 * Registers the session of a Payment Request whose id the caller does not know. If one with the reference was seen, that one is
 * registered. Else the session waits for the first one. Safe to repeat: the same call again changes nothing. Where the call has a key, a
 * repetition has the first outcome, whatever became of the session. `reused`: another call had the key.
 */
export const registerReference =
  (dependencies: ReferenceRegistrationDependencies) =>
  async (
    key: ReferenceKey,
    registration: Registration,
    settings: AccountSettings,
    call?: IdempotentCall,
  ): Promise<ReferenceRegistration | 'reused'> => {
    const { awaited, clock, ids } = dependencies;
    const { account, reference } = key;
    const eventId = ownEventId('register', ids.next());
    for (let round = 0; round < mostRounds; round += 1) {
      const item = await awaited.read(key);
      const before = call && (await firstOutcome(dependencies, key, item, call));
      if (before !== undefined) return before;
      const seen = await seenBy(dependencies, key, item);
      if (seen) {
        const register = () => registerSession(dependencies)(seen, { ...registration, reference }, settings);
        const repeatable = repeatedRegistration(register);
        const result = call ? await repeatSafely(dependencies)(seen, call, repeatable) : await register();
        return result === 'reused' ? result : { kind: 'request', key: seen, result };
      }
      const context = { policy: settings, eventId, now: clock.instant() };
      const decision = decideAwait(item, { account, reference }, registration, context);
      const { next, outcome } = call ? keepingCall(decision, item, call, context.now) : decision;
      if (!next) return { kind: 'awaited', outcome, awaited: item };
      if (await awaited.save(next)) return { kind: 'awaited', outcome, awaited: next };
    }
    throw new TransientError(`${account}: other writers of a reference were faster ${mostRounds} times`);
  };

/**
 * The outcome that a call with this key has had: what waited keeps it, or the record of a request that was known. `undefined` where the key
 * is new.
 */
async function firstOutcome(
  dependencies: ReferenceRegistrationDependencies,
  { account, reference }: ReferenceKey,
  item: AwaitedReference | undefined,
  call: IdempotentCall,
): Promise<ReferenceRegistration | 'reused' | undefined> {
  if (item?.cancel?.call?.key === call.key) return 'reused';
  const joined = item?.status === 'joined' ? await joinedTo(dependencies, item) : undefined;
  const kept = repetitionOf(item, call);
  if (kept === 'another') return 'reused';
  if (item && kept !== 'new') {
    if (joined) return { kind: 'request', key: joined, result: registeredBefore(kept, joined) };
    return { kind: 'awaited', outcome: registeredBefore(kept, undefined).outcome, awaited: item };
  }
  const listed = await readReference(dependencies)(account, reference, () => undefined);
  for (const record of joined ? [joined, ...listed] : listed) {
    const first = repetitionOf(record, call);
    if (first === 'another') return 'reused';
    if (first !== 'new') return { kind: 'request', key: record, result: registeredBefore(first, record) };
  }
  return undefined;
}

/** The record of the request that joined what waited. */
async function joinedTo(
  { store }: Pick<ReferenceRegistrationDependencies, 'store'>,
  { account, paymentRequestId }: AwaitedReference,
): Promise<PaymentRequest | undefined> {
  return paymentRequestId === undefined ? undefined : store.read({ account, paymentRequestId });
}

/** The request that the registration is about, if one was seen: the one that joined, or one that nothing waited for. */
async function seenBy(
  dependencies: ReferenceRegistrationDependencies,
  { account, reference }: ReferenceKey,
  item: AwaitedReference | undefined,
): Promise<PaymentRequestKey | undefined> {
  if (item?.status === 'waiting') return undefined;
  const joined = item && (await joinedTo(dependencies, item));
  // A shop may use its reference again, after the first request has ended.
  if (joined && alreadySeen([joined])) return joined;
  return alreadySeen(await readReference(dependencies)(account, reference, () => undefined));
}
