import type {
  DuePaymentRequests,
  ListSelection,
  PaymentRequestList,
  PaymentRequestStore,
  ReferencedPaymentRequests,
  RegisterResult,
  Quarantine,
  QuarantinedDeliveries,
  SessionPaymentRequests,
  WriteResult,
} from '../../functions/application/ports.ts';
import type { AuthorizationReport } from '../../functions/domain/confirmation.ts';
import { authorizedVersion, isAuthorizedUnread } from '../../functions/domain/unread-authorization.ts';
import type { ListedPaymentRequest } from '../../functions/domain/list-cursor.ts';
import type {
  DeliveryReplay,
  QuarantinedDelivery,
  StoredDelivery,
} from '../../functions/domain/quarantined-delivery.ts';
import type { Account, PaymentRequestKey, Reference, SessionId } from '../../functions/domain/identifiers.ts';
import type { Instant } from '../../functions/domain/instant.ts';
import { type ListCursor, listCursorOf } from '../../functions/domain/list-cursor.ts';
import type { Observation, Position } from '../../functions/domain/observation.ts';
import { type PaymentRequest, unknownPaymentRequest } from '../../functions/domain/payment-request.ts';
import { bytesOf, roomIn } from '../../functions/domain/history.ts';
import { isRegisteredUnread, registeredVersion } from '../../functions/domain/unread-registration.ts';
import { isOpen } from '../../functions/domain/payment-request-state.ts';
import {
  isStaleForGood,
  isUnread,
  observedVersion,
  staleVersion,
} from '../../functions/domain/transition.ts';

/** The store as its contract has it, in memory; `test/adapters/dynamodb` runs the same suite on it and on the real engine. */
export class InMemoryPaymentRequestStore
  implements
    PaymentRequestStore,
    DuePaymentRequests,
    SessionPaymentRequests,
    ReferencedPaymentRequests,
    PaymentRequestList
{
  readonly records = new Map<string, PaymentRequest>();
  /** How many writes were tried, refused ones included. */
  writes = 0;

  read(key: PaymentRequestKey): Promise<PaymentRequest | undefined> {
    return Promise.resolve(this.records.get(nameOf(key)));
  }

  readAll(keys: readonly PaymentRequestKey[]): Promise<readonly PaymentRequest[]> {
    return Promise.resolve(keys.flatMap((key) => this.records.get(nameOf(key)) ?? []));
  }

  observe(key: PaymentRequestKey, observation: Observation): Promise<WriteResult> {
    this.writes += 1;
    const stored = this.records.get(nameOf(key));
    const record = stored ?? unknownPaymentRequest(key, observation.observedAt);
    if (!isUnread(record, observation)) return Promise.resolve({ written: false, stored });
    this.keep(observedVersion(record, observation));
    return Promise.resolve({ written: true });
  }

  noteStale(
    key: PaymentRequestKey,
    observation: Observation,
    noted: { readonly against: Position | undefined; readonly at: Instant },
  ): Promise<WriteResult> {
    this.writes += 1;
    const stored = this.records.get(nameOf(key));
    if (!stored || !isStaleForGood(stored, observation)) return Promise.resolve({ written: false, stored });
    this.keep(staleVersion(stored, observation, noted));
    return Promise.resolve({ written: true });
  }

  register(made: PaymentRequest): Promise<RegisterResult> {
    this.writes += 1;
    const stored = this.records.get(nameOf(made));
    const record = stored ?? unknownPaymentRequest(made, made.updatedAt);
    const hasRoom = made.history.every((entry) => bytesOf(entry) <= roomIn(record.history));
    if (!isRegisteredUnread(record) || !hasRoom) return Promise.resolve({ written: false, stored });
    this.keep(registeredVersion(record, made));
    return Promise.resolve({ written: true, record: this.records.get(nameOf(made)) ?? made });
  }

  authorize(key: PaymentRequestKey, report: AuthorizationReport): Promise<WriteResult> {
    this.writes += 1;
    const stored = this.records.get(nameOf(key));
    if (!stored || !isAuthorizedUnread(stored, report)) return Promise.resolve({ written: false, stored });
    this.keep(authorizedVersion(stored, report));
    return Promise.resolve({ written: true });
  }

  save(current: PaymentRequest | undefined, next: PaymentRequest): Promise<WriteResult> {
    this.writes += 1;
    const stored = this.records.get(nameOf(next));
    if ((stored?.version ?? 0) !== (current?.version ?? 0))
      return Promise.resolve({ written: false, stored });
    this.keep(next);
    return Promise.resolve({ written: true });
  }

  /** Stores the record as it will be read again. */
  protected keep(record: PaymentRequest): void {
    this.records.set(nameOf(record), structuredClone(record));
  }

  async *due(now: Instant): AsyncIterable<PaymentRequestKey> {
    const due = [...this.records.values()].filter(({ dueAt }) => dueAt !== undefined && dueAt <= now);
    due.sort((a, b) => ((a.dueAt ?? '') < (b.dueAt ?? '') ? -1 : 1));
    for (const { account, paymentRequestId } of due) {
      yield await Promise.resolve({ account, paymentRequestId });
    }
  }

  ofSession(account: Account, sessionId: SessionId): AsyncIterable<PaymentRequestKey> {
    return this.#members((record) => record.account === account && record.sessionId === sessionId);
  }

  ofReference(account: Account, reference: Reference): AsyncIterable<PaymentRequestKey> {
    return this.#members((record) => record.account === account && record.reference === reference);
  }

  async *#members(holds: (record: PaymentRequest) => boolean): AsyncGenerator<PaymentRequestKey> {
    const members = [...this.records.values()].filter(holds);
    const sorted = members.toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
    for (const { account, paymentRequestId } of sorted) {
      yield await Promise.resolve({ account, paymentRequestId });
    }
  }

  listed(
    selection: ListSelection,
    before: ListCursor | undefined,
    limit: number,
  ): Promise<readonly ListedPaymentRequest[]> {
    const listed = [...this.records.values()]
      .filter((record) => isSelected(record, selection))
      .map((record) => ({
        account: record.account,
        paymentRequestId: record.paymentRequestId,
        position:
          selection.by === 'attention' || (selection.by === 'would_cancel' && record.attention)
            ? listCursorOf({ ...record, createdAt: record.attentionSince ?? record.updatedAt })
            : listCursorOf(
                selection.by === 'would_cancel' && record.wouldCancel
                  ? { ...record, createdAt: record.wouldCancel.at }
                  : record,
              ),
      }))
      .filter(({ position }) => before === undefined || position < before)
      .toSorted((a, b) => (a.position > b.position ? -1 : 1));
    return Promise.resolve(listed.slice(0, limit));
  }
}

