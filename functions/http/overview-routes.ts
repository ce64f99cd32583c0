import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as v from 'valibot';
import type { previewSweep } from '../application/preview-sweep.ts';
import type { Clock } from '../application/ports.ts';
import type { AccountsView, viewAccounts } from '../application/view-accounts.ts';
import { formatInstant } from '../domain/instant.ts';
import { authorizeAdmin } from './caller.ts';
import { queryOf, time } from './parse-request.ts';
import { type HttpResponse, jsonResponse } from './response.ts';

const limitFormat = 'a whole number from 1 to 100';

const limit = v.exactOptional(
  v.pipe(v.string(limitFormat), v.regex(/^(?:[1-9]\d?|100)$/, limitFormat), v.transform(Number)),
  '20',
);

/** The query of the overview. */
export const overviewQuery = v.strictObject({ limit });

/** The query of the preview: until when records are due. */
export const previewQuery = v.strictObject({ limit, at: v.exactOptional(time) });

/** What the overview is read with. */
export interface OverviewReading {
  readonly view: ReturnType<typeof viewAccounts>;
  readonly preview: ReturnType<typeof previewSweep>;
  readonly clock: Pick<Clock, 'instant'>;
}

/** GET of what is open, late or wrong over all accounts, and of what the sweep would do. */
export const overviewRoutes = ({ view, preview, clock }: OverviewReading) => ({
  'GET /overview': async (event: APIGatewayProxyEventV2): Promise<HttpResponse> => {
    authorizeAdmin(event);
    const { limit } = queryOf(event, overviewQuery);
    const { open, overdue, attention, quarantine } = await view(limit);
    return jsonResponse(200, {
      open: shown(open),
      overdue: shown(overdue),
      attention: shown(attention),
      quarantine: { count: quarantine.count, is_whole: quarantine.isWhole },
    });
  },
  'GET /sweep-preview': async (event: APIGatewayProxyEventV2): Promise<HttpResponse> => {
    authorizeAdmin(event);
    const query = queryOf(event, previewQuery);
    const at = query.at?.at ?? clock.instant();
    const { counts, first, isWhole, jobs, references } = await preview(at, query.limit);
    return jsonResponse(200, {
      at: formatInstant(at),
      counts,
      is_whole: isWhole,
      cancel_jobs: jobs,
      references,
      first: first.map(({ account, paymentRequestId, action, reason, deadlineAt }) => ({
        account,
        payment_request_id: paymentRequestId,
        action,
        reason: reason ?? null,
        deadline_at: deadlineAt ? formatInstant(deadlineAt) : null,
      })),
    });
  },
});

const shown = ({ count, isWhole, largest, first }: AccountsView) => ({
  count,
  is_whole: isWhole,
  largest,
  first: first.map(({ account, paymentRequestId, at }) => ({
    account,
    payment_request_id: paymentRequestId,
    at,
  })),
});
