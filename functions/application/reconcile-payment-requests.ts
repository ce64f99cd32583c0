import { ownEventId, type PaymentRequestKey } from '../domain/identifiers.ts';
import { instantFromMillis } from '../domain/instant.ts';
import { openQuestion, type OpenQuestion, withAnswer } from '../domain/open-question.ts';
import { asNextVersion, type PaymentRequest } from '../domain/payment-request.ts';
import {
  decideReconciliation,
  dueAfterLook,
  forgotten,
  nextLook,
  type ReconcileAction,
} from '../domain/reconciliation.ts';
import { armTimer } from './arm-timer.ts';
import { cancelPaymentRequest } from './cancel-payment-request.ts';
import { changeRecord } from './change-record.ts';
import { endExpiredSession, type ExpiryDependencies } from './end-expired-session.ts';
import type { Accounts, AccountSettings, DuePaymentRequests } from './ports.ts';
import { type Refresh, refreshPaymentRequest } from './refresh-payment-request.ts';
import { registerSession, type SessionDependencies } from './register-session.ts';

export interface ReconcileDependencies extends ExpiryDependencies {
  readonly due: DuePaymentRequests;
  readonly accounts: Accounts;
  readonly syncExpiry: SessionDependencies['syncExpiry'];
  /** Told of every record that a look could not settle. The sweep goes on, and looks again later. */
  readonly onFault: (key: PaymentRequestKey, error: unknown) => void;
}

/** How many records each action was taken for, and how many looks failed. */
export type ReconcileReport = Readonly<Record<ReconcileAction | 'failed', number>>;

/** Records looked at side by side: enough to hide Klarna's latency, few enough for its rate limit. */
const lanes = 8;
const batch = 500;

/**
 * Looks at every record that is due and does what nobody else did: ends what is open past its deadline, settles cancels of
 * which the end is not known, arms timers. Stops taking new ones at `until`, in milliseconds since 1970.
 */
export const reconcilePaymentRequests =
  (dependencies: ReconcileDependencies) =>
  async (until: number): Promise<ReconcileReport> => {
    const { clock, due } = dependencies;
    const report: Record<ReconcileAction | 'failed', number> = {
      nothing: 0,
      forget: 0,
      resume: 0,
      expire: 0,
      end: 0,
      arm: 0,
      'arm-default': 0,
      ask: 0,
      look: 0,
      failed: 0,
    };
    const keys = due.due(instantFromMillis(clock.now()), batch)[Symbol.asyncIterator]();
    const lane = async () => {
      while (clock.now() < until) {
        const next = await keys.next();
        if (next.done) return;
        report[await reconcile(dependencies, next.value)] += 1;
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return report;
  };

async function reconcile(
  dependencies: ReconcileDependencies,
  key: PaymentRequestKey,
): Promise<ReconcileAction | 'failed'> {
  const { store, accounts } = dependencies;
  try {
    const record = await store.read(key);
    if (!record) return 'nothing';
    const action = decideReconciliation(record, nowOf(dependencies));
    if (action === 'nothing') return action;
    const settings = await accounts.find(key.account);
    if (!settings) throw new Error(`the secret accounts has no account ${key.account}`);
    await actions[action](dependencies, record, settings);
    return action;
  } catch (error) {
    dependencies.onFault(key, error);
    await lookLater(dependencies, key).catch((again: unknown) => dependencies.onFault(key, again));
    return 'failed';
  }
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

/** Reads Klarna; where that answers what was open, says so, else comes back later. */
const look: Act = async (dependencies, record, settings) => {
  const question = openQuestion(record);
  const refreshed = await refreshPaymentRequest(dependencies)(record, settings);
  if (question && refreshed.outcome !== 'unknown') await writeAnswer(dependencies, question, refreshed);
  else await lookLater(dependencies, record);
};

const actions: Readonly<Record<Exclude<ReconcileAction, 'nothing'>, Act>> = {
  forget,
  resume: async (dependencies, record, settings) => {
    if (!record.cancellation) return;
    const cancel = await cancelPaymentRequest(dependencies)(record, record.cancellation, settings);
    if (cancel.kind === 'graced') await armTimer(dependencies)(cancel.record);
  },
  expire: (dependencies, record, settings) => endExpiredSession(dependencies)(record, settings),
  end: (dependencies, record, settings) => endExpiredSession(dependencies)(record, settings),
  arm: (dependencies, record) => armTimer(dependencies)(record),
  'arm-default': (dependencies, record, settings) => {
    const { defaultSessionTimeout, armOnSubmitted } = settings;
    if (!armOnSubmitted || defaultSessionTimeout === undefined) return forget(dependencies, record, settings);
    return registerSession(dependencies)(
      record,
      {
        deadline: {
          kind: 'session_timeout',
          millis: defaultSessionTimeout,
          given: 'default_session_timeout',
        },
        onTimeout: 'cancel',
        requestedBy: 'lapse:arm-on-submitted',
      },
      settings,
    );
  },
  ask: look,
  look,
};

/** Writes down what Klarna said to a question of its webhooks, and when the record is due again. */
const writeAnswer = (
  dependencies: ReconcileDependencies,
  question: OpenQuestion,
  { record, outcome, proof }: Refresh,
) => {
  const eventId = ownEventId('sweep', dependencies.ids.next());
  return changeRecord(dependencies.store, record, record, (stored) => {
    const now = nowOf(dependencies);
    const answer = { eventId, detail: { answer: outcome, ...proof } };
    const next = stored && withAnswer(stored, question, answer, dueAfterLook(stored, now), now);
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
