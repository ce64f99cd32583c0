import { type AuthorizationReport, isAuthorized, withAuthorization } from '../domain/confirmation.ts';
import { ownEventId, type PaymentRequestKey } from '../domain/identifiers.ts';
import { type PaymentRequest, unknownPaymentRequest } from '../domain/payment-request.ts';
import { isFinal, type PaymentRequestState } from '../domain/payment-request-state.ts';
import { type Requester, requesterDetail } from '../domain/requester.ts';
import { type ChangeDependencies, changeRecord } from './change-record.ts';
import { shortId } from './short-id.ts';

/** What a signed report of an authorization did: it is in the record now, or the record had one. */
export type AuthorizationVerdict = 'authorized' | 'duplicate';

/**
 * Notes Klarna's report that a payment is authorized, on a record that was not read. One write, where the account does not watch
 * authorizations. A report that overtakes all other webhooks of its request makes the record. Durable when it resolves.
 */
export const recordAuthorization =
  (dependencies: ChangeDependencies) =>
  async (key: PaymentRequestKey, report: AuthorizationReport): Promise<AuthorizationVerdict> => {
    const { store, clock } = dependencies;
    const first = await store.authorize(key, report);
    if (first.written) return 'authorized';
    const { outcome } = await changeRecord<AuthorizationVerdict>(
      dependencies,
      key,
      first.stored,
      (stored) => {
        const next = withAuthorization(stored ?? unknownPaymentRequest(key, clock.instant()), report);
        return { next, outcome: next ? 'authorized' : 'duplicate' };
      },
    );
    return outcome;
  };

/** What the shop's own report did. `unchanged`: the record had a report. `erased`: only a tombstone is left. */
export type AuthorizationResult =
  | { readonly outcome: 'authorized' | 'unchanged'; readonly record: PaymentRequest }
  | { readonly outcome: 'not_found' | 'erased' }
  | { readonly outcome: 'already_final'; readonly state: PaymentRequestState };

/**
 * Notes the shop's own report that it has authorized the payment. COMPLETED may come later. A request that has ended was not authorized:
 * nothing is written.
 *
 * @param requester the caller, as records name callers
 */
export const reportAuthorization =
  (dependencies: ChangeDependencies) =>
  async (key: PaymentRequestKey, requester: Requester): Promise<AuthorizationResult> => {
    const { store, clock, ids } = dependencies;
    const known = await store.read(key);
    const now = clock.instant();
    const report: AuthorizationReport = {
      eventId: ownEventId('authorized', shortId(ids)),
      source: 'api',
      at: now,
      reportedAt: now,
      proof: requesterDetail(requester),
    };
    const { record, outcome } = await changeRecord<AuthorizationResult['outcome']>(
      dependencies,
      key,
      known,
      (stored) => {
        if (!stored) return { outcome: 'not_found' };
        if (stored.erasedAt !== undefined) return { outcome: 'erased' };
        if (isAuthorized(stored)) return { outcome: 'unchanged' };
        if (isFinal(stored.state)) return { outcome: 'already_final' };
        return { next: withAuthorization(stored, report), outcome: 'authorized' };
      },
    );
    if (outcome === 'erased') return { outcome };
    if (!record || outcome === 'not_found') return { outcome: 'not_found' };
    if (outcome === 'already_final') return { outcome, state: record.state ?? 'CANCELED' };
    return { outcome, record };
  };
