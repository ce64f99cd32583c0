import type { Trace } from './engine.ts';
import type { InvariantName } from './invariants.ts';
import { type Mode, type Plan, planOf } from './plan.ts';
import { type Protocol, realProtocol } from './protocol.ts';
import { RandomFate } from './random-fate.ts';
import { type Report, Simulation } from './simulation.ts';
import { clockOf } from './describe-step.ts';

/** Plays the run of a seed. */
export async function runSeed(seed: number, protocol: Protocol = realProtocol, mode?: Mode): Promise<Report> {
  const plan = planOf(seed, mode);
  const report = await new Simulation(plan, new RandomFate(plan), protocol).run();
  if (seed % 16 === 0) await breath();
  return report;
}

/** A run uses microtasks only, so it yields now and then to other work in this process. */
const breath = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A history that breaks an invariant: the seed, the invariant, and the shrunk history that leads to it. */
export class BrokenInvariant extends Error {
  readonly seed: number;
  readonly invariant: InvariantName;

  constructor(seed: number, invariant: InvariantName, history: string) {
    super(`seed ${seed} breaks ${invariant}\n${history}\nreplay: npm run simulate -- --seed ${seed}`);
    this.seed = seed;
    this.invariant = invariant;
  }
}

/** Plays the run of a seed. Throws {@link BrokenInvariant} with the shrunk history if it breaks an invariant. */
export async function checkSeed(
  seed: number,
  protocol: Protocol = realProtocol,
  mode?: Mode,
): Promise<Report> {
  const report = await runSeed(seed, protocol, mode);
  if (report.violation) throw await brokenInvariant(seed, report.violation.invariant, protocol, mode);
  return report;
}

/** The report of a seed that breaks an invariant. */
export async function brokenInvariant(
  seed: number,
  invariant: InvariantName,
  protocol: Protocol = realProtocol,
  mode?: Mode,
): Promise<BrokenInvariant> {
  const shrunk = await shrink(planOf(seed, mode), invariant, protocol);
  return new BrokenInvariant(seed, invariant, await historyOf(shrunk, protocol));
}

/** The part of a plan that is played: some of its actions, faults and perturbations. */
interface Part {
  readonly plan: Plan;
  readonly leftOut: ReadonlySet<string>;
}

/** Leaves out faults, actions and perturbations while the same invariant breaks. */
async function shrink(whole: Plan, invariant: InvariantName, protocol: Protocol): Promise<Part> {
  let best: Part = { plan: whole, leftOut: new Set() };
  let tries = 600;
  const breaks = async (part: Part): Promise<boolean> => {
    tries -= 1;
    const fate = new RandomFate(part.plan, part.leftOut);
    const { violation } = await new Simulation(part.plan, fate, protocol).run();
    return violation?.invariant === invariant;
  };
  const tryPart = async (part: Part) => {
    if (tries <= 0 || !(await breaks(part))) return false;
    best = part;
    return true;
  };
  for (const calmer of [{ doubleRate: 0 }, { lateRate: 0 }, { lossRate: 0 }, { slowestMillis: 25 }]) {
    await tryPart({ ...best, plan: { ...best.plan, ...calmer } });
  }
  for (let isSmaller = true; isSmaller && tries > 0;) {
    isSmaller = false;
    for (const action of best.plan.actions.toReversed()) {
      const actions = best.plan.actions.filter(({ id }) => id !== action.id);
      isSmaller = (await tryPart({ ...best, plan: { ...best.plan, actions } })) || isSmaller;
    }
    const fate = new RandomFate(best.plan, best.leftOut);
    await new Simulation(best.plan, fate, protocol).run();
    isSmaller = (await leaveOutFaults(best, fate.injected, tryPart)) || isSmaller;
  }
  return best;
}

/** All of them, then halves, then each one. */
async function leaveOutFaults(
  from: Part,
  injected: readonly string[],
  tryPart: (part: Part) => Promise<boolean>,
): Promise<boolean> {
  let left = new Set(from.leftOut);
  let isSmaller = false;
  for (let size = injected.length; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < injected.length; start += size) {
      const chunk = injected.slice(start, start + size).filter((name) => !left.has(name));
      if (chunk.length === 0) continue;
      const leftOut = new Set([...left, ...chunk]);
      if (await tryPart({ ...from, leftOut })) {
        left = leftOut;
        isSmaller = true;
      }
    }
  }
  return isSmaller;
}

/** The history of a part of a plan, line by line. */
async function historyOf({ plan, leftOut }: Part, protocol: Protocol): Promise<string> {
  const lines: string[] = [];
  const trace: Trace = {
    note: (at, who, what) => lines.push(`${clockOf(at)}  ${who.padEnd(24)} ${what()}`),
  };
  const fate = new RandomFate(plan, leftOut);
  const { violation } = await new Simulation(plan, fate, protocol, trace).run();
  const { lax, wholeSeconds, tellsTimes } = plan.manners;
  return [
    `${plan.mode}${plan.isSweepTheTimer ? ', the sweep is the only timer' : ''}; Klarna ${lax ? 'cancels' : 'does not cancel'} COMPLETED requests${wholeSeconds ? ', whole seconds' : ''}${tellsTimes ? '' : ', no times in responses'}`,
    ...lines,
    `${clockOf(violation?.at ?? 0)}  ${violation?.invariant ?? ''}: ${violation?.what ?? ''}`,
  ].join('\n');
}

/** The full history of a seed, whether or not it breaks an invariant. */
export const tellSeed = (seed: number, protocol: Protocol = realProtocol, mode?: Mode): Promise<string> =>
  historyOf({ plan: planOf(seed, mode), leftOut: new Set() }, protocol);
