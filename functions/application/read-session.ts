import type { Account, SessionId } from '../domain/identifiers.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import type { PaymentRequestStore, SessionPaymentRequests } from './ports.ts';

/** What reading a session needs. */
export interface SessionReading {
  readonly store: PaymentRequestStore;
  readonly sessions: SessionPaymentRequests;
}

/** Records that are read at the same time. */
const lanes = 10;

/**
 * The records of a session's Payment Requests, oldest first; empty for an unknown session. The index only names them. The record
 * itself tells its session and its state.
 */
export const readSession =
  ({ store, sessions }: SessionReading) =>
  async (account: Account, sessionId: SessionId): Promise<readonly PaymentRequest[]> => {
    const keys = sessions.ofSession(account, sessionId)[Symbol.asyncIterator]();
    const found: PaymentRequest[] = [];
    const lane = async () => {
      for (let next = await keys.next(); !next.done; next = await keys.next()) {
        const record = await store.read(next.value);
        if (record?.sessionId === sessionId) found.push(record);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return found.toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  };
