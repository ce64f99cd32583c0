import type { AccountSettings, KlarnaCredentials } from '../domain/account-settings.ts';
import type { KlarnaResponse } from '../domain/klarna-response.ts';
import { CredentialPace, type PaceDependencies, type Urgency } from './credential-pace.ts';
import type { KlarnaExpiry, KlarnaPaymentRequests } from './ports.ts';

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

/** Paces the calls of one process. docs/adr/0031 explains how the processes share a limit. */
export function paceCalls(dependencies: PaceDependencies): Pace {
  const paces = new Map<string, CredentialPace>();
  const paceOf = ({ credential, rateShare }: KlarnaCredentials): CredentialPace => {
    const pace = paces.get(credential) ?? new CredentialPace(credential, dependencies);
    paces.set(credential, pace);
    pace.share = rateShare;
    return pace;
  };
  const noted = async (
    credentials: KlarnaCredentials,
    ask: () => Promise<KlarnaResponse>,
  ): Promise<KlarnaResponse> => {
    const response = await ask();
    paceOf(credentials).note(response);
    return response;
  };
  const unlessPaused = (
    credentials: KlarnaCredentials,
    ask: () => Promise<KlarnaResponse>,
  ): Promise<KlarnaResponse> => {
    const { pauseMillis } = paceOf(credentials);
    return pauseMillis > 0 ? Promise.resolve(held(pauseMillis)) : noted(credentials, ask);
  };
  return {
    turn: ({ account, klarna }, urgency, until) => paceOf(klarna).turn(account, urgency, until),
    paced: (klarna) => ({
      read: (...call) => unlessPaused(call[0], () => klarna.read(...call)),
      moveExpiry: (...call) => unlessPaused(call[0], () => klarna.moveExpiry(...call)),
      // The read before it has just succeeded, and is not to be in vain.
      cancel: (...call) => noted(call[0], () => klarna.cancel(...call)),
    }),
  };
}

/** The response to a call that was not sent. */
const held = (retryAfterMillis: number): KlarnaResponse => ({
  kind: 'rate_limited',
  retryAfterMillis,
  proof: { held: 'rate_limit' },
});
