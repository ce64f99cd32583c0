import type { Account } from '../domain/identifiers.ts';
import type { Instant } from '../domain/instant.ts';
import type { ListCursor } from '../domain/list-cursor.ts';
import type { Attention, PaymentRequest } from '../domain/payment-request.ts';
import { isOpen, type PaymentRequestState, paymentRequestStates } from '../domain/payment-request-state.ts';
import type { PaymentRequestList, PaymentRequestStore } from './ports.ts';

/** What to list: everything, or what passes every one of these. */
export interface ListFilter {
  readonly state?: PaymentRequestState | undefined;
  /** Whether the customer may still pay; a request that Klarna has not spoken of counts as open. */
  readonly open?: boolean | undefined;
  /** Only what has a deadline, and an earlier one. */
  readonly dueBefore?: Instant | undefined;
  /** Only what a person should look at for this. */
  readonly attention?: Attention | undefined;
}

/** A page, newest first. It may hold fewer than asked for, even none, and `next` still say where to go on. */
export interface ListPage {
  readonly records: readonly PaymentRequest[];
  /** Where the next page begins; absent at the end of the list. */
  readonly next: ListCursor | undefined;
}

/** Records read for one page at most: what is not in the index is read and left out. */
const mostReads = 300;

/** Lists what an account has. Each record is read anew, so a page never shows what does not pass the filter any more. */
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
