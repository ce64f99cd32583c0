/** GET /accounts/{account}/payment-requests/{payment_request_id} and …/history: the record, and how it came to be so. */
import * as v from 'valibot';
import { apiHandler } from './runtime/api-handler.ts';
import { accountOf, flag, keyOf, queryOf } from './runtime/api-request.ts';
import { composeReading } from './runtime/composition-root.ts';
import { historyOf, viewOf } from './runtime/payment-request-view.ts';
import { jsonAnswer, Problem } from './runtime/problem.ts';
import { unknownRoute } from './runtime/unknown-route.ts';

const { accounts, read, refresh } = composeReading();

const recordQuery = v.strictObject({ refresh: v.optional(flag, 'false') });
const historyQuery = v.strictObject({});

export const handler = apiHandler(async (event) => {
  const isRecord = event.routeKey === 'GET /accounts/{account}/payment-requests/{payment_request_id}';
  const isHistory =
    event.routeKey === 'GET /accounts/{account}/payment-requests/{payment_request_id}/history';
  if (!isRecord && !isHistory) throw unknownRoute(event);

  const account = await accountOf(event, accounts);
  const key = keyOf(event, account);
  const asksKlarna = isRecord && queryOf(event, recordQuery).refresh;
  if (isHistory) queryOf(event, historyQuery);

  const record = await read(key);
  if (!record) {
    throw new Problem('not-found', {
      detail: 'Nothing is known of this Payment Request: no registration, no cancel, no webhook.',
      members: { payment_request_id: key.paymentRequestId },
    });
  }
  if (isHistory) return jsonAnswer(200, historyOf(record));
  if (!asksKlarna) return jsonAnswer(200, viewOf(record));
  const refreshed = await refresh(record, account);
  return jsonAnswer(200, { ...viewOf(refreshed.record), refresh: refreshed.outcome });
});
