/** What must hold for sessions and cancels that wait for a reference. */
import {
  type AwaitedReference,
  awaitedUntil,
  hasOwnSession,
} from '../../functions/domain/awaited-reference.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { isOpen } from '../../functions/domain/payment-request-state.ts';
import { shortOf } from './describe-step.ts';

/** What waits for a reference, when it is stored or at the end of a run, with the facts to check it. */
export interface AwaitedOutcome {
  readonly now: string;
  readonly item: AwaitedReference;
  /** All that was ever stored since it began to wait. */
  readonly versions: readonly AwaitedReference[];
  /** The request that joined. */
  readonly joined: PaymentRequest | undefined;
  /** Every write of a request with the reference. */
  readonly written: readonly PaymentRequest[];
  readonly isPublished: boolean;
  /** Whether every write was followed, and nothing that the bus refused was given up. */
  readonly isFollowed: boolean;
  /** Whether an index has overlooked a request. */
  readonly isOverlooked: boolean;
  readonly isSwept: boolean;
}

type AwaitedLiveness = (outcome: AwaitedOutcome) => string | undefined;

/** Nothing waits for longer than it was to wait. */
const awaitedIsSettled: AwaitedLiveness = ({ item, now, isSwept }) =>
  isSwept && item.status === 'waiting' ? `it still waits at ${now}, until ${awaitedUntil(item)}` : undefined;

/** A cancel that waited is carried out on the request that joined, unless a caller has registered that request itself. */
const keptCancelIsCarriedOut: AwaitedLiveness = ({ versions, joined }) => {
  if (!joined || !versions.some(({ cancel }) => cancel) || hasOwnSession(joined)) return undefined;
  return isOpen(joined.state) && joined.cancellation === undefined
    ? `${shortOf(joined)} is ${joined.state ?? 'unknown'}, and was not canceled`
    : undefined;
};

/** A request that joined has a session, unless it is being canceled or is over. */
const awaitedSessionCounts: AwaitedLiveness = ({ item, joined }) => {
  if (!joined || !item.session || item.cancel) return undefined;
  return isOpen(joined.state) && joined.session === undefined && joined.cancellation === undefined
    ? `${shortOf(joined)} is ${joined.state ?? 'unknown'}, and has no session`
    : undefined;
};

/** A request that was never seen was not seen. */
const neverSeenIsTrue: AwaitedLiveness = ({ item, written, isOverlooked }) => {
  if (item.status !== 'never_seen' || isOverlooked) return undefined;
  const { since } = item;
  // A request that had ended before may be one of an earlier use of the reference.
  const seen = written.find(
    ({ createdAt, updatedAt, state }) =>
      updatedAt >= since &&
      updatedAt < awaitedUntil(item) &&
      (isOpen(state) || state === 'COMPLETED' || createdAt >= since),
  );
  return seen && `${shortOf(seen)} was seen at ${seen.updatedAt}`;
};

/** An event tells of a request that was never seen. */
const neverSeenIsPublished: AwaitedLiveness = ({ item, isPublished, isFollowed }) =>
  item.status === 'never_seen' && isFollowed && !isPublished ? 'no event tells it' : undefined;

/** Checked when a request has joined. */
export const joinInvariants = {
  'kept-cancel-is-carried-out': keptCancelIsCarriedOut,
  'awaited-session-counts': awaitedSessionCounts,
} as const satisfies Record<string, AwaitedLiveness>;

/** Checked at the end of a run. */
export const awaitedLiveness = {
  'awaited-is-settled': awaitedIsSettled,
  'never-seen-is-true': neverSeenIsTrue,
  'never-seen-is-published': neverSeenIsPublished,
} as const satisfies Record<string, AwaitedLiveness>;
