import type { PaymentRequest } from '../domain/payment-request.ts';
import { withArmedTimer } from '../domain/session-timer.ts';
import { type ChangeDependencies, changeRecord } from './change-record.ts';
import type { SessionTimer } from './ports.ts';

/** Two callers who move the same deadline at once settle within this many rounds. The sweep arms what stays pending. */
const rounds = 5;

/** What arming a timer needs. */
export interface ArmTimerDependencies extends ChangeDependencies {
  readonly timer: SessionTimer;
}

/**
 * Arms the timer for the record's deadline and writes that to the record. If the deadline moved meanwhile, it arms the timer for
 * the new one, so the last caller leaves the timer as the record has it. Returns the record as it then is.
 */
export const armTimer =
  (dependencies: ArmTimerDependencies) =>
  async (record: PaymentRequest): Promise<PaymentRequest> => {
    const { timer, clock, conflictBudget } = dependencies;
    const until = clock.now() + conflictBudget;
    const timerState = timer.sweepDriven ? 'sweep' : 'armed';
    let current = record;
    for (let round = 0; round < rounds && clock.now() <= until; round += 1) {
      const { deadlineAt } = current;
      if (deadlineAt === undefined) return current;
      await timer.arm(current, deadlineAt);
      const { record: stored, outcome: isSettled } = await changeRecord(
        dependencies,
        current,
        current,
        (latest) => ({
          next: latest && withArmedTimer(latest, deadlineAt, clock.instant(), timerState),
          outcome: latest?.deadlineAt === deadlineAt,
        }),
      );
      if (stored) current = stored;
      if (isSettled) return current;
    }
    return current;
  };
