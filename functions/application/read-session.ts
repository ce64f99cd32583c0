import type { Account, SessionId } from '../domain/identifiers.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { mapConcurrently } from './map-concurrently.ts';
import type { PaymentRequestStore, SessionPaymentRequests } from './ports.ts';

/** What reading a session needs. */
export interface SessionReading {
  readonly store: PaymentRequestStore;
  readonly sessions: SessionPaymentRequests;
}

/** Records read at the same time. */
const readsAtOnce = 10;

/**
 * The records of a session's Payment Requests, oldest first; empty for an unknown session. The index only names them. The record
 * itself tells its session and its state.
 */
export const readSession =
  ({ store, sessions }: SessionReading) =>
  async (account: Account, sessionId: SessionId): Promise<readonly PaymentRequest[]> => {
    const keys = sessions.ofSession(account, sessionId);
    const records = await mapConcurrently(keys, readsAtOnce, (key) => store.read(key));
    const found = records.flatMap((record) => (record?.sessionId === sessionId ? [record] : []));
    return found.toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  };
