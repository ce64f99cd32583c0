import type { PaymentRequestKey } from './identifiers.ts';
import type { Instant } from './instant.ts';

/**
 * Since when a record has waited for an end that it should have, or from when it will, at its deadline. `undefined` where it waits for
 * none of that kind.
 */
export interface WaitingSince {
  /** Since a cancel was requested whose end is not known. */
  readonly pendingCancel: Instant | undefined;
  /** Since the deadline of a session that is to be canceled, while the request is open. */
  readonly overdueSession: Instant | undefined;
}

/** A record that was not settled when the sweep last looked at it. */
export interface UnsettledRecord {
  readonly key: PaymentRequestKey;
  readonly since: WaitingSince;
  /** Whether a fault kept the sweep from it at the last attempt. */
  readonly isFailing: boolean;
}

/**
 * What one run of the sweep leaves to the next one. A run reads only what is due, and waits up to an hour before the next attempt at a
 * record. So it remembers what it could not settle.
 */
export interface SweepMemory {
  /** The records that have waited the longest, at most {@link mostRemembered}. */
  readonly unsettled: readonly UnsettledRecord[];
  /** The longest waits beyond those. They count until the sweep must have tried each of these records again. */
  readonly beyond: { readonly since: WaitingSince; readonly until: Instant } | undefined;
}

/** How many records the sweep remembers. */
export const mostRemembered = 100;

/** The memory of a first run. */
export const noMemory: SweepMemory = { unsettled: [], beyond: undefined };

/** The longer wait of each kind. */
export const longestOf = (waits: readonly WaitingSince[]): WaitingSince => ({
  pendingCancel: earliest(waits.map(({ pendingCancel }) => pendingCancel)),
  overdueSession: earliest(waits.map(({ overdueSession }) => overdueSession)),
});

/** The earliest of these moments, of which some may be unknown. */
export const earliest = (moments: readonly (Instant | undefined)[]): Instant | undefined =>
  moments.filter((moment) => moment !== undefined).toSorted()[0];
