import { instantFromMillis } from '../domain/instant.ts';
import type { PaymentRequest } from '../domain/payment-request.ts';
import { withArmedTimer } from '../domain/session-timer.ts';
import { changeRecord } from './change-record.ts';
import type { Clock, PaymentRequestStore, SessionTimer } from './ports.ts';

/** Two callers who move the same deadline at once settle in as many rounds. */
const rounds = 5;

/**
 * Arms the timer for the record's deadline and says so in the record. When the deadline was moved meanwhile, arms it for
 * the new one: the last to finish leaves the timer as the record has it. Returns the record as it then stands.
 */
export const armTimer =
  ({ store, timer, clock }: { store: PaymentRequestStore; timer: SessionTimer; clock: Clock }) =>
  async (record: PaymentRequest): Promise<PaymentRequest> => {
    let current = record;
    for (let round = 0; round < rounds; round += 1) {
      const { deadlineAt } = current;
      if (deadlineAt === undefined) return current;
      await timer.arm(current, deadlineAt);
      const { record: stored, outcome: isSettled } = await changeRecord(store, current, current, (latest) => {
        const now = instantFromMillis(clock.now());
        const next = latest && withArmedTimer(latest, deadlineAt, now, timer.sweepDriven ? 'sweep' : 'armed');
        return { next, outcome: latest?.deadlineAt === deadlineAt };
      });
      if (stored) current = stored;
      if (isSettled) return current;
    }
    return current;
  };
