import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as v from 'valibot';
import type { AccountsView, viewAccounts } from '../application/view-accounts.ts';
import { authorizeAdmin } from './caller.ts';
import { queryOf } from './parse-request.ts';
import { type HttpResponse, jsonResponse } from './response.ts';

const limitFormat = 'a whole number from 1 to 100';

/** The query of the overview. */
export const overviewQuery = v.strictObject({
  limit: v.exactOptional(
    v.pipe(v.string(limitFormat), v.regex(/^(?:[1-9]\d?|100)$/, limitFormat), v.transform(Number)),
    '20',
  ),
});

/** What the overview is read with. */
export interface OverviewReading {
  readonly view: ReturnType<typeof viewAccounts>;
}

/** GET of what is open, late or wrong over all accounts. */
export const overviewRoutes = ({ view }: OverviewReading) => ({
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
