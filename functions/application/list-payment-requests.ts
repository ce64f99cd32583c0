import type { Account } from '../domain/identifiers.ts';
import type { Instant } from '../domain/instant.ts';
import type { ListCursor } from '../domain/list-cursor.ts';
import type { Attention, PaymentRequest } from '../domain/payment-request.ts';
import { isOpen, type PaymentRequestState, paymentRequestStates } from '../domain/payment-request-state.ts';
import type { PaymentRequestList, PaymentRequestStore } from './ports.ts';

/** The filters of a list. A record must pass all that are given. */
export interface ListFilter {
  readonly state?: PaymentRequestState | undefined;
  /** Whether the customer may still pay. A request whose state Klarna has not told counts as open. */
  readonly open?: boolean | undefined;
  /** Only records with a deadline before this moment. */
  readonly dueBefore?: Instant | undefined;
  /** Only records that need a person for this. */
  readonly attention?: Attention | undefined;
}

/** A page, newest first. It may hold fewer records than asked for, even none, while `next` tells where to continue. */
export interface ListPage {
  readonly records: readonly PaymentRequest[];
  /** Where the next page begins; absent at the end of the list. */
  readonly next: ListCursor | undefined;
}

/** Records that are read for one page at most: filters that the index does not have are applied to the record. */
const mostReads = 300;

/** Lists the records of an account. It reads each record, so a page never shows one that does not pass the filter any more. */
export const listPaymentRequests =
  ({ store, list }: { readonly store: PaymentRequestStore; readonly list: PaymentRequestList }) =>
  async (
    account: Account,
    filter: ListFilter,
    before: ListCursor | undefined,
    limit: number,
  ): Promise<ListPage> => {
    const states = statesOf(filter);
    const records: PaymentRequest[] = [];
    let position = before;
    for (let reads = 0; reads < mostReads; reads += limit) {
      // One more than is read says whether there is more.
      const listed = await list.listed(account, states, position, limit + 1);
      const batch = await Promise.all(
        listed.slice(0, limit).map(async (key) => ({ ...key, record: await store.read(key) })),
      );
      for (const [index, each] of batch.entries()) {
        const { record } = each;
        position = each.position;
        if (record && passes(record, filter)) records.push(record);
        if (records.length === limit) {
          return { records, next: index + 1 < listed.length ? position : undefined };
        }
      }
      if (listed.length <= limit) return { records, next: undefined };
    }
    return { records, next: position };
  };

const passes = ({ state, deadlineAt, attention }: PaymentRequest, filter: ListFilter): boolean =>
  statesOf(filter).includes(state) &&
  // Stryker disable next-line ConditionalExpression: only the compiler needs the check
  (filter.dueBefore === undefined || (deadlineAt !== undefined && deadlineAt < filter.dueBefore)) &&
  (filter.attention === undefined || attention === filter.attention);

const statesOf = ({ state, open }: ListFilter): readonly (PaymentRequestState | undefined)[] =>
  [undefined, ...paymentRequestStates].filter(
    (each) => (state === undefined || each === state) && (open === undefined || isOpen(each) === open),
  );
