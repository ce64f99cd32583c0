import { setTimeout as wait } from 'node:timers/promises';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { SystemClient } from '../support/system-client.ts';
import type { Draws } from '../simulation/draws.ts';
import { type Disturbance, endDisturbance } from './disturbances.ts';
import { startLoad } from './load.ts';
import { unsettled } from './unsettled.ts';

/** A system that may be killed and comes back on the same data. */
export interface Mortal {
  process: LocalProcess;
  readonly data: string;
}

export interface Round {
  readonly disturbance: string;
  /** Sessions that were acknowledged, of them paid, and registrations that were not acknowledged. */
  readonly sessions: number;
  readonly paid: number;
  readonly refused: number;
  readonly faultSeconds: number;
  /** From the end of the fault and of the load until all is settled. */
  readonly recoverySeconds: number;
  /** What was not settled when time was up. */
  readonly violations: readonly string[];
}

export interface RoundOptions {
  readonly faultSeconds: number;
  readonly recoveryWithinSeconds: number;
  readonly chance: Draws;
}

/** Sessions that are under way when a fault begins. */
const leastSessions = 5;
const peaceWithinMillis = 60_000;

/**
 * One disturbance under load: peace until some sessions are under way, the fault, the end of both, and then all has to settle by
 * itself. Throws when no sessions come about in peace: such a round would show nothing.
 */
export async function playRound(
  system: Mortal,
  disturbance: Disturbance,
  { faultSeconds, recoveryWithinSeconds, chance }: RoundOptions,
): Promise<Round> {
  const client = (): SystemClient => new SystemClient(system.process);
  const load = startLoad(client, chance);
  for (const until = performance.now() + peaceWithinMillis; load.promised.length < leastSessions;) {
    if (performance.now() > until) throw new Error('no sessions can be registered, with nothing disturbed');
    await wait(100);
  }
  await disturbance.begin(client());
  if (disturbance.wholeSystem) await system.process.killAll();
  await wait(faultSeconds * 1_000);
  if (disturbance.wholeSystem) system.process = await startLocalProcess('--data', system.data);
  else await endDisturbance(client());
  const ended = performance.now();
  await load.stop();
  const elapsed = (): number => (performance.now() - ended) / 1_000;
  let violations = await unsettled(client(), load.promised);
  while (violations.length > 0 && elapsed() < recoveryWithinSeconds) {
    await wait(500);
    violations = await unsettled(client(), load.promised);
  }
  return {
    disturbance: disturbance.name,
    sessions: load.promised.length,
    paid: load.promised.filter(({ approved }) => approved).length,
    refused: load.refused(),
    faultSeconds,
    recoverySeconds: Math.round(elapsed() * 10) / 10,
    violations,
  };
}
