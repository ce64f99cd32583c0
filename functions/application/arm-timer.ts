import type { PaymentRequest } from '../domain/payment-request.ts';
import { withArmedTimer, withPendingTimer } from '../domain/session-timer.ts';
import { type ChangeDependencies, changeRecord } from './change-record.ts';
import type { SessionTimer } from './ports.ts';

/** What arming a timer needs. */
export interface ArmTimerDependencies extends ChangeDependencies {
  readonly timer: SessionTimer;
  /** Called with the fault if a timer could not be armed, or that could not be written. The sweep arms it then. */
  readonly onTimerFault: (error: unknown) => void;
}

/**
 * How often a timer is moved while the deadline moves. Then the writer of the last deadline is still to arm it, and the sweep ends the
 * session a minute late at worst.
 */
const mostMoves = 5;

/**
 * Arms the timer for the record's deadline. The record says `armed` already, so nothing is written where that succeeds. A message for a
 * deadline that has moved meanwhile is only a hint. Where a timer for another deadline was moved, the record is read: the last caller
 * to arm arms the last deadline. Where arming fails, the record says `pending`, and the sweep arms the timer. Never rejects, and returns the
 * record as it then is.
 */
export const armTimer =
  (dependencies: ArmTimerDependencies) =>
  async (known: PaymentRequest): Promise<PaymentRequest> => {
    const { store, timer, clock, onTimerFault } = dependencies;
    if (known.deadlineAt === undefined) return known;
    const armed = timer.sweepDriven === true ? 'sweep' : 'armed';
    let record = known;
    let { deadlineAt } = known;
    try {
      for (let moves = 1; (await timer.arm(record, deadlineAt)) && moves < mostMoves; moves += 1) {
        record = (await store.read(record)) ?? record;
        if (record.deadlineAt === undefined || record.deadlineAt === deadlineAt) break;
        ({ deadlineAt } = record);
      }
      if (record.timer === armed) return record;
      return await change(dependencies, record, (latest) => withArmedTimer(latest, deadlineAt, armed));
    } catch (error) {
      onTimerFault(error);
      if (record.timer !== 'armed') return record;
    }
    try {
      return await change(dependencies, record, (latest) =>
        withPendingTimer(latest, deadlineAt, clock.instant()),
      );
    } catch (error) {
      onTimerFault(error);
      return record;
    }
  };

async function change(
  dependencies: ChangeDependencies,
  record: PaymentRequest,
  decide: (latest: PaymentRequest) => PaymentRequest | undefined,
): Promise<PaymentRequest> {
  const { record: stored } = await changeRecord(dependencies, record, record, (latest) => ({
    next: latest && decide(latest),
    outcome: undefined,
  }));
  return stored ?? record;
}
