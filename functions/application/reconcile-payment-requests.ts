import { carryOn } from '../domain/cancellation.ts';
import { type Account, ownEventId, type PaymentRequestKey } from '../domain/identifiers.ts';
import { instantFromMillis } from '../domain/instant.ts';
import { ambiguityOf, type Ambiguity, withResponse } from '../domain/ambiguity.ts';
import { asNextVersion, isKlarnaExpiryEarly, type PaymentRequest } from '../domain/payment-request.ts';
import {
  decideReconciliation,
  dueAfterLook,
  forgotten,
  lateness,
  nextLook,
  type ReconcileAction,
} from '../domain/reconciliation.ts';
import { armTimer } from './arm-timer.ts';
import { cancelPaymentRequest } from './cancel-payment-request.ts';
import { changeRecord } from './change-record.ts';
import { endExpiredSession, type TimeoutDependencies, type TimeoutOutcome } from './end-expired-session.ts';
import type {
  Accounts,
  AccountSettings,
  DuePaymentRequests,
  KlarnaResponse,
  KlarnaPaymentRequests,
} from './ports.ts';
import { type Refresh, refreshPaymentRequest } from './refresh-payment-request.ts';
import { armByDefault, type SessionDependencies } from './register-session.ts';

export interface ReconcileDependencies extends TimeoutDependencies {
  readonly due: DuePaymentRequests;
  readonly accounts: Accounts;
  readonly syncExpiry: SessionDependencies['syncExpiry'];
  /** Told what the end of a session's time came to, and how many milliseconds after it. */
  readonly onTimeout: (outcome: TimeoutOutcome, lateness: number) => void;
  /** Told of every record that a look could not settle. The sweep goes on, and looks again later. */
  readonly onFault: (key: PaymentRequestKey, error: unknown) => void;
}

/** What became of a look: the action that was taken; `held`: left as it is until Klarna takes calls again; `failed`. */
type Look = ReconcileAction | 'held' | 'failed';

/** How many looks came to what. */
export type ReconcileReport = Readonly<Record<Look, number>>;

/**
 * Records looked at side by side: few at first, one more after each look that went well, one fewer after each that failed, so
 * that a table or a Klarna that is short of breath is not pressed. A cancel is mostly waiting for Klarna, about two thirds of a
 * second of it, so the most of them end some eighty sessions a second and ask Klarna less than the timers do at their busiest.
 */
const fewest = 8;
const most = 64;
/**
 * Records of an account that one run still looks at after Klarna has refused a call of it, to see whether they need Klarna at all.
 * Those behind them are held unread: however many there are, there is time left for other accounts.
 */
const mostOfLimited = 10_000;

/**
 * Looks at every record that is due and does what nobody else did: ends what is open past its deadline, settles cancels of
 * which the end is not known, arms timers. Stops taking new ones at `until`, in milliseconds since 1970. Once Klarna refuses an
 * account's calls for their rate, whatever else would ask it of that account is left as it is for the next run, which begins
 * with it; other accounts go on.
 */
export const reconcilePaymentRequests =
  (dependencies: ReconcileDependencies) =>
  async (until: number): Promise<ReconcileReport> => {
    const { clock, due } = dependencies;
    const limited = new Map<Account, number>();
    const report: Record<Look, number> = {
      nothing: 0,
      forget: 0,
      resume: 0,
      expire: 0,
      end: 0,
      arm: 0,
      arm_default: 0,
      ask: 0,
      look: 0,
      held: 0,
      failed: 0,
    };
    const attempts = new Set<Promise<void>>();
    let width = fewest;
    let onLooked = (): void => undefined;
    const lookAt = async (key: PaymentRequestKey): Promise<void> => {
      const look = await reconcile(dependencies, key, limited);
      report[look] += 1;
      width = look === 'failed' ? Math.max(fewest, width - 1) : Math.min(most, width + 1);
    };
    for await (const key of due.due(instantFromMillis(clock.now()))) {
      if (clock.now() >= until) break;
      const looking = lookAt(key).finally(() => {
        attempts.delete(looking);
        onLooked();
      });
      attempts.add(looking);
      // Not a race of all of them: a slow one would keep what each race before has left with it.
      while (attempts.size >= width) await new Promise<void>((resolve) => (onLooked = resolve));
    }
    await Promise.all(attempts);
    return report;
  };

async function reconcile(
  dependencies: ReconcileDependencies,
  key: PaymentRequestKey,
  limited: Map<Account, number>,
): Promise<Look> {
  const { store, accounts, klarna } = dependencies;
  try {
    const looked = limited.get(key.account);
    if (looked === mostOfLimited) return 'held';
    if (looked !== undefined) limited.set(key.account, looked + 1);
    const record = await store.read(key);
    if (!record) return 'nothing';
    const action = decideReconciliation(record, nowOf(dependencies));
    if (action === 'nothing') return action;
    if (limited.has(key.account) && asksKlarna.has(action)) return 'held';
    const settings = await accounts.find(key.account);
    if (!settings) throw new Error(`the secret accounts has no account ${key.account}`);
    const watched = watching(klarna, () => limited.set(key.account, limited.get(key.account) ?? 0));
    await actions[action]({ ...dependencies, klarna: watched }, record, settings);
    return action;
  } catch (error) {
    dependencies.onFault(key, error);
    await lookLater(dependencies, key).catch((again: unknown) => dependencies.onFault(key, again));
    return 'failed';
  }
}

