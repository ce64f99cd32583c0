import type { AccountSettings } from '../domain/account-settings.ts';
import { ConfigurationError } from '../domain/configuration-error.ts';
import { carryOn } from '../domain/cancellation.ts';
import { withoutAuthorization, withAuthorizationWatch } from '../domain/confirmation.ts';
import { type Account, ownEventId, parseReference, type PaymentRequestKey } from '../domain/identifiers.ts';
import type { Instant } from '../domain/instant.ts';
import { isKlarnaExpiryOpen, type PaymentRequest, type Question } from '../domain/payment-request.ts';
import { isOpen } from '../domain/payment-request-state.ts';
import { withResolvedQuestion } from '../domain/question.ts';
import {
  decideReconciliation,
  forgotten,
  isWorkDue,
  lateness,
  nextAttempt,
  type ReconcileAction,
  waitingSince,
  withoutDefaultTimer,
} from '../domain/reconciliation.ts';
import { armTimer } from './arm-timer.ts';
import { cancelPaymentRequest } from './cancel-payment-request.ts';
import { changeRecord } from './change-record.ts';
import { compareSession } from './compare-attempts.ts';
import { endExpiredSession, type TimeoutDependencies, type TimeoutOutcome } from './end-expired-session.ts';
import type { Pace } from './pace-calls.ts';
import { joinReference, type JoinDependencies } from './join-authorizations.ts';
import type { Accounts, DuePaymentRequests } from './ports.ts';
import { type Refresh, refreshPaymentRequest } from './refresh-payment-request.ts';
import { armByDefault, type SessionDependencies } from './register-session.ts';
import { type SettleDependencies, settleReference } from './settle-reference.ts';
import type { WaitingSince } from '../domain/sweep-memory.ts';
import { takeTurns } from './take-turns.ts';
import type { SeenRecord, UnsettledWatch } from './watch-unsettled.ts';
import { shortId } from './short-id.ts';

/** What the sweep needs. */
export interface ReconcileDependencies
  extends
    Omit<TimeoutDependencies, 'turn'>,
    Pick<JoinDependencies, 'authorizations' | 'list'>,
    Pick<SettleDependencies, 'awaited' | 'references'> {
  readonly due: DuePaymentRequests;
  readonly accounts: Accounts;
  readonly syncExpiry: SessionDependencies['syncExpiry'];
  /** The pace of the calls to Klarna. */
  readonly pace: Pick<Pace, 'turn'>;
  /** Called with the outcome of each session's end, and the milliseconds since its deadline. */
  readonly onTimeout: (outcome: TimeoutOutcome, lateness: number) => void;
  /** Called with each record that could not be settled. The sweep goes on, and tries the record again later. */
  readonly onFault: (key: PaymentRequestKey, error: unknown) => void;
}

/** The result for one record: the action; `held` until it is its account's turn to call Klarna; `failed`. */
type Attempt = ReconcileAction | 'held' | 'failed';

/** How many records had each result. */
export type ReconcileReport = Readonly<Record<Attempt, number>>;

/**
 * How many records are reconciled at the same time: few at first, one more after each success, one fewer after each failure. So a
 * table or a Klarna with problems is not overloaded. A cancel mostly waits for Klarna, about two thirds of a second. So the maximum
 * ends about eighty sessions a second, less than the timers do at their busiest.
 */
const fewest = 8;
const most = 64;
/**
 * Records of an account that one run still reads after it had to hold one, to find those that need no call. The run holds all others
 * unread, so that there is time for other accounts.
 */
const mostOfLimited = 10_000;

/**
 * Reconciles every due record: ends sessions past their deadline, settles cancels whose end is not known, arms timers. Begins no
 * record after `until`, in milliseconds since 1970. Accounts take turns, whatever the number of their records. Records for whose calls
 * there is no turn before `until` wait for the next run, which begins with them.
 *
 * @param see called with each record that was read, and with the first one that there was no time for
 */
