import type { ArmedTimers, SessionTimer } from '../../application/ports.ts';

/** The timer where there is no Scheduler: nothing to arm and nothing to remove, since the sweep ends sessions at their deadline. */
export const sweepSessionTimer: SessionTimer = {
  sweepDriven: true,
  arm: () => Promise.resolve(),
  remove: () => Promise.resolve(),
};

/** What is set where there is no Scheduler: nothing. */
export const noTimers: ArmedTimers = { some: () => Promise.resolve([]) };
