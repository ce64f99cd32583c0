import { isUnsettled, type PaymentRequest } from '../domain/payment-request.ts';
import { decideTimeout, withEarlyTimer, withSparedTimer } from '../domain/expiry.ts';
import type { PaymentRequestKey } from '../domain/identifiers.ts';
import { instantFromMillis } from '../domain/instant.ts';
import { armTimer } from './arm-timer.ts';
import {
  type CancelDependencies,
  type CancelResult,
  cancelPaymentRequest,
} from './cancel-payment-request.ts';
import { changeRecord } from './change-record.ts';
import type { AccountSettings, SessionTimer } from './ports.ts';
import { type CancelCommand, carryOn } from '../domain/cancellation.ts';

/**
 * What a timer that went off came to: the end of the session's request, or why not.
 * `nothing`: no such session. `spared`: paid or ended. `observed`: written down only. `not-yet`: the timer is set again.
 */
export type TimeoutOutcome =
  | { readonly kind: 'nothing' | 'spared' | 'observed' | 'not_yet' | 'graced' }
  | { readonly kind: 'ended'; readonly cancel: CancelResult };

export interface TimeoutDependencies extends CancelDependencies {
  readonly timer: SessionTimer;
}

/** Who asks when nobody does. */
const timerIdentity = 'lapse:session-timer';

/**
 * Ends the session whose time is up. The message that brought us here is a hint: what counts is the record's own deadline,
 * whatever the message says, and a request that is paid or ended is left alone.
 */
export const endExpiredSession =
  (dependencies: TimeoutDependencies) =>
  async (key: PaymentRequestKey, settings: AccountSettings): Promise<TimeoutOutcome> => {
    const { store, clock } = dependencies;
    const nowOf = () => instantFromMillis(clock.now());
    const record = await store.read(key);
    if (!record) return { kind: 'nothing' };
    const decision = decideTimeout(record, nowOf());
    switch (decision) {
      case 'nothing':
        return { kind: 'nothing' };
      case 'not_yet': {
        // A timer of an earlier deadline, or a clock that runs ahead: one for the record's deadline must be there.
        const armed = await armTimer(dependencies)(record);
        await changeRecord(store, key, armed, (stored) => ({
          next: stored && withEarlyTimer(stored, nowOf()),
          outcome: undefined,
        }));
        return { kind: 'not_yet' };
      }
      case 'spare':
      case 'observe':
        await changeRecord(store, key, record, (stored) => ({
          next: stored && withSparedTimer(stored, decision, nowOf()),
          outcome: undefined,
        }));
        return { kind: decision === 'spare' ? 'spared' : 'observed' };
      case 'end':
        return endNow(dependencies, settings, record);
    }
  };

/** Cancels, and sets the timer again for a customer who was given grace. */
async function endNow(
  dependencies: TimeoutDependencies,
  settings: AccountSettings,
  record: PaymentRequest,
): Promise<TimeoutOutcome> {
  const command: CancelCommand = isUnsettled(record)
    ? // An unsettled cancel keeps the name and the reason of whoever asked for it.
      carryOn(record.cancellation, timerIdentity)
    : // A clock never has leave to cancel what was paid, whatever the account lets its callers do.
      { cause: 'timeout', requestedBy: timerIdentity, allowCompleted: false };
  const cancel = await cancelPaymentRequest(dependencies)(record, command, settings);
  if (cancel.outcome !== 'pending' || !cancel.hasGrace) return { kind: 'ended', cancel };
  await armTimer(dependencies)(cancel.record);
  return { kind: 'graced' };
}