export const reconcilePaymentRequests =
  (dependencies: ReconcileDependencies) =>
  async (until: number, see: UnsettledWatch['see'] = () => undefined): Promise<ReconcileReport> => {
    const { clock, due } = dependencies;
    const limited = new Map<Account, number>();
    const report = emptyReport();
    const running = new Set<Promise<void>>();
    let width = fewest;
    let onDone = (): void => undefined;
    const run = async (key: PaymentRequestKey): Promise<void> => {
      const result = await reconcile({ ...dependencies, see, until }, key, limited);
      report[result] += 1;
      width = result === 'failed' ? Math.max(fewest, width - 1) : Math.min(most, width + 1);
    };
    for await (const key of takeTurns(due.due(clock.instant()))) {
      if (clock.now() >= until) {
        see({ key, waiting: undefined, attempts: 0, result: 'left' });
        break;
      }
      const attempt = run(key).finally(() => {
        running.delete(attempt);
        onDone();
      });
      running.add(attempt);
      // Not Promise.race over all: a slow attempt would keep references of every race before.
      while (running.size >= width) await new Promise<void>((resolve) => (onDone = resolve));
    }
    await Promise.all(running);
    return report;
  };

const emptyReport = (): Record<Attempt, number> => ({
  nothing: 0,
  forget: 0,
  resume: 0,
  compare: 0,
  expire: 0,
  end: 0,
  arm: 0,
  confirm: 0,
  arm_default: 0,
  ask: 0,
  read: 0,
  held: 0,
  failed: 0,
});

async function reconcile(
  dependencies: ReconcileDependencies & Pick<UnsettledWatch, 'see'> & { readonly until: number },
  key: PaymentRequestKey,
  limited: Map<Account, number>,
): Promise<Attempt> {
  const { store, accounts, pace, clock, see, until } = dependencies;
  let record: PaymentRequest | undefined;
  let waiting: WaitingSince | undefined;
  const seen = (result: SeenRecord['result']): void =>
    see({ key, waiting, attempts: record?.attempts ?? 0, result });
  try {
    const readSince = limited.get(key.account);
    if (readSince === mostOfLimited) return 'held';
    if (readSince !== undefined) limited.set(key.account, readSince + 1);
    record = await store.read(key);
    if (!record) return 'nothing';
    waiting = waitingSince(record);
    const action = decideReconciliation(record, clock.instant());
    if (action === 'nothing') return action;
    const hold = (): Attempt => {
      limited.set(key.account, limited.get(key.account) ?? 0);
      seen('held');
      return 'held';
    };
    if (limited.has(key.account) && callsKlarna.has(action)) return hold();
    const settings = await accounts.find(key.account);
    if (!settings) throw new ConfigurationError(`The account ${key.account} has no entry and no credential.`);
    if (waitsForSweep.has(action) && !(await pace.turn(settings, 'sweep', until))) return hold();
    const turn = (whose: AccountSettings): Promise<boolean> => pace.turn(whose, 'timer', until);
    const done = await actions[action]({ ...dependencies, turn }, record, settings);
    if (done === 'held') return hold();
    seen('tried');
    return isOwnCancel(record, action) ? 'confirm' : action;
  } catch (error) {
    dependencies.onFault(key, error);
    seen('failed');
    await tryLater(dependencies, key, record).catch((again: unknown) => dependencies.onFault(key, again));
    return 'failed';
  }
}

/** Whether it carried out a cancel that the sweep itself wants, which repairs nothing. */
const isOwnCancel = ({ cancellation }: PaymentRequest, action: ReconcileAction): boolean =>
  action === 'resume' && cancellation?.cause === 'sweep';

const callsKlarna: ReadonlySet<ReconcileAction> = new Set(['resume', 'expire', 'end', 'ask', 'read']);

/** Actions that take their turn here. The end of a session takes it where it is decided. */
const waitsForSweep: ReadonlySet<ReconcileAction> = new Set(['resume', 'ask', 'read']);

