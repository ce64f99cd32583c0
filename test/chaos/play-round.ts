import { setTimeout as wait } from 'node:timers/promises';
import type { Draws } from '../simulation/draws.ts';
import { type LocalProcess, startLocalProcess } from '../support/local-process.ts';
import { SystemClient } from '../support/system-client.ts';
import { redrive } from './dead-letters.ts';
import { type Disturbance, endDisturbance, type Scale, taken } from './disturbances.ts';
import { reckon } from './durability-checks.ts';
import { type LoadShape, type Session, startLoad } from './load.ts';
import { letHoursPass, nowOf } from './passing-time.ts';
import { settle } from './settle.ts';

/** A system that can be killed and restarted on the same data. */
export interface Mortal {
  process: LocalProcess;
  readonly data: string;
}

export interface Round {
  readonly disturbance: string;
  readonly scale: Scale;
  /** Sessions that were acknowledged, and of them paid. */
  readonly sessions: number;
  readonly paid: number;
  /** Success responses to the shop and to Klarna, each of which was checked. */
  readonly responses: number;
  readonly webhooks: number;
  /** Calls of the shop that were not acknowledged, and deliveries that Klarna stopped repeating. */
  readonly refused: number;
  readonly lost: number;
  /** Dead letters that an operator redrove. */
  readonly redriven: number;
  /** In the system's time, which is real time except at the scale of hours. */
  readonly faultSeconds: number;
  /** The longest recovery of a session, from the later of the end of the fault and its deadline. */
  readonly recoverySeconds: number;
  /** Sessions that did not settle in time, and broken promises. */
  readonly violations: readonly string[];
}

export interface RoundOptions {
  /** The length of a fault at the scales of seconds and minutes. */
  readonly faultSeconds: number;
  readonly recoveryWithinSeconds: number;
  readonly chance: Draws;
}

/** The least number of sessions in progress when a fault begins. */
const leastSessions = 5;
const peaceWithinMillis = 300_000;

const loads: Readonly<Record<Scale, LoadShape>> = {
  seconds: { sessionSeconds: [2, 5], pauseMillis: 100 },
  minutes: { sessionSeconds: [5, 90], pauseMillis: 1_500 },
  hours: { sessionSeconds: [60, 2_700], pauseMillis: 300 },
};

/**
 * One disturbance under load. First some sessions run undisturbed. Then follow the fault, its end, the operator's work and the end
 * of the load. After that everything must settle by itself. Throws if no sessions begin undisturbed, because such a round shows
 * nothing.
 */
export async function playRound(
  system: Mortal,
  disturbance: Disturbance,
  { faultSeconds, recoveryWithinSeconds, chance }: RoundOptions,
): Promise<Round> {
  const client = (): SystemClient => new SystemClient(system.process);
  const { scale, hours, wholeSystem, endWithoutSweep, fills } = disturbance;
  // Where hours pass, Klarna waits as long between deliveries as the real one.
  const pace = (clockScale: number) => taken(client().simulator('POST', '/settings', { clockScale }));
  if (hours !== undefined) await pace(1);

  const load = startLoad(client, chance, loads[scale]);
  const registered = (): readonly Session[] => load.sessions.filter(({ promised }) => promised.length > 0);
  for (const until = performance.now() + peaceWithinMillis; registered().length < leastSessions;) {
    if (performance.now() > until) throw new Error('no sessions can be registered, with nothing disturbed');
    await wait(100);
  }

  await disturbance.begin(client());
  if (wholeSystem) await system.process.killAll();
  const over = new AbortController();
  const meanwhile = disturbance.meanwhile?.(client(), over.signal);
  if (hours === undefined) await wait(faultSeconds * 1_000);
  else await letHoursPass(client, hours, fills);
  over.abort();
  await meanwhile;
  if (wholeSystem) system.process = await startLocalProcess('--data', system.data);
  else await (endWithoutSweep ?? endDisturbance)(client());
  const ended = await nowOf(client());
  if (hours !== undefined) await pace(1);
  const redriven = fills ? await redrive(system.process.control, fills) : 0;
  await load.stop();

  const settled = (sweeps: boolean) =>
    settle(client, registered(), { ended, recoveryWithinSeconds, sweeps, hoursPass: hours !== undefined });
  const settling = await settled(endWithoutSweep === undefined);
  await endDisturbance(client());
  const { missing } = await settled(true);
  await pace(60);
  await client().simulator('POST', '/deliveries/flush');
  const { webhooks, lost, broken } = await reckon(client(), load.sessions, disturbance.skewMillis ?? 0);
  return {
    disturbance: disturbance.name,
    scale,
    sessions: registered().length,
    paid: load.sessions.filter(({ approved }) => approved).length,
    responses: load.sessions.reduce((sum, { promised }) => sum + promised.length, 0),
    webhooks,
    refused: load.refused(),
    lost,
    redriven,
    faultSeconds: hours === undefined ? faultSeconds : hours * 3_600,
    recoverySeconds: Math.round(settling.longestMillis / 100) / 10,
    violations: [...settling.missing, ...missing, ...broken],
  };
}
