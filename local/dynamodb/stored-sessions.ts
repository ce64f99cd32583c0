import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ScannedPaymentRequests } from '../../functions/adapters/dynamodb/scanned-payment-requests.ts';
import { sessionPartOf } from '../../functions/domain/confirmation.ts';
import type { Account } from '../../functions/domain/identifiers.ts';
import { instantFromMillis } from '../../functions/domain/instant.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { type SessionStatus, sessionStatusOf } from '../../functions/domain/session-status.ts';

/** Which sessions to list. */
export interface SessionSelection {
  readonly account: Account;
  readonly status: SessionStatus | undefined;
  /** A part of a reference, of a session's id or of a Payment Request's id, in any case; `''` for every session. */
  readonly search: string;
  /** How many sessions to list at most. */
  readonly limit: number;
}

/**
 * The sessions of the table, even those that have ended, which the API does not list. Each call reads the whole table,
 * past the stand-in that injects faults.
 */
export class StoredSessions {
  readonly #records: ScannedPaymentRequests;

  constructor(client: DynamoDBClient, tableName: string) {
    this.#records = new ScannedPaymentRequests({ client, tableName });
  }

  /** The Payment Requests of the newest sessions, newest first, and whether there are more sessions. */
  async newest({ account, status, search, limit }: SessionSelection) {
    const records = await Array.fromAsync(this.#records.changedSince(instantFromMillis(0)));
    const own = records
      .filter((record) => record !== undefined)
      .filter((record) => record.account === account)
      .toSorted((one, other) => (one.createdAt < other.createdAt ? 1 : -1));
    const sessions = [...Map.groupBy(own, sessionOf).values()]
      .filter((session) => status === undefined || statusOf(session) === status)
      .filter((session) => session.some((record) => mentions(record, search.toLowerCase())));
    return { records: sessions.slice(0, limit).flat(), more: sessions.length > limit };
  }
}

/** A request without a session is a session of its own. */
const sessionOf = ({ sessionId, paymentRequestId }: PaymentRequest): string =>
  sessionId === undefined ? `request ${paymentRequestId}` : `session ${sessionId}`;

function statusOf(session: readonly PaymentRequest[]): SessionStatus {
  const now = instantFromMillis(Date.now());
  return sessionStatusOf(session.map((record) => sessionPartOf(record, now)));
}

const mentions = ({ reference, sessionId, paymentRequestId }: PaymentRequest, search: string): boolean =>
  [reference, sessionId, paymentRequestId].some((text) => text?.toLowerCase().includes(search));
