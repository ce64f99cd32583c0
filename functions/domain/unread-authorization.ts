import { changeOf } from './change.ts';
import { authorizedEntry, authorizedFields, type AuthorizationReport } from './confirmation.ts';
import { bytesOf, roomIn } from './history.ts';
import type { PaymentRequest } from './payment-request.ts';

/**
 * Whether a report of an authorization can be written onto this record without reading it: nothing but the report itself follows from it.
 * Not where the account watches the payment, which makes the record due, and not onto a tombstone. The store has the same rule as a condition.
 */
export const isAuthorizedUnread = (record: PaymentRequest, report: AuthorizationReport): boolean =>
  record.version > 0 &&
  record.erasedAt === undefined &&
  record.confirmation === undefined &&
  record.attention === undefined &&
  bytesOf(authorizedEntry(report)) <= roomIn(record.history);

/** The next version of such a record with the report, which one write makes. */
export function authorizedVersion(record: PaymentRequest, report: AuthorizationReport): PaymentRequest {
  const entry = authorizedEntry(report);
  const { state, previousState } = record;
  return {
    ...record,
    confirmation: authorizedFields(report),
    history: [...record.history, entry],
    version: record.version + 1,
    sequence: record.sequence + 1,
    changes: [changeOf('authorized', entry, { state, previousState })],
    updatedAt: report.reportedAt,
  };
}
