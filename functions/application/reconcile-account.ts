import type { PaymentRequestKey } from '../domain/identifiers.ts';
import type { Instant } from '../domain/instant.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { isFinal, type PaymentRequestState } from '../domain/payment-request-state.ts';
import type { AccountSettings } from '../domain/account-settings.ts';
import { mapConcurrently } from './map-concurrently.ts';
import type { Pace } from './pace-calls.ts';
import type { ChangedPaymentRequests, Clock, PaymentRequestStore } from './ports.ts';
import type { refreshPaymentRequest, RefreshOutcome } from './refresh-payment-request.ts';

/** What a reconciliation of an account needs. */
export interface ReconcileAccountDependencies {
  readonly records: ChangedPaymentRequests;
  readonly store: Pick<PaymentRequestStore, 'read'>;
  readonly refresh: ReturnType<typeof refreshPaymentRequest>;
  /** The pace of the calls to Klarna, which all processes share. */
  readonly pace: Pick<Pace, 'turn'>;
  readonly clock: Clock;
}

/** Which records are read. */
export interface AccountReconciliation {
  readonly settings: AccountSettings;
  /** Only records that have changed since then. */
  readonly since: Instant;
  /** Records that were read at Klarna since then are left out: an earlier run has done them. */
  readonly unlessReadSince: Instant;
  /** Only says which records would be read. */
  readonly isDryRun: boolean;
}

/**
 * What became of one record.
 * - The outcomes of a refresh: Klarna's state is in the record, or why not.
 * - `would_read`: a dry run. `held`: it was not the account's turn to call Klarna in time. `failed`: a fault.
 */
export type ReconciledOutcome = RefreshOutcome | 'would_read' | 'held' | 'failed';

/** One record, its state before and after the read, and what became of it. */
export interface Reconciled {
  readonly key: PaymentRequestKey;
  readonly outcome: ReconciledOutcome;
  readonly before: PaymentRequestState | undefined;
  readonly after: PaymentRequestState | undefined;
}

/** Records that are read at the same time. The pace gives them their turns. */
const atOnce = 16;

/** Milliseconds for which a record waits for its turn. */
const longestWait = 60_000;

/**
 * Reads every record of an account at Klarna that is not final, and records the responses. It yields each as soon as it is known, so a
 * run that ends early has done a part. A record that this version cannot read is `undefined`, whatever its account.
 *
 * A second run with the time of the first one's start leaves out what the first one has read: the history tells.
 */
export const reconcileAccount = (dependencies: ReconcileAccountDependencies) =>
  async function* (asked: AccountReconciliation): AsyncGenerator<Reconciled | undefined, void> {
    let batch: PaymentRequestKey[] = [];
    const read = (keys: readonly PaymentRequestKey[]) =>
      mapConcurrently(keys, atOnce, (key) => reconcileOne(dependencies, asked, key));
    for await (const record of dependencies.records.changedSince(asked.since)) {
      if (!record) yield undefined;
      else if (isWanted(record, asked)) batch.push(record);
      if (batch.length < atOnce) continue;
      yield* (await read(batch)).filter((each) => each !== 'left_out');
      batch = [];
    }
    yield* (await read(batch)).filter((each) => each !== 'left_out');
  };

const isWanted = (record: PaymentRequest, { settings, unlessReadSince }: AccountReconciliation): boolean =>
  record.account === settings.account && !isFinal(record.state) && !wasReadSince(record, unlessReadSince);

/** Whether the history has a response of Klarna to a read since then. The newest entries are never dropped. */
const wasReadSince = ({ history }: PaymentRequest, since: Instant): boolean =>
  history.some(({ kind, recordedAt }) => (kind === 'read' || kind === 'not_found') && recordedAt >= since);

async function reconcileOne(
  { store, refresh, pace, clock }: ReconcileAccountDependencies,
  asked: AccountReconciliation,
  { account, paymentRequestId }: PaymentRequestKey,
): Promise<Reconciled | 'left_out'> {
  const key = { account, paymentRequestId };
  let before: PaymentRequestState | undefined;
  try {
    // The scan may be minutes old.
    const known = await store.read(key);
    if (!known || !isWanted(known, asked)) return 'left_out';
    before = known.state;
    if (asked.isDryRun) return { key, outcome: 'would_read', before, after: before };
    if (!(await pace.turn(asked.settings, 'job', clock.now() + longestWait)))
      return { key, outcome: 'held', before, after: before };
    const { outcome, record } = await refresh(key, asked.settings, known);
    return { key, outcome, before, after: record.state };
  } catch {
    return { key, outcome: 'failed', before, after: before };
  }
}
