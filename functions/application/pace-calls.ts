import type { AccountSettings, KlarnaCredentials } from '../domain/account-settings.ts';
import type { KlarnaResponse } from '../domain/klarna-response.ts';
import { CredentialPace, type PaceDependencies, type Urgency } from './credential-pace.ts';
import type { PaymentRequestId } from '../domain/identifiers.ts';
import type { CredentialNotes, KlarnaExpiry, KlarnaPaymentRequests } from './ports.ts';

/** The pace of calls to Klarna, for each credential. */
export interface Pace {
  /**
   * Resolves to true when it is the account's turn to make one attempt at Klarna. Resolves to false where that does not come before
   * `until`, in milliseconds since 1970.
   */
  turn(settings: AccountSettings, urgency: Urgency, until: number): Promise<boolean>;
  /** Klarna, with every response noted. While Klarna refuses the credential's calls for their rate, a read is not sent. */
  paced(klarna: KlarnaPaymentRequests & KlarnaExpiry): KlarnaPaymentRequests & KlarnaExpiry;
}

/** What pacing the calls of one process needs, and where the uses of the credentials are noted, if anywhere. */
export interface PacedCallDependencies extends PaceDependencies {
  readonly notes?: Pick<CredentialNotes, 'noteUse'>;
}

/** Milliseconds for which a process does not note another use of a credential. */
const useInterval = 3_600_000;

/** Responses that show that Klarna took the credential. */
const isUse = ({ kind }: KlarnaResponse): boolean =>
  kind !== 'unclear' && kind !== 'rate_limited' && kind !== 'denied';

/** Paces the calls of one process. docs/adr/0031 explains how the processes share a limit. */
export function paceCalls(dependencies: PacedCallDependencies): Pace {
  const paces = new Map<string, CredentialPace>();
  const paceOf = ({ credential, rateShare }: KlarnaCredentials): CredentialPace => {
    const pace = paces.get(credential) ?? new CredentialPace(credential, dependencies);
    paces.set(credential, pace);
    pace.share = rateShare;
    return pace;
  };
  const used = new Map<string, number>();
  const noteUse = async (
    { credential, partnerAccountId }: KlarnaCredentials,
    paymentRequestId: PaymentRequestId,
  ): Promise<void> => {
    const { notes, clock, onFault } = dependencies;
    const at = clock.now();
    if (!notes || at - (used.get(credential) ?? Number.NEGATIVE_INFINITY) < useInterval) return;
    used.set(credential, at);
    await notes.noteUse(credential, { at, call: { paymentRequestId, partnerAccountId } }).catch(onFault);
  };
  const noted = async (
    [credentials, id]: Asked,
    ask: () => Promise<KlarnaResponse>,
  ): Promise<KlarnaResponse> => {
    const response = await ask();
    paceOf(credentials).note(response);
    if (isUse(response)) await noteUse(credentials, id);
    return response;
  };
  const unlessPaused = (asked: Asked, ask: () => Promise<KlarnaResponse>): Promise<KlarnaResponse> => {
    const { pauseMillis } = paceOf(asked[0]);
    return pauseMillis > 0 ? Promise.resolve(held(pauseMillis)) : noted(asked, ask);
  };
  return {
    turn: ({ account, klarna }, urgency, until) => paceOf(klarna).turn(account, urgency, until),
    paced: (klarna) => ({
      read: (...call) => unlessPaused(call, () => klarna.read(...call)),
      moveExpiry: (...call) => unlessPaused(call, () => klarna.moveExpiry(...call)),
      // The read before it has just succeeded, and is not to be in vain.
      cancel: (...call) => noted(call, () => klarna.cancel(...call)),
    }),
  };
}

/** How each call begins: with whose credentials it is made, and which request it is about. */
type Asked = readonly [KlarnaCredentials, PaymentRequestId, ...unknown[]];

/** The response to a call that was not sent. */
const held = (retryAfterMillis: number): KlarnaResponse => ({
  kind: 'rate_limited',
  retryAfterMillis,
  proof: { held: 'rate_limit' },
});
