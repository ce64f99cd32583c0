import type { AccountSettings } from '../domain/account-settings.ts';
import { type CancelCommand, carryOn } from '../domain/cancellation.ts';
import { withAuthorizationWatch } from '../domain/confirmation.ts';
import type { PaymentRequestKey } from '../domain/identifiers.ts';
import { isUnsettled, type PaymentRequest } from '../domain/payment-request.ts';
import {
  decideTimeout,
  type TimeoutDecision,
  withEarlyTimer,
  withObservedTimer,
} from '../domain/session-timer.ts';
import { armTimer } from './arm-timer.ts';
import { cancelPaymentRequest, type CancelResult } from './cancel-payment-request.ts';
import { changeRecord } from './change-record.ts';
import { compareSession, type ComparisonDependencies } from './compare-attempts.ts';
import type { SessionTimer } from './ports.ts';

/**
 * What a timer did that fired.
 * - `nothing`: there is no such session. `spared`: the request is paid or has ended, and nothing is written. `observed`: the end was
 *   only written down.
 * - `not_yet`: the deadline is still to come, and the timer is armed again. `graced`: the customer is paying and got more time.
 * - `unarmed`: the deadline is still to come, and its timer could not be armed. The message is to come again, in case nothing else arms it.
 * - `held`: it is not the account's turn to call Klarna, and nothing was done.
 * - `ended`: the request was canceled, with the result of the cancel.
 */
export type TimeoutOutcome =
  | { readonly kind: 'nothing' | 'spared' | 'observed' | 'not_yet' | 'graced' | 'unarmed' | 'held' }
  | { readonly kind: 'ended'; readonly cancel: CancelResult };

/**
 * Whether the message is done. It must be delivered again where the result at Klarna is not known, or Klarna refuses our credentials.
 * The same holds where it was not the account's turn to call Klarna, or no timer could be armed for a later deadline.
 */
export function isMessageDone(outcome: TimeoutOutcome): boolean {
  switch (outcome.kind) {
    case 'held':
    case 'unarmed':
      return false;
    case 'ended':
      return outcome.cancel.outcome !== 'pending' && outcome.cancel.outcome !== 'klarna_denied';
    default:
      return true;
  }
}

/** What the end of a session needs. */
export interface TimeoutDependencies extends ComparisonDependencies {
  readonly timer: SessionTimer;
}

/** The outcome where the record's deadline is still to come, by what became of its timer. */
const armedOutcome = (kind: 'not_yet' | 'graced', { timer }: PaymentRequest): TimeoutOutcome => ({
  kind: timer === 'pending' ? 'unarmed' : kind,
});

/** `requested_by` of the cancels that the timer begins. */
const timerIdentity = 'lapse:session-timer';

/**
 * Ends the session whose deadline has passed. The timer's message is a hint: the record's own deadline counts. A request that is
 * paid or has ended is not changed.
 *
 * @param known the record, where the caller has just read it.
 */
export const endExpiredSession =
  (dependencies: TimeoutDependencies) =>
  async (
    key: PaymentRequestKey,
    settings: AccountSettings,
    known?: PaymentRequest,
  ): Promise<TimeoutOutcome> => {
    const { store, clock } = dependencies;
    const { record, outcome: decision } = await changeRecord<TimeoutDecision>(
      dependencies,
      key,
      known ?? (await store.read(key)),
      (stored) => {
        // One version decides, and the same version is written onto.
        const now = clock.instant();
        return {
          next: stored && (withObservedTimer(stored, settings, now) ?? watchedAtLast(stored, settings)),
          outcome: stored ? decideTimeout(stored, settings, now) : 'nothing',
        };
      },
    );
    if (!record) return { kind: 'nothing' };
    switch (decision) {
      case 'nothing':
        return { kind: 'nothing' };
      case 'spare': {
        // A second payment of the session may be known by now, and the stream's message about it lost.
        const { kind } = await compareSession(dependencies)(record, settings, record);
        return { kind: kind === 'held' ? 'held' : 'spared' };
      }
      case 'observe':
        return { kind: 'observed' };
      case 'not_yet': {
        // A message of an earlier deadline, or a clock that is ahead: the record's deadline must have a timer.
        const armed = await armTimer(dependencies)(record);
        await changeRecord(dependencies, key, armed, (stored) => ({
          next: stored && withEarlyTimer(stored, clock.instant()),
          outcome: undefined,
        }));
        return armedOutcome('not_yet', armed);
      }
      case 'end':
        return endNow(dependencies, settings, record);
    }
  };

/** An approved payment that the account began to watch after the record was last written with its settings. */
function watchedAtLast(record: PaymentRequest, settings: AccountSettings): PaymentRequest | undefined {
  if (record.state !== 'COMPLETED') return undefined;
  const watched = withAuthorizationWatch(record, settings);
  return watched === record ? undefined : watched;
}

/** Cancels the request. Arms the timer again if the customer got more time. */
async function endNow(
  dependencies: TimeoutDependencies,
  settings: AccountSettings,
  record: PaymentRequest,
): Promise<TimeoutOutcome> {
  if (!(await dependencies.turn(settings))) return { kind: 'held' };
  const command: CancelCommand = isUnsettled(record)
    ? // An unsettled cancel keeps the name and the reason of its first caller.
      carryOn(record.cancellation, timerIdentity)
    : // The timer never cancels a paid request, whatever the account allows its callers.
      { cause: 'timeout', requestedBy: timerIdentity, allowCompleted: false };
  const cancel = await cancelPaymentRequest(dependencies)(record, command, settings, record);
  if (cancel.outcome === 'pending' && cancel.isObserved) return { kind: 'observed' };
  if (cancel.outcome !== 'pending' || !cancel.hasGrace) return { kind: 'ended', cancel };
  return armedOutcome('graced', await armTimer(dependencies)(cancel.record));
}
