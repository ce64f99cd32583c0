import type { Account, SessionId } from '../domain/identifiers.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import type { PaymentRequestStore, SessionPaymentRequests } from './ports.ts';

export interface SessionReading {
  readonly store: PaymentRequestStore;
  readonly sessions: SessionPaymentRequests;
}

/** Records read side by side. */
const lanes = 10;

/**
 * The Payment Requests of a session as they stand now, oldest first; none when nothing is known of the session. The index
 * only names them: what each belongs to and how it stands comes from the record itself.
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
