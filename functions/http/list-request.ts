import { createHash } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as v from 'valibot';
import { type ListFilter, type ListPage, selectionOf } from '../application/list-payment-requests.ts';
import { type Account, parseSessionId } from '../domain/identifiers.ts';
import { type ListCursor, parseListCursor } from '../domain/list-cursor.ts';
import type { Attention } from '../domain/attention.ts';
import { isOpen, paymentRequestStates } from '../domain/payment-request-state.ts';
import { choice, flag, pathId, queryOf, text, time } from './parse-request.ts';
import { viewOf } from './payment-request-view.ts';
import { invalid, shown } from './problem.ts';
import { type HttpResponse, jsonResponse } from './response.ts';

const largestPage = 100;
const limitFormat = `a whole number from 1 to ${largestPage}`;
const cursorFormat = 'the next_cursor of a page with the same account and filters';

const attentions = [
  'contradiction',
  'canceled_after_completed',
  'paid_twice',
  'not_authorized',
  'not_found',
  'klarna_denied',
  'unknown_state',
] as const satisfies readonly Attention[];

/** The query of a list. A test compares it with docs/api.yaml. */
export const listQuery = v.strictObject({
  state: v.optional(choice(paymentRequestStates)),
  open: v.optional(flag),
  session_id: v.optional(v.pipe(pathId, v.transform(parseSessionId))),
  reference: v.optional(text),
  due_before: v.optional(time),
  attention: v.optional(choice(attentions)),
  would_cancel: v.optional(
    v.pipe(
      choice(['true']),
      v.transform(() => true as const),
    ),
  ),
  cursor: v.optional(v.string(cursorFormat)),
  limit: v.optional(
    v.pipe(
      v.string(limitFormat),
      v.regex(/^\d{1,3}$/, limitFormat),
      v.transform(Number),
      v.minValue(1, limitFormat),
      v.maxValue(largestPage, limitFormat),
    ),
    '25',
  ),
});

export interface ListRequest {
  readonly filter: ListFilter;
  readonly before: ListCursor | undefined;
  readonly limit: number;
}

/** The records that a caller wants listed. Throws the problem to respond with. */
export function listRequestOf(event: APIGatewayProxyEventV2, account: Account): ListRequest {
  const { state, open, session_id, reference, due_before, attention, would_cancel, cursor, limit } = queryOf(
    event,
    listQuery,
  );
  const filter = {
    state,
    open,
    sessionId: session_id,
    reference,
    dueBefore: due_before?.at,
    attention,
    wouldCancel: would_cancel,
  };
  checkIndex(account, filter);
  return { filter, before: cursor === undefined ? undefined : positionOf(cursor, account, filter), limit };
}

/** Throws unless an index lists what the filter asks for: only open records are listed without another index. */
function checkIndex(account: Account, filter: ListFilter): void {
  if (selectionOf(account, filter).by !== 'open') return;
  const others = 'another value together with session_id, reference, attention or would_cancel';
  if (filter.open === false) throw invalid({ field: 'open', given: 'false', allowed: `true, or ${others}` });
  if (!isOpen(filter.state)) {
    throw invalid({ field: 'state', given: filter.state, allowed: `SUBMITTED or IN_PROGRESS, or ${others}` });
  }
}

/** A page as the API shows it, with the cursor of the next one. */
export const listResponse = (
  account: Account,
  filter: ListFilter,
  { records, next }: ListPage,
): HttpResponse =>
  jsonResponse(200, {
    payment_requests: records.map(viewOf),
    next_cursor: next ? cursorOf(next, account, filter) : null,
  });

/**
 * A cursor names a position, and the list that it is a position in. It is not a secret and gives no access, since the account comes
 * from the path. A cursor of another account or filter would leave records out silently, so it is refused.
 */
const cursorOf = (position: ListCursor, account: Account, filter: ListFilter): string =>
  Buffer.from(`${listOf(account, filter)}#${position}`).toString('base64url');

function positionOf(cursor: string, account: Account, filter: ListFilter): ListCursor {
  const [list, ...rest] = Buffer.from(cursor, 'base64url').toString('utf8').split('#');
  const position = parseListCursor(rest.join('#'));
  if (position && list === listOf(account, filter) && cursorOf(position, account, filter) === cursor) {
    return position;
  }
  throw invalid({ field: 'cursor', given: shown(cursor), allowed: cursorFormat });
}

/** A short name for the list of an account with a filter. */
const listOf = (account: Account, filter: ListFilter): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        account,
        filter.state ?? null,
        filter.open ?? null,
        filter.sessionId ?? null,
        filter.reference ?? null,
        filter.dueBefore ?? null,
        filter.attention ?? null,
        filter.wouldCancel ?? null,
      ]),
    )
    .digest('hex')
    .slice(0, 16);
