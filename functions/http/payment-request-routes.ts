import type { cancelPaymentRequest, dryRunCancel } from '../application/cancel-payment-request.ts';
import type { listPaymentRequests } from '../application/list-payment-requests.ts';
import type { Accounts, PaymentRequestStore } from '../application/ports.ts';
import type { refreshPaymentRequest } from '../application/refresh-payment-request.ts';
import type { AccountSettings } from '../domain/account-settings.ts';
import type { Account, PaymentRequestKey } from '../domain/identifiers.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { note } from '../telemetry/telemetry.ts';
import { repeatedCancel } from '../application/repeat-safely.ts';
import { idempotentCallOf, oncePerKey, type RepeatSafely } from './idempotency.ts';
import { callerCauseOf, requesterOf } from './caller.ts';
import { cancelResponse } from './cancel-response.ts';
import { listRequestOf, listResponse } from './list-request.ts';
import { accountOf, keyOf, queryOf } from './parse-request.ts';
import { historyOf, viewOf } from './payment-request-view.ts';
import { erasedRequest, klarnaDenied, Problem } from './problem.ts';
import { jsonResponse } from './response.ts';
import { noQuery, recordQuery, requestCancelQuery } from './query-schemas.ts';
import type { RouteHandler } from './serve-routes.ts';

/** What the GET routes of Payment Requests need. */
export interface PaymentRequestReading {
  readonly accounts: Accounts;
  readonly read: PaymentRequestStore['read'];
  readonly refresh: ReturnType<typeof refreshPaymentRequest>;
  readonly list: ReturnType<typeof listPaymentRequests>;
}

/** GET of a record, of its history and of the list. Only a refresh reads the account's settings, because only it calls Klarna. */
export function paymentRequestReadRoutes({ accounts, read, refresh, list }: PaymentRequestReading) {
  const readKept = async (key: PaymentRequestKey): Promise<PaymentRequest | undefined> => {
    const record = await read(key);
    if (record?.erasedAt === undefined) return record;
    throw erasedRequest(key);
  };
  const recordOf = async (key: PaymentRequestKey): Promise<PaymentRequest> => {
    const record = await readKept(key);
    if (record) return record;
    throw unknownRequest(
      key,
      'There is no record of this Payment Request: no registration, no cancel, no webhook.',
    );
  };
  return {
    'GET /accounts/{account}/payment-requests/{payment_request_id}': async (event, account) => {
      const key = keyOf(event, { account });
      const query = queryOf(event, recordQuery);
      if (!query.refresh) return jsonResponse(200, viewOf(await recordOf(key)));
      const settings = await accountOf(event, accounts);
      const { outcome, record } = await refresh(key, settings, await readKept(key));
      if (record) return jsonResponse(200, { ...viewOf(record), refresh: outcome });
      switch (outcome) {
        case 'not_found':
          throw unknownRequest(
            key,
            'There is no record of this Payment Request, and Klarna does not know it.',
          );
        case 'klarna_denied':
          throw klarnaDenied('There is no record of this Payment Request.', {
            payment_request_id: key.paymentRequestId,
          });
        case 'refreshed':
        case 'unknown':
          throw new Problem('unavailable', {
            detail:
              'There is no record of this Payment Request, and Klarna gave no clear response. Repeat the call.',
            retryAfter: 5,
          });
      }
    },
    'GET /accounts/{account}/payment-requests/{payment_request_id}/history': async (event, account) => {
      const key = keyOf(event, { account });
      queryOf(event, noQuery);
      return jsonResponse(200, historyOf(await recordOf(key)));
    },
    'GET /accounts/{account}/payment-requests': async (event, account) => {
      const { filter, before, limit } = listRequestOf(event, account);
      return listResponse(account, filter, await list(account, filter, before, limit));
    },
  } satisfies Readonly<Record<string, RouteHandler<Account>>>;
}

/** What DELETE of a Payment Request needs. */
export interface PaymentRequestCancel {
  readonly cancel: ReturnType<typeof cancelPaymentRequest>;
  readonly dryRun: ReturnType<typeof dryRunCancel>;
  readonly repeatSafely: RepeatSafely;
}

/** DELETE of a Payment Request: cancels it unless the customer has paid. */
export const paymentRequestCancelRoutes = ({ cancel, dryRun, repeatSafely }: PaymentRequestCancel) =>
  ({
    'DELETE /accounts/{account}/payment-requests/{payment_request_id}': async (event, account) => {
      const key = keyOf(event, account);
      const query = queryOf(event, requestCancelQuery);
      const command = {
        cause: callerCauseOf(event),
        reason: query.reason,
        ...requesterOf(event),
        allowCompleted: query.allow_completed ?? account.cancelCompleted,
      } as const;
      const result = query.dry_run
        ? await dryRun(key, command, account)
        : await oncePerKey(
            repeatSafely,
            idempotentCallOf(event),
            key,
            repeatedCancel(() => cancel(key, command, account)),
          );
      const { account: name, paymentRequestId } = key;
      note('cancel.done', { account: name, payment_request_id: paymentRequestId, outcome: result.outcome });
      return cancelResponse(key, result);
    },
  }) satisfies Readonly<Record<string, RouteHandler<AccountSettings>>>;

const unknownRequest = ({ paymentRequestId }: PaymentRequestKey, detail: string): Problem =>
  new Problem('not-found', { detail, members: { payment_request_id: paymentRequestId } });
