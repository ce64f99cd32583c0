import { decideReconciliation, type ReconcileAction } from '../domain/reconciliation.ts';
import type { PaymentRequestKey } from '../domain/identifiers.ts';
import type { Instant } from '../domain/instant.ts';
import { isUnsettled, type PaymentRequest } from '../domain/payment-request.ts';
import type { ObserveReason } from '../domain/payment-request.ts';
import { observeReasonOf, type TimeoutSwitches } from '../domain/timeout-switches.ts';
import type {
  Accounts,
  AwaitedReferences,
  CancelJobs,
  DuePaymentRequests,
  OnUnreadable,
  PaymentRequestStore,
} from './ports.ts';

/**
 * What the sweep would do with a due record.
 * - `cancel`: its session is over. The sweep reads Klarna, and cancels the request if it is still open.
 * - `observe`: its session is over and only observed.
 * - `settle`: a cancel whose end is not known is continued.
 * - `read`, `arm`: Klarna is read; a timer or Klarna's expiry is set. `none`: the record is only written.
 * - `compare`: the attempts of its session are compared, and others may be ended.
 * - `confirm`: a payment that is not authorized needs a person, or lapses and may be canceled.
 * - `unknown_account`: nothing, because the account has no entry and no credential.
 */
export const previewedActions = [
  'cancel',
  'observe',
  'settle',
  'read',
  'arm',
  'compare',
  'confirm',
  'none',
  'unknown_account',
] as const;

/** One of {@link previewedActions}. */
export type PreviewedAction = (typeof previewedActions)[number];

/** A due record, and what the sweep would do with it. */
export interface PreviewedRecord extends PaymentRequestKey {
  readonly action: PreviewedAction;
  /** Why a session is only observed. */
  readonly reason: ObserveReason | undefined;
  readonly deadlineAt: Instant | undefined;
}

/** What a preview tells: the number of records for each action, the first of them, and whether that is all of them. */
export interface SweepPreview {
  readonly counts: Readonly<Record<PreviewedAction, number>>;
  readonly first: readonly PreviewedRecord[];
  readonly isWhole: boolean;
  /** Cancel jobs with a page that is due, each of which cancels up to its rate. */
  readonly jobs: number;
  /** References whose session or cancel waits, and that the sweep would look for. */
  readonly references: number;
}

/** What a preview needs. */
export interface PreviewDependencies {
  readonly due: DuePaymentRequests;
  readonly store: Pick<PaymentRequestStore, 'readAll'>;
  readonly accounts: Accounts;
  readonly jobs: Pick<CancelJobs, 'due'>;
  readonly awaited: Pick<AwaitedReferences, 'due'>;
  readonly onUnreadable: OnUnreadable;
}

/** Records that a preview reads at most, and at once. */
const mostRead = 2_000;
const readAtOnce = 100;
/** Jobs and references are counted up to this number. */
const mostCounted = 1_000;

async function countOf(due: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of due) if ((count += 1) === mostCounted) break;
  return count;
}

/**
 * A dry run of the whole sweep: what it would do with every record that is due by `at`, by the switches of now. It counts the jobs and
 * references that the sweep would go on with. It calls nothing and writes nothing. Klarna decides in the end: a customer who has paid is spared.
 *
 * @param most how many records are named.
 */
export const previewSweep =
  ({ due, store, accounts, jobs, awaited, onUnreadable }: PreviewDependencies) =>
  async (at: Instant, most: number): Promise<SweepPreview> => {
    const counts = Object.fromEntries(previewedActions.map((action) => [action, 0])) as Record<
      PreviewedAction,
      number
    >;
    const others = {
      jobs: await countOf(jobs.due(at)),
      references: await countOf(awaited.due(at)),
    };
    const first: PreviewedRecord[] = [];
    let keys: PaymentRequestKey[] = [];
    let read = 0;
    const previewAll = async (): Promise<void> => {
      for (const record of await store.readAll(keys, onUnreadable)) {
        const previewed = previewOf(record, await accounts.find(record.account), at);
        if (!previewed) continue;
        counts[previewed.action] += 1;
        if (first.length < most) first.push(previewed);
      }
      keys = [];
    };
    for await (const key of due.due(at)) {
      if (read === mostRead) {
        await previewAll();
        return { counts, first, isWhole: false, ...others };
      }
      read += 1;
      keys.push(key);
      if (keys.length === readAtOnce) await previewAll();
    }
    if (keys.length > 0) await previewAll();
    return { counts, first, isWhole: true, ...others };
  };

/** `undefined` for a record that is not due any more. The index may be behind. */
function previewOf(
  record: PaymentRequest,
  switches: TimeoutSwitches | undefined,
  at: Instant,
): PreviewedRecord | undefined {
  const decided = decideReconciliation(record, at);
  if (decided === 'nothing') return undefined;
  const { account, paymentRequestId, deadlineAt, session } = record;
  const isEnd = decided === 'end' || decided === 'expire' || isTimersCancel(record);
  const reason = isEnd && session && switches ? observeReasonOf(session, switches) : undefined;
  const action = !switches ? 'unknown_account' : reason ? 'observe' : actions[decided];
  return { account, paymentRequestId, action, reason, deadlineAt };
}

/** A cancel that the timer has begun is not continued once a switch is turned. */
const isTimersCancel = (record: PaymentRequest): boolean =>
  isUnsettled(record) && record.cancellation.cause === 'timeout';

const actions: Readonly<Record<Exclude<ReconcileAction, 'nothing'>, PreviewedAction>> = {
  forget: 'none',
  resume: 'settle',
  expire: 'cancel',
  end: 'cancel',
  arm: 'arm',
  arm_default: 'arm',
  compare: 'compare',
  confirm: 'confirm',
  ask: 'read',
  read: 'read',
};