const asksKlarna: ReadonlySet<ReconcileAction> = new Set(['resume', 'expire', 'end', 'ask', 'look']);

/** The same Klarna, which says when it has refused a call for the rate of the calls. */
function watching(klarna: KlarnaPaymentRequests, onLimited: () => void): KlarnaPaymentRequests {
  const noted = (response: KlarnaResponse): KlarnaResponse => {
    if (response.kind === 'rate_limited') onLimited();
    return response;
  };
  return {
    read: async (...question) => noted(await klarna.read(...question)),
    cancel: async (...question) => noted(await klarna.cancel(...question)),
  };
}

type Act = (
  dependencies: ReconcileDependencies,
  record: PaymentRequest,
  settings: AccountSettings,
) => Promise<unknown>;

const forget: Act = (dependencies, record) =>
  changeRecord(dependencies.store, record, record, (stored) => ({
    // Only what was looked at is forgotten: a record that has changed since comes back by itself.
    next: stored?.version === record.version ? forgotten(stored, nowOf(dependencies)) : undefined,
    outcome: undefined,
  }));

/** Ends the session, as its timer would have. */
const end: Act = async (dependencies, record, settings) => {
  const outcome = await endExpiredSession(dependencies)(record, settings);
  dependencies.onTimeout(outcome, lateness(record, nowOf(dependencies)));
};

/** Reads Klarna; where that answers what was open, says so, else comes back later. */
const look: Act = async (dependencies, record, settings) => {
  const question = ambiguityOf(record);
  const refreshed = await refreshPaymentRequest(dependencies)(record, settings);
  const isResolved = refreshed.outcome === 'refreshed' || refreshed.outcome === 'not_found';
  if (question && isResolved) await writeResponse(dependencies, question, refreshed);
  else await lookLater(dependencies, record);
};

const actions: Readonly<Record<Exclude<ReconcileAction, 'nothing'>, Act>> = {
  forget,
  resume: async (dependencies, record, settings) => {
    // Stryker disable next-line ConditionalExpression: a record to resume has a cancellation
    if (!record.cancellation) return;
    const command = carryOn(record.cancellation, 'lapse:sweep');
    const cancel = await cancelPaymentRequest(dependencies)(record, command, settings);
    if (cancel.outcome === 'pending' && cancel.hasGrace) await armTimer(dependencies)(cancel.record);
  },
  expire: end,
  end,
  arm: async (dependencies, record, settings) => {
    const armed = record.timer === 'pending' ? await armTimer(dependencies)(record) : record;
    const synced = await dependencies.syncExpiry(armed, settings);
    if (synced.timer === 'pending') await armTimer(dependencies)(synced);
    else if (isKlarnaExpiryEarly(synced)) await lookLater(dependencies, synced);
    else if (isKlarnaExpiryEarly(armed)) await forget(dependencies, synced, settings);
  },
  arm_default: async (dependencies, record, settings) => {
    const { defaultSessionTimeout, armOnSubmitted } = settings;
    const armed =
      armOnSubmitted && defaultSessionTimeout !== undefined
        ? await armByDefault(dependencies)(record, defaultSessionTimeout, settings)
        : undefined;
    // Stryker disable next-line ConditionalExpression: forgetting an armed record changes nothing: its version is newer
    if (!armed?.record?.session) await forget(dependencies, record, settings);
  },
  ask: look,
  look,
};

/** Writes down what Klarna said to a question of its webhooks, and when the record is due again. */
const writeResponse = (
  dependencies: ReconcileDependencies,
  question: Ambiguity,
  { record, outcome, proof }: Refresh,
) => {
  const eventId = ownEventId('sweep', dependencies.ids.next());
  return changeRecord(dependencies.store, record, record, (stored) => {
    const now = nowOf(dependencies);
    const response = { eventId, detail: { response: outcome, ...proof } };
    const next = stored && withResponse(stored, question, response, dueAfterLook(stored, now), now);
    return { next, outcome: undefined };
  });
};

/** Puts off what could not be settled now; a record that needs nothing any more is left as it is. */
const lookLater = async (dependencies: ReconcileDependencies, key: PaymentRequestKey): Promise<void> => {
  const known = await dependencies.store.read(key);
  await changeRecord(dependencies.store, key, known, (stored) => {
    const now = nowOf(dependencies);
    const stillDue = stored?.reconcileAfter !== undefined && stored.reconcileAfter <= now;
    return {
      next: stillDue ? asNextVersion({ ...stored, ...nextLook(stored, now) }, now) : undefined,
      outcome: undefined,
    };
  });
};

const nowOf = ({ clock }: ReconcileDependencies) => instantFromMillis(clock.now());

/** Whether the sweep did something that the ordinary course should have done. */
export const repairs = (report: ReconcileReport): number =>
  report.resume + report.end + report.arm + report.look;
