import type { SystemClient } from '../support/system-client.ts';
import { truthOf, unpublished, unsettled } from './durability-checks.ts';
import type { Session } from './load.ts';
import { aMoment, nowOf } from './passing-time.ts';

interface SettleOptions {
  /** The end of the fault, by the system's clock. */
  readonly ended: number;
  readonly recoveryWithinSeconds: number;
  /** Whether there is a sweep. Only the sweep settles a cancel that returned `pending`. */
  readonly sweeps: boolean;
  /** Whether the clock moves while this waits. */
  readonly hoursPass: boolean;
}

interface Settling {
  /** From the later of the end of the fault and the session's deadline. */
  readonly longestMillis: number;
  readonly missing: readonly string[];
}

/** Waits until every session is over and published, or until the time is up. */
export async function settle(
  client: () => SystemClient,
  sessions: readonly Session[],
  { ended, recoveryWithinSeconds, sweeps, hoursPass }: SettleOptions,
): Promise<Settling> {
  const until = (await nowOf(client())) + recoveryWithinSeconds * 1_000;
  let waiting = sessions;
  let longestMillis = 0;
  let isToldLate = false;
  for (;;) {
    const truth = await truthOf(client());
    const missing = new Map<Session, string>();
    for (const session of waiting) {
      const what = await unsettled(client(), session, truth, sweeps);
      if (what !== undefined) missing.set(session, what);
    }
    const now = await nowOf(client());
    for (const session of waiting) {
      if (!missing.has(session))
        longestMillis = Math.max(longestMillis, now - Math.max(ended, endOf(session)));
    }
    waiting = [...missing.keys()];
    const untold = waiting.length > 0 ? [] : await unpublished(client(), sessions, truth);
    if (isToldLate) longestMillis = Math.max(longestMillis, now - Math.max(ended, ...sessions.map(endOf)));
    isToldLate = untold.length > 0;
    if (waiting.length === 0 && untold.length === 0) return { longestMillis, missing: [] };
    if (now > until) return { longestMillis: now - ended, missing: [...missing.values(), ...untold] };
    await aMoment(client(), hoursPass);
  }
}

/** The last acknowledged deadline of the session, in milliseconds since 1970. */
function endOf({ promised }: Session): number {
  const last = promised.findLast((one) => one.kind === 'deadline');
  return last ? Date.parse(last.at) : 0;
}
