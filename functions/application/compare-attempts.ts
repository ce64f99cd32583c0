import type { AccountSettings } from '../domain/account-settings.ts';
import type { PaymentRequestKey } from '../domain/identifiers.ts';
import { isOpen } from '../domain/payment-request-state.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import {
  compareAttempts,
  type Comparison,
  withComparison,
  withPaidTwice,
  withWatch,
} from '../domain/session-attempts.ts';
import { type CancelDependencies, cancelPaymentRequest } from './cancel-payment-request.ts';
import { changeRecord } from './change-record.ts';
import { mapConcurrently } from './map-concurrently.ts';
import type { OnUnreadable, SessionPaymentRequests } from './ports.ts';
import { readSession } from './read-session.ts';

/** What comparing the attempts of a session needs. */
export interface ComparisonDependencies extends CancelDependencies {
  readonly sessions: SessionPaymentRequests;
  /** Called with a record of the session that cannot be read. The others are compared without it. */
  readonly onUnreadable: OnUnreadable;
  /** Whether the account's turn to call Klarna has come, in time. It may wait. */
  readonly turn: (settings: AccountSettings) => Promise<boolean>;
}

/** `held`: it is not the account's turn to call Klarna, and the rest is left to do. */
export interface ComparisonResult {
  readonly kind: 'nothing' | 'compared' | 'held';
  /** The record as it then is. */
  readonly record: PaymentRequest | undefined;
}

/** Cancels at the same time. A session has a few attempts. */
const atOnce = 3;

/**
 * Looks into the other attempts of a session: ends those that this one supersedes, and marks two payments. Safe to repeat. A fault
 * leaves the record due, so that the sweep does the rest. A record that cannot be read holds up no other one.
 *
 * @param known the record, where the caller has just read it.
 */
export const compareSession =
  (dependencies: ComparisonDependencies) =>
  async (
    key: PaymentRequestKey,
    settings: AccountSettings,
    known?: PaymentRequest,
  ): Promise<ComparisonResult> => {
    const { store } = dependencies;
    const record = known ?? (await store.read(key));
    if (!record || !isToCompare(record)) return { kind: 'nothing', record };
    const members = await membersOf(dependencies, record);
    const comparison = compareAttempts(record, members, settings.endOtherAttempts);
    if (!(await endOthers(dependencies, settings, comparison))) return { kind: 'held', record };
    for (const member of comparison.toWatch) await change(dependencies, member, withWatch);
    const { paidTwice } = comparison;
    const mark = (stored: PaymentRequest) => withPaidTwice(stored, paidTwice, dependencies.clock.instant());
    for (const member of paidTwice)
      if (member.paymentRequestId !== record.paymentRequestId) await change(dependencies, member, mark);
    // The record itself comes last: it stays due until everything else is done.
    const compared = await change(dependencies, record, (stored) => {
      const marked = paidTwice.length > 0 ? (mark(stored) ?? stored) : stored;
      const next = withComparison(marked) ?? marked;
      return next === stored ? undefined : next;
    });
    return { kind: 'compared', record: compared };
  };

/** Whether a record has to be compared: it says so, or it is paid and belongs to a session. */
export const isToCompare = ({ isToBeCompared, state, sessionId }: PaymentRequest): boolean =>
  isToBeCompared === true || (state === 'COMPLETED' && sessionId !== undefined);

/** All attempts of the session, also where the index does not list this one yet. */
async function membersOf(
  dependencies: ComparisonDependencies,
  record: PaymentRequest,
): Promise<readonly PaymentRequest[]> {
  const { account, sessionId, paymentRequestId } = record;
  if (sessionId === undefined) return [record];
  const members = await readSession(dependencies)(account, sessionId, dependencies.onUnreadable);
  const others = members.filter((member) => member.paymentRequestId !== paymentRequestId);
  return [...others, record];
}

/** Ends the open attempts that give way. An attempt that stays open is looked into once it is paid. `false`: not yet. */
async function endOthers(
  dependencies: ComparisonDependencies,
  settings: AccountSettings,
  { toEnd }: Comparison,
): Promise<boolean> {
  const done = await mapConcurrently(toEnd, atOnce, async ({ record, command }) => {
    if (!(await dependencies.turn(settings))) return false;
    const { record: ended } = await cancelPaymentRequest(dependencies)(record, command, settings, record);
    if (ended && isOpen(ended.state)) await change(dependencies, ended, withWatch);
    return true;
  });
  return done.every(Boolean);
}

async function change(
  dependencies: ComparisonDependencies,
  record: PaymentRequest,
  decide: (stored: PaymentRequest) => PaymentRequest | undefined,
): Promise<PaymentRequest> {
  const { record: stored } = await changeRecord(dependencies, record, record, (latest) => ({
    next: latest && decide(latest),
    outcome: undefined,
  }));
  return stored ?? record;
}
