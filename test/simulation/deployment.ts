import { Draws } from './draws.ts';
import type { Ending, FunctionName, Task } from './engine.ts';
import { beginning } from './plan.ts';
import type { Protocol, UseCases } from './protocol.ts';
import { type Ports, portsOf } from './simulated-ports.ts';
import { sweptBy, type Version, versions } from './versions.ts';
import type { World } from './world.ts';

/** Milliseconds after which each function is killed, as in the stack. */
export const limits: Readonly<Record<FunctionName, number>> = {
  register: 10_000,
  extend: 10_000,
  cancel: 28_000,
  dryRun: 28_000,
  refresh: 15_000,
  list: 15_000,
  webhook: 10_000,
  timer: 30_000,
  sweep: 55_000,
  publish: 30_000,
  job: 28_000,
  // The time that a person waits.
  operator: 900_000,
};

/** The functions as they are deployed. */
export class Deployment {
  readonly #world: World;
  readonly #protocol: Protocol;

  constructor(world: World, protocol: Protocol) {
    this.#world = world;
    this.#protocol = protocol;
  }

  /** Invokes a function and tells its trigger how the invocation ended. */
  invoke<Result>(
    name: string,
    kind: FunctionName,
    body: (ports: Ports, useCases: UseCases, task: Task) => Promise<Result>,
    ended: (ending: Ending<Result>) => void,
  ): void {
    const { engine, judge } = this.#world;
    const { bend, useCases } = this.#protocol;
    const version = this.#versionOf(name);
    // The older version quarantines what it does not know. That is a loss until an operator replays it.
    const known = this.#world.plan.mode === 'full' ? version.useCases(useCases) : useCases;
    engine.invoke(
      name,
      kind,
      limits[kind],
      (task) => body(version.bend(bend(portsOf(this.#world, task, version), task)), known, task),
      (ending) => {
        judge.ended(name, kind, ending);
        ended(ending);
      },
    );
  }

  /** During a deployment, either version may serve an invocation. */
  #versionOf(name: string): Version {
    const { engine, plan } = this.#world;
    const { rollout, isSweepTheTimer } = plan;
    if (!rollout) return isSweepTheTimer ? sweptBy(versions.current) : versions.current;
    const { from, until, before, after, sweptBy: swept } = rollout;
    const since = engine.now - beginning;
    const isAfter =
      since >= until || (since >= from && new Draws(plan.seed, `version of ${name}`).chance(0.5));
    const version = versions[isAfter ? after : before];
    engine.note(name, () => `   is ${version.name}`);
    return isSweepTheTimer || version.name === swept ? sweptBy(version) : version;
  }
}