type Act = (
  dependencies: ReconcileDependencies & Pick<TimeoutDependencies, 'turn'>,
  record: PaymentRequest,
  settings: AccountSettings,
) => Promise<unknown>;

const forget: Act = (dependencies, record) => forgetAs(dependencies, record, forgotten);

/** Writes that nothing is left to do, onto the version that was read. A record that has changed since then comes back by itself. */
const forgetAs = (
  dependencies: ReconcileDependencies,
  record: PaymentRequest,
  decide: (stored: PaymentRequest) => PaymentRequest,
) =>
  changeRecord(dependencies, record, record, (stored) => ({
    next: stored?.version === record.version ? decide(stored) : undefined,
    outcome: undefined,
  }));

/** Ends the session, as its timer would have. */
const end: Act = async (dependencies, record, settings) => {
  const outcome = await endExpiredSession(dependencies)(record, settings, record);
  if (outcome.kind === 'held') return 'held';
  dependencies.onTimeout(outcome, lateness(record, dependencies.clock.instant()));
  return outcome.kind;
};

/**
 * Reads Klarna. Notes the response to an open question. Tries again later if the read has not settled what it was for. Else the
 * attempts are over: other work that the record has must not wait for as long as they did.
 */
const read: Act = async (dependencies, record, settings) => {
  const { question } = record;
  const refreshed = await refreshPaymentRequest(dependencies)(record, settings, record);
  const { outcome, record: latest } = refreshed;
  const isSettled = outcome === 'refreshed' && !isWorkDue(latest, 'read', dependencies.clock.instant());
  if (question && (outcome === 'refreshed' || outcome === 'not_found'))
    await noteResponse(dependencies, question, refreshed);
  else if (!isSettled) await tryLater(dependencies, record, latest);
  else if (latest.attempts > 0) await forget(dependencies, latest, settings);
};

/**
 * Looks at an approved payment that nothing told to be authorized. A report with its reference may wait. Cancels it where it lapsed and
 * the account wants that, but not while the reference does not tell which of several payments is authorized.
 */
const confirm: Act = async (dependencies, record, settings) => {
  const { clock } = dependencies;
  const reference = parseReference(record.reference ?? '');
  const waiting = reference === undefined ? 0 : await joinReference(dependencies)(record.account, reference);
  const cancels = settings.cancelUnauthorized && waiting === 0;
  const { record: found } = await changeRecord(
    dependencies,
    record,
    reference === undefined ? record : await dependencies.store.read(record),
    (stored) => {
      const watched = stored && withAuthorizationWatch(stored, settings);
      const next = watched && (withoutAuthorization(watched, cancels, clock.instant()) ?? watched);
      return { next, outcome: undefined };
    },
  );
  const { cancellation } = found ?? {};
  if (!found || cancellation?.cause !== 'sweep' || cancellation.outcome !== 'pending') return;
  // Where it is not the account's turn, the next run carries it on.
  if (!(await dependencies.turn(settings))) return;
  await cancelPaymentRequest(dependencies)(found, carryOn(cancellation, 'lapse:sweep'), settings, found);
};

/** Arms a timer that could not be armed before. Rejects if that fails again, so that the record counts as failed. */
const armPending = (dependencies: ReconcileDependencies, record: PaymentRequest): Promise<PaymentRequest> =>
  armTimer({
    ...dependencies,
    onTimerFault: (error) => {
      throw error;
    },
  })(record);

