import type { CancelCommand } from './cancellation.ts';
import type { HistoryEntry } from './history-entry.ts';
import { hasRecorded, withEntry } from './history.ts';
import { ownEventId, type PaymentRequestId } from './identifiers.ts';
import type { Instant } from './instant.ts';
import type { PaymentRequest } from './payment-request.ts';
import { isFinal, isOpen } from './payment-request-state.ts';

/** The attempts of a session that the customer has paid, and those that can still be paid, the oldest first. */
export interface SessionAttempts {
  readonly paid: readonly PaymentRequestId[];
  readonly open: readonly PaymentRequestId[];
}

/** The attempts among the records of a session. */
export const attemptsIn = (members: readonly PaymentRequest[]): SessionAttempts => ({
  paid: members.filter(({ state }) => state === 'COMPLETED').map(({ paymentRequestId }) => paymentRequestId),
  open: members.filter(({ state }) => isOpen(state)).map(({ paymentRequestId }) => paymentRequestId),
});

/** The newest member that had ended, from which a new attempt recovers; `undefined` where none had. */
export const recoveredFrom = (members: readonly PaymentRequest[]): PaymentRequestId | undefined =>
  members.toSorted(byAge).findLast(({ state }) => isFinal(state))?.paymentRequestId;

/** What follows for the other attempts of a session. */
export interface Comparison {
  /** Open attempts that end, with the command that ends them. */
  readonly toEnd: readonly { readonly record: PaymentRequest; readonly command: CancelCommand }[];
  /** Open attempts that stay, and are looked into once they are paid. */
  readonly toWatch: readonly PaymentRequest[];
  /** All paid attempts, where there are two or more, in the order of their payments. */
  readonly paidTwice: readonly PaymentRequest[];
}

/**
 * Compares a record with the other attempts of its session. An attempt that was registered with `supersedes` ends older open ones. A
 * paid one ends all open ones where the account says so. No paid attempt is ever ended.
 *
 * @param members the records of the session, with this one
 */
export function compareAttempts(
  record: PaymentRequest,
  members: readonly PaymentRequest[],
  endsOthers: boolean,
): Comparison {
  const paid = members.filter(({ state }) => state === 'COMPLETED').toSorted(byPayment);
  const open = members.filter(
    (member) => isOpen(member.state) && member.paymentRequestId !== record.paymentRequestId,
  );
  const isPaid = record.state === 'COMPLETED';
  const mayEnd = (member: PaymentRequest): boolean =>
    (isPaid && endsOthers) ||
    (record.session?.supersedes === true && isOpen(record.state) && byAge(member, record) < 0);
  const requestedBy = isPaid && endsOthers ? 'lapse:end-other-attempts' : 'lapse:supersedes';
  const command: CancelCommand = {
    cause: 'superseded',
    reason: record.paymentRequestId,
    requestedBy,
    allowCompleted: false,
  };
  return {
    toEnd: open.filter(mayEnd).map((member) => ({ record: member, command })),
    toWatch: members.length > 1 ? open.filter((member) => !member.isOneOfSeveral && !mayEnd(member)) : [],
    paidTwice: paid.length > 1 ? paid : [],
  };
}

/** The order in which attempts were registered, else seen; of equal ones, by id. */
const byAge = (a: PaymentRequest, b: PaymentRequest): number => {
  const [first, second] = [a.session?.registeredAt ?? a.createdAt, b.session?.registeredAt ?? b.createdAt];
  if (first !== second) return first < second ? -1 : 1;
  // Stryker disable next-line EqualityOperator: no two members have the same id
  return a.paymentRequestId < b.paymentRequestId ? -1 : 1;
};

// Stryker disable next-line EqualityOperator: no two members have the same position
const byPayment = (a: PaymentRequest, b: PaymentRequest): number =>
  `${a.position ?? ''} ${a.paymentRequestId}` < `${b.position ?? ''} ${b.paymentRequestId}` ? -1 : 1;

/** The record, to be looked into once it is paid. `undefined` where it says so already, or is not open any more. */
export const withWatch = (record: PaymentRequest): PaymentRequest | undefined =>
  record.isOneOfSeveral || !isOpen(record.state) ? undefined : { ...record, isOneOfSeveral: true };

/**
 * The record of a paid attempt whose session has another one. The entry of each but the first payment makes the event. `undefined`
 * where the record says so already, or is not paid any more.
 *
 * @param paid all paid attempts of the session, in the order of their payments
 */
export function withPaidTwice(
  record: PaymentRequest,
  paid: readonly PaymentRequest[],
  now: Instant,
): PaymentRequest | undefined {
  const eventId = ownEventId('session', 'paid_twice');
  if (record.state !== 'COMPLETED' || record.attention === 'paid_twice' || hasRecorded(record, eventId))
    return undefined;
  const isFirst = paid[0]?.paymentRequestId === record.paymentRequestId;
  const other = paid.find(({ paymentRequestId }) => paymentRequestId !== record.paymentRequestId);
  const attention = 'paid_twice';
  const entry: HistoryEntry = {
    eventId,
    kind: 'session',
    recordedAt: now,
    effect: 'noted',
    state: record.state,
    attention,
    detail: {
      outcome: isFirst ? 'paid_first' : 'paid_again',
      ...(other && { paid_with: other.paymentRequestId }),
    },
  };
  return { ...withEntry(record, entry), attention };
}

/** Whether an entry tells a payment that another one of the session came before. It makes the event about both. */
export const isSecondPayment = ({ kind, detail }: HistoryEntry): boolean =>
  kind === 'session' && detail['outcome'] === 'paid_again';

/** The record once its session was looked into. `undefined` where nothing was to be done. */
export const withComparison = (record: PaymentRequest): PaymentRequest | undefined =>
  record.isToBeCompared ? { ...record, isToBeCompared: undefined } : undefined;
