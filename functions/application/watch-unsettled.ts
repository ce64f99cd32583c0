import type { Instant } from '../domain/instant.ts';
import { millisOf, plusMillis } from '../domain/instant.ts';
import type { PaymentRequestKey } from '../domain/identifiers.ts';
import { waitingSince } from '../domain/reconciliation.ts';
import {
  earliest,
  longestOf,
  mostRemembered,
  noMemory,
  type SweepMemory,
  type UnsettledRecord,
  type WaitingSince,
} from '../domain/sweep-memory.ts';
import { mapConcurrently } from './map-concurrently.ts';
import type { Clock, PaymentRequestStore } from './ports.ts';

/** What the sweep found out about a record that it read. */
export interface SeenRecord {
  readonly key: PaymentRequestKey;
  /** Since when the record had waited before the attempt; absent where it was not read. */
  readonly waiting: WaitingSince | undefined;
  /** How many attempts before this one settled nothing. */
  readonly attempts: number;
  /**
   * `tried`: an attempt was made. `failed`: by a fault. `held`: no attempt was made, and the next run makes it. `left`: the run had no
   * time left for this record and those after it.
   */
  readonly result: 'tried' | 'failed' | 'held' | 'left';
}

/** The dependencies of {@link watchUnsettled}. */
export interface UnsettledDependencies {
  readonly store: Pick<PaymentRequestStore, 'read'>;
  readonly clock: Clock;
  /** Called with each record that could not be read again. It counts as it was seen last. */
  readonly onFault: (key: PaymentRequestKey, error: unknown) => void;
}

/** What the sweep knows of all records at its end, and what it leaves to the next run. */
export interface SweepView {
  /** Milliseconds for which the oldest cancel has had no known end; 0 where each has one. */
  readonly pendingCancelAge: number;
  /** Milliseconds for which the oldest session has been open after its deadline; 0 where none is. */
  readonly overdueSessionAge: number;
  /** Records that a fault kept the sweep from at the last attempt. */
  readonly failing: number;
  readonly memory: SweepMemory;
}

/** The watch over one run of the sweep. */
export interface UnsettledWatch {
  readonly see: (seen: SeenRecord) => void;
  /** Reads the records that may still wait, and says what it found. */
  readonly view: () => Promise<SweepView>;
}

/** Records that are read again at the end of a run, those that have waited the longest. */
const mostChecked = 1_000;
const checkedAtOnce = 32;
/** The longest time between two attempts, in milliseconds. */
const longestInterval = 3_600_000;

/**
 * Watches one run of the sweep. A record counts as waiting until it has its end, also in the runs that do not read it. The first attempt
 * at a record counts for nothing: most are settled by it, and the next run sees the others.
 *
 * @param known what the last run left
 */
export function watchUnsettled(
  { store, clock, onFault }: UnsettledDependencies,
  known: SweepMemory = noMemory,
): UnsettledWatch {
  const candidates = new Map(known.unsettled.map((record) => [textOf(record.key), record]));
  const failedNow = new Set<string>();
  let held = noWait;

  const see = ({ key, waiting, attempts, result }: SeenRecord): void => {
    const text = textOf(key);
    const before = candidates.get(text);
    // Where the record was not read, what was known before is more.
    const since = waiting ?? before?.since ?? noWait;
    if (result === 'held') held = longestOf([held, since]);
    if (result === 'failed') failedNow.add(text);
    const isAttempt = result === 'tried' || result === 'failed';
    const isFailing = isAttempt ? result === 'failed' : before?.isFailing === true;
    const isCandidate = result === 'failed' || result === 'left' || attempts > 0 || before !== undefined;
    if (isCandidate) candidates.set(text, { key, since, isFailing });
  };

  /** The record as it is now; `undefined` where it is settled. */
  const check = async (candidate: UnsettledRecord, now: Instant): Promise<UnsettledRecord | undefined> => {
    const record = await store.read(candidate.key);
    if (!record) return undefined;
    const since = waitingSince(record);
    const isFailing = candidate.isFailing && (failedNow.has(textOf(candidate.key)) || record.attempts > 0);
    // What was tried in vain may begin to wait between two attempts of the sweep, for example at its deadline.
    const isUnsettled = record.attempts > 0 || isFailing || (firstOf(since) ?? 'Z') <= now;
    return isUnsettled ? { ...candidate, since, isFailing } : undefined;
  };

  const view = async (): Promise<SweepView> => {
    const now = clock.instant();
    const sorted = [...candidates.values()].toSorted(byAge);
    const unchecked = sorted.slice(mostChecked);
    const checked = await mapConcurrently(sorted.slice(0, mostChecked), checkedAtOnce, (candidate) =>
      check(candidate, now).catch((error: unknown) => {
        onFault(candidate.key, error);
        return candidate;
      }),
    );
    const unsettled = checked.filter((record) => record !== undefined).toSorted(byAge);
    const rest = [...unsettled.slice(mostRemembered), ...unchecked].map(({ since }) => since);
    const beyond =
      rest.length > 0
        ? { since: longestOf(rest), until: plusMillis(now, longestInterval) }
        : stillValid(known, now);
    const longest = longestOf([
      held,
      ...unsettled.map(({ since }) => since),
      ...(beyond ? [beyond.since] : []),
    ]);
    return {
      pendingCancelAge: ageOf(longest.pendingCancel, now),
      overdueSessionAge: ageOf(longest.overdueSession, now),
      failing: [...unsettled, ...unchecked].filter(({ isFailing }) => isFailing).length,
      memory: { unsettled: unsettled.slice(0, mostRemembered), beyond },
    };
  };
  return { see, view };
}

const textOf = ({ account, paymentRequestId }: PaymentRequestKey): string => `${account} ${paymentRequestId}`;

const noWait: WaitingSince = { pendingCancel: undefined, overdueSession: undefined };

const ageOf = (since: Instant | undefined, now: Instant): number =>
  since === undefined ? 0 : Math.max(0, millisOf(now) - millisOf(since));

const firstOf = ({ pendingCancel, overdueSession }: WaitingSince): Instant | undefined =>
  earliest([pendingCancel, overdueSession]);

/** The longest wait first, and records that do not wait last. */
const byAge = (a: UnsettledRecord, b: UnsettledRecord): number => {
  const [first = 'Z', second = 'Z'] = [firstOf(a.since), firstOf(b.since)];
  return first < second ? -1 : Number(first > second);
};

const stillValid = ({ beyond }: SweepMemory, now: Instant): SweepMemory['beyond'] =>
  beyond && beyond.until > now ? beyond : undefined;
