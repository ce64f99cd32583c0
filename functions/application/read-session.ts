import type { Account, PaymentRequestKey, SessionId } from '../domain/identifiers.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import type { OnUnreadable, PaymentRequestStore, SessionPaymentRequests } from './ports.ts';

/** What reading a session needs. */
export interface SessionReading {
  readonly store: PaymentRequestStore;
  readonly sessions: SessionPaymentRequests;
}

/** Records read in one call. */
const readsAtOnce = 100;

/**
 * The records of a session's Payment Requests, oldest first; empty for an unknown session. The index only names them. The record
 * itself tells its session and its state.
 *
 * @throws {UnreadableRecordError} for a record that cannot be read, unless there is an `onUnreadable`
 */
export const readSession =
  ({ store, sessions }: SessionReading) =>
  async (
    account: Account,
    sessionId: SessionId,
    onUnreadable?: OnUnreadable,
  ): Promise<readonly PaymentRequest[]> => {
    const records: PaymentRequest[] = [];
    let keys: PaymentRequestKey[] = [];
    for await (const key of sessions.ofSession(account, sessionId)) {
      if (keys.push(key) < readsAtOnce) continue;
      records.push(...(await store.readAll(keys, onUnreadable)));
      keys = [];
    }
    if (keys.length > 0) records.push(...(await store.readAll(keys, onUnreadable)));
    return records
      .filter((record) => record.sessionId === sessionId)
      .toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  };
