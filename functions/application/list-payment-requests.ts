import type { Account, SessionId } from '../domain/identifiers.ts';
import type { Instant } from '../domain/instant.ts';
import type { ListCursor } from '../domain/list-cursor.ts';
import type { Attention } from '../domain/attention.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { isOpen, type PaymentRequestState } from '../domain/payment-request-state.ts';
import type { ListSelection, OnUnreadable, PaymentRequestList, PaymentRequestStore } from './ports.ts';

/**
 * The filters of a list. A record must pass all that are given. Session, reference, attention and `wouldCancel` each have an index, which
 * lists records in any state. Without one of them, only open records are listed.
 */
export interface ListFilter {
  readonly state?: PaymentRequestState | undefined;
  /** Whether the customer may still pay. A request whose state Klarna has not told counts as open. */
  readonly open?: boolean | undefined;
  readonly sessionId?: SessionId | undefined;
  readonly reference?: string | undefined;
  /** Only records with a deadline before this moment. */
  readonly dueBefore?: Instant | undefined;
  /** Only records that need a person for this. */
  readonly attention?: Attention | undefined;
  /** Only records whose timer found the session over and only observed it. */
  readonly wouldCancel?: true | undefined;
}

/** A page, newest first. It may hold fewer records than asked for, even none, while `next` tells where to continue. */
export interface ListPage {
  readonly records: readonly PaymentRequest[];
  /** Where the next page begins; absent at the end of the list. */
  readonly next: ListCursor | undefined;
}

/** Records that are read for one page at most: filters that the index does not have are applied to the record. */
const mostReads = 300;

/** The index that lists the fewest records of those that pass the filter. */
export function selectionOf(
  account: Account,
  { sessionId, reference, attention, wouldCancel }: ListFilter,
): ListSelection {
  if (sessionId !== undefined) return { by: 'session', account, sessionId };
  if (reference !== undefined) return { by: 'reference', account, reference };
  if (attention !== undefined) return { by: 'attention', account };
  return { by: wouldCancel ? 'would_cancel' : 'open', account };
}

/**
 * Lists the records of an account: one query and one read of many records for a page. A page never shows a record that does not
 * pass the filter any more, nor one that cannot be read.
 */
export const listPaymentRequests =
  ({
    store,
    list,
    onUnreadable,
  }: {
    readonly store: Pick<PaymentRequestStore, 'readAll'>;
    readonly list: PaymentRequestList;
    readonly onUnreadable: OnUnreadable;
  }) =>
  async (
    account: Account,
    filter: ListFilter,
    before: ListCursor | undefined,
    limit: number,
  ): Promise<ListPage> => {
    const selection = selectionOf(account, filter);
    const records: PaymentRequest[] = [];
    let position = before;
    for (let reads = 0; reads < mostReads; reads += limit) {
      // One more than is read says whether there is more.
      const listed = await list.listed(selection, position, limit + 1);
      const page = listed.slice(0, limit);
      const read = await store.readAll(page, onUnreadable);
      const found = new Map(read.map((record) => [record.paymentRequestId, record]));
      for (const [index, each] of page.entries()) {
        const record = found.get(each.paymentRequestId);
        position = each.position;
        if (record && passes(record, filter, selection)) records.push(record);
        if (records.length === limit) {
          return { records, next: index + 1 < listed.length ? position : undefined };
        }
      }
      if (listed.length <= limit) return { records, next: undefined };
    }
    return { records, next: position };
  };

const passes = (
  { state, sessionId, reference, deadlineAt, attention, wouldCancel }: PaymentRequest,
  filter: ListFilter,
  { by }: ListSelection,
): boolean =>
  (by === 'open' ? isOpen(state) : true) &&
  (filter.state === undefined || state === filter.state) &&
  (filter.open === undefined || isOpen(state) === filter.open) &&
  (filter.sessionId === undefined || sessionId === filter.sessionId) &&
  (filter.reference === undefined || reference === filter.reference) &&
  // Stryker disable next-line ConditionalExpression: only the compiler needs the check
  (filter.dueBefore === undefined || (deadlineAt !== undefined && deadlineAt < filter.dueBefore)) &&
  (filter.attention === undefined || attention === filter.attention) &&
  (!filter.wouldCancel || wouldCancel !== undefined);
