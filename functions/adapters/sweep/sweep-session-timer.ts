import type { SessionTimer } from '../../application/ports.ts';

/**
 * The timer of a deployment without schedules. It arms and removes nothing, because the sweep ends sessions at their
 * deadline.
 */
export const sweepSessionTimer: SessionTimer = {
  sweepDriven: true,
  arm: () => Promise.resolve(false),
  remove: () => Promise.resolve(),
};