function isSelected(record: PaymentRequest, selection: ListSelection): boolean {
  if (selection.account !== undefined && record.account !== selection.account) return false;
  switch (selection.by) {
    case 'open':
      return isOpen(record.state);
    case 'session':
      return record.sessionId === selection.sessionId;
    case 'reference':
      return record.reference === selection.reference;
    case 'would_cancel':
      return record.attention !== undefined || record.wouldCancel !== undefined;
    case 'attention':
      return record.attention !== undefined;
  }
}

/** What a record is kept under. */
export const nameOf = ({ account, paymentRequestId }: PaymentRequestKey): string =>
  `${account} ${paymentRequestId}`;

/** Keeps the first delivery of each event that it is given. */
export class InMemoryQuarantine implements Quarantine, QuarantinedDeliveries {
  readonly deliveries: StoredDelivery[] = [];

  keep(delivery: QuarantinedDelivery): Promise<void> {
    if (this.#placeOf(delivery) < 0) this.deliveries.push(delivery);
    return Promise.resolve();
  }

  async *all(): AsyncGenerator<StoredDelivery, void> {
    for (const delivery of this.deliveries.toReversed()) yield await Promise.resolve(delivery);
  }

  read(id: Pick<QuarantinedDelivery, 'signingKeyId' | 'deliveryId'>): Promise<StoredDelivery | undefined> {
    return Promise.resolve(this.deliveries[this.#placeOf(id)]);
  }

  noteReplay(delivery: QuarantinedDelivery, replay: DeliveryReplay): Promise<void> {
    this.deliveries[this.#placeOf(delivery)] = { ...delivery, replay };
    return Promise.resolve();
  }

  #placeOf({ signingKeyId, deliveryId }: Pick<QuarantinedDelivery, 'signingKeyId' | 'deliveryId'>): number {
    return this.deliveries.findIndex(
      (each) => each.signingKeyId === signingKeyId && each.deliveryId === deliveryId,
    );
  }
}
