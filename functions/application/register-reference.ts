import type { AccountSettings } from '../domain/account-settings.ts';
import { alreadySeen, type AwaitedReference, decideAwait } from '../domain/awaited-reference.ts';
import { ownEventId, type PaymentRequestKey, type ReferenceKey } from '../domain/identifiers.ts';
import type { Registration } from '../domain/registration.ts';
import { TransientError } from '../domain/transient-error.ts';
import type { AwaitedReferences, ReferencedPaymentRequests } from './ports.ts';
import { readReference } from './read-session.ts';
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
 * registered. Else the session waits for the first one. Safe to repeat: the same call again changes nothing.
 */
export const registerReference =
  (dependencies: ReferenceRegistrationDependencies) =>
  async (
    key: ReferenceKey,
    registration: Registration,
    settings: AccountSettings,
  ): Promise<ReferenceRegistration> => {
    const { awaited, clock, ids } = dependencies;
    const { account, reference } = key;
    const eventId = ownEventId('register', ids.next());
    for (let round = 0; round < mostRounds; round += 1) {
      const item = await awaited.read(key);
      const seen = await seenBy(dependencies, key, item);
      if (seen) {
        const result = await registerSession(dependencies)(seen, { ...registration, reference }, settings);
        return { kind: 'request', key: seen, result };
      }
      const context = { policy: settings, eventId, now: clock.instant() };
      const { next, outcome } = decideAwait(item, { account, reference }, registration, context);
      if (!next) return { kind: 'awaited', outcome, awaited: item };
      if (await awaited.save(next)) return { kind: 'awaited', outcome, awaited: next };
    }
    throw new TransientError(`${account}: other writers of a reference were faster ${mostRounds} times`);
  };

/** The request that the registration is about, if one was seen: the one that joined, or one that nothing waited for. */
async function seenBy(
  dependencies: ReferenceRegistrationDependencies,
  { account, reference }: ReferenceKey,
  item: AwaitedReference | undefined,
): Promise<PaymentRequestKey | undefined> {
  if (item?.status === 'waiting') return undefined;
  if (item?.paymentRequestId !== undefined) {
    const joined = await dependencies.store.read({ account, paymentRequestId: item.paymentRequestId });
    // A shop may use its reference again, after the first request has ended.
    if (joined && alreadySeen([joined])) return joined;
  }
  return alreadySeen(await readReference(dependencies)(account, reference, () => undefined));
}