const actions: Readonly<Record<Exclude<ReconcileAction, 'nothing'>, Act>> = {
  forget,
  resume: async (dependencies, record, settings) => {
    // Stryker disable next-line ConditionalExpression: a record to resume has a cancellation
    if (!record.cancellation) return;
    const command = carryOn(record.cancellation, 'lapse:sweep');
    const cancel = await cancelPaymentRequest(dependencies)(record, command, settings, record);
    if (cancel.outcome === 'pending' && cancel.hasGrace) await armTimer(dependencies)(cancel.record);
  },
  compare: async (dependencies, record, settings) => {
    const { kind } = await compareSession(dependencies)(record, settings, record);
    return kind;
  },
  expire: end,
  end,
  arm: async (dependencies, record, settings) => {
    const armed = record.timer === 'pending' ? await armPending(dependencies, record) : record;
    const synced = await dependencies.syncExpiry(armed, settings);
    // Klarna refused to move its expiry, so the deadline is earlier now.
    const moved = synced.deadlineAt === armed.deadlineAt ? synced : await armTimer(dependencies)(synced);
    if (isKlarnaExpiryOpen(moved)) await tryLater(dependencies, moved, moved, isKlarnaExpiryOpen);
    else if (moved.attempts > 0) await forget(dependencies, moved, settings);
  },
  arm_default: async (dependencies, record, settings) => {
    // What waits for its reference comes first, where the stream's message was lost.
    if (await settledFor(dependencies, record, settings)) return;
    const { defaultSessionTimeout, armOnSubmitted } = settings;
    const armed =
      armOnSubmitted && defaultSessionTimeout !== undefined && isOpen(record.state)
        ? await armByDefault(dependencies)(record, defaultSessionTimeout, settings)
        : undefined;
    // Stryker disable next-line ConditionalExpression: forgetting an armed record changes nothing: its version is newer
    if (!armed?.record?.session) {
      await forgetAs(dependencies, record, (stored) =>
        withAuthorizationWatch(withoutDefaultTimer(stored), settings),
      );
    }
  },
  confirm,
  ask: read,
  read,
};

/** Settles what waits for the reference of a record that no caller has registered. Returns whether anything did. */
async function settledFor(
  dependencies: ReconcileDependencies & Pick<TimeoutDependencies, 'turn'>,
  { account, reference: text, paymentRequestId }: PaymentRequest,
  settings: AccountSettings,
): Promise<boolean> {
  const reference = text === undefined ? undefined : parseReference(text);
  if (!reference) return false;
  const outcome = await settleReference(dependencies)({ account, reference }, settings, paymentRequestId);
  return outcome !== 'nothing' && outcome !== 'never_seen';
}

/** Notes the response to a question that webhooks left open, and when the record is due again. */
function noteResponse(
  dependencies: ReconcileDependencies,
  question: Question,
  { record, outcome, proof }: Refresh<PaymentRequest>,
) {
  const { clock, ids } = dependencies;
  const eventId = ownEventId('sweep', shortId(ids));
  const detail = { response: outcome, ...proof };
  return changeRecord(dependencies, record, record, (stored) => ({
    next: stored && withResolvedQuestion(stored, question, { eventId, detail }, clock.instant()),
    outcome: undefined,
  }));
}

/**
 * Puts off a record that could not be settled now, by an interval that grows with its attempts. A record without that work stays as it
 * is.
 */
async function tryLater(
  dependencies: ReconcileDependencies,
  key: PaymentRequestKey,
  known: PaymentRequest | undefined,
  hasWork: (stored: PaymentRequest, now: Instant) => boolean = isDue,
): Promise<void> {
  const { store, clock } = dependencies;
  await changeRecord(dependencies, key, known ?? (await store.read(key)), (stored) => {
    const now = clock.instant();
    return {
      next: stored && hasWork(stored, now) ? { ...stored, ...nextAttempt(stored, now) } : undefined,
      outcome: undefined,
    };
  });
}

const isDue = ({ dueAt }: PaymentRequest, now: Instant): boolean => dueAt !== undefined && dueAt <= now;

/** How many records the sweep repaired: it did what the timer, a webhook or a caller should have done. */
export const repairs = (report: ReconcileReport): number =>
  report.resume + report.compare + report.end + report.arm + report.read;

/** How many records were due when the sweep read them. */
export const dueIn = ({ nothing: _, ...actions }: ReconcileReport): number =>
  Object.values(actions).reduce((sum, records) => sum + records, 0);
