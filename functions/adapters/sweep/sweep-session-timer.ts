import type { SessionTimer } from '../../application/ports.ts';

/** The timer where the sweep is the only one: it arms and removes nothing, because the sweep ends sessions at their deadline. */
export const sweepSessionTimer: SessionTimer = {
  sweepDriven: true,
  arm: () => Promise.resolve(),
  remove: () => Promise.resolve(),
};
