import type { AwaitedReference } from '../domain/awaited-reference.ts';
import type {
  Account,
  PaymentRequestKey,
  Reference,
  ReferenceKey,
  SessionId,
} from '../domain/identifiers.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import type {
  OnUnreadable,
  PaymentRequestStore,
  ReferencedPaymentRequests,
  SessionPaymentRequests,
} from './ports.ts';

/** What reading a session needs. */
export interface SessionReading {
  readonly store: PaymentRequestStore;
  readonly sessions: SessionPaymentRequests;
}

/** What reading the requests of a reference needs. */
export interface ReferenceReading {
  readonly store: PaymentRequestStore;
  readonly references: ReferencedPaymentRequests;
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
    const records = await readMembers(store, sessions.ofSession(account, sessionId), onUnreadable);
    return records.filter((record) => record.sessionId === sessionId);
  };

/** The same for the records with a reference of the shop. */
export const readReference =
  ({ store, references }: ReferenceReading) =>
  async (
    account: Account,
    reference: Reference,
    onUnreadable?: OnUnreadable,
  ): Promise<readonly PaymentRequest[]> => {
    const records = await readMembers(store, references.ofReference(account, reference), onUnreadable);
    return records.filter((record) => record.reference === reference);
  };

/** The same, with the request that joined what waited for the reference: the index may not list it yet. */
export const readReferenceWith =
  (dependencies: ReferenceReading) =>
  async (
    { account, reference }: ReferenceKey,
    awaited: AwaitedReference | undefined | Promise<AwaitedReference | undefined>,
    onUnreadable?: OnUnreadable,
  ): Promise<readonly PaymentRequest[]> => {
    const records = readReference(dependencies)(account, reference, onUnreadable);
    const [listed, item] = await Promise.all([records, awaited]);
    const { paymentRequestId } = item ?? {};
    if (paymentRequestId === undefined || listed.some((each) => each.paymentRequestId === paymentRequestId))
      return listed;
    const joined = await dependencies.store.read({ account, paymentRequestId });
    return joined && joined.erasedAt === undefined ? [...listed, joined] : listed;
  };

/** The records that an index names, oldest first. */
async function readMembers(
  store: PaymentRequestStore,
  members: AsyncIterable<PaymentRequestKey>,
  onUnreadable: OnUnreadable | undefined,
): Promise<readonly PaymentRequest[]> {
  const records: PaymentRequest[] = [];
  let keys: PaymentRequestKey[] = [];
  for await (const key of members) {
    if (keys.push(key) < readsAtOnce) continue;
    records.push(...(await store.readAll(keys, onUnreadable)));
    keys = [];
  }
  if (keys.length > 0) records.push(...(await store.readAll(keys, onUnreadable)));
  return records.toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
}
