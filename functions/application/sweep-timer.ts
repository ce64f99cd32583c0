import type { SessionTimer } from './ports.ts';

/** The timer where there is no Scheduler: nothing to arm and nothing to remove, since the sweep ends sessions at their deadline. */
export const sweepTimer: SessionTimer = {
  sweepDriven: true,
  arm: () => Promise.resolve(),
  remove: () => Promise.resolve(),
};
