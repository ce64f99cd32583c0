import type { AccountSettings } from '../domain/account-settings.ts';
import { alreadySeen, type AwaitedReference, decideAwait, keepingCall } from '../domain/awaited-reference.ts';
import { firstAtOf, type IdempotentCall, repetitionOf } from '../domain/idempotent-call.ts';
import {
  ownEventId,
  type PaymentRequestId,
  type PaymentRequestKey,
  type ReferenceKey,
} from '../domain/identifiers.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import type { Registration } from '../domain/registration.ts';
import { TransientError } from '../domain/transient-error.ts';
import type { AwaitedReferences, ReferencedPaymentRequests } from './ports.ts';
import { readReferenceWith } from './read-session.ts';
import { registeredBefore, repeatedRegistration, repeatSafely } from './repeat-safely.ts';
import { type RegistrationDependencies, registerSession, type SessionResult } from './register-session.ts';

/** What a registration by reference needs. */
export interface ReferenceRegistrationDependencies extends RegistrationDependencies {
  readonly awaited: AwaitedReferences;
  readonly references: ReferencedPaymentRequests;
}

/**
 * What a registration by reference was about: a request that is known, or one that is awaited. `repeated`: a call with this key has had an
 * outcome. What has the reference is as it is now.
 */
export type ReferenceRegistration =
  | { readonly kind: 'request'; readonly key: PaymentRequestKey; readonly result: SessionResult }
  | {
      readonly kind: 'awaited';
      readonly outcome: SessionResult['outcome'];
      /** As it then is; absent where nothing waits. */
      readonly awaited: AwaitedReference | undefined;
    }
  | {
      readonly kind: 'repeated';
      readonly outcome: SessionResult['outcome'];
      /** The request whose record keeps the call; absent where it was awaited then. */
      readonly paymentRequestId: PaymentRequestId | undefined;
      readonly records: readonly PaymentRequest[];
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
      const isWaiting = item?.status === 'waiting';
      const records =
        isWaiting && !call ? [] : await readReferenceWith(dependencies)(key, item, () => undefined);
      const first = call && firstOutcome(item, records, call);
      if (first !== undefined) return first;
      const begun = call && records.find((record) => firstAtOf([record], call) !== undefined);
      const seen = begun ?? (isWaiting ? undefined : seenIn(records, item));
      if (seen) {
        const register = () => registerSession(dependencies)(seen, { ...registration, reference }, settings);
        // Noted first: a repetition after a crash is about this request too, even if it has ended.
        const repeatable = { ...repeatedRegistration(register), isNotedFirst: true };
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
function firstOutcome(
  item: AwaitedReference | undefined,
  records: readonly PaymentRequest[],
  call: IdempotentCall,
): ReferenceRegistration | 'reused' | undefined {
  for (const holder of [...(item ? [item] : []), ...records]) {
    const kept = repetitionOf(holder, call);
    if (kept === 'another') return 'reused';
    if (kept === 'new') continue;
    const { outcome } = registeredBefore(kept, undefined);
    const paymentRequestId = holder === item ? undefined : holder.paymentRequestId;
    return { kind: 'repeated', outcome, paymentRequestId, records, awaited: item };
  }
  return undefined;
}

/** The request that the registration is about, if one was seen: the one that joined, or one that nothing waited for. */
const seenIn = (
  records: readonly PaymentRequest[],
  item: AwaitedReference | undefined,
): PaymentRequest | undefined =>
  // A shop may use its reference again, after the first request has ended.
  alreadySeen(records.filter(({ paymentRequestId }) => paymentRequestId === item?.paymentRequestId)) ??
  alreadySeen(records);
