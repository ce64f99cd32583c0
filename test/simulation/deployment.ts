import type { Ending, FunctionName, Task } from './engine.ts';
import type { Protocol, UseCases } from './protocol.ts';
import { type Ports, portsOf } from './simulated-ports.ts';
import type { World } from './world.ts';

/** Milliseconds after which each function is killed, as the stack has it. */
export const limits: Readonly<Record<FunctionName, number>> = {
  register: 10_000,
  extend: 10_000,
  cancel: 28_000,
  rehearse: 28_000,
  refresh: 15_000,
  list: 15_000,
  webhook: 10_000,
  timer: 30_000,
  sweep: 55_000,
  publish: 30_000,
};

/** Our functions, as they are deployed. */
export class Deployment {
  readonly #world: World;
  readonly #protocol: Protocol;

  constructor(world: World, protocol: Protocol) {
    this.#world = world;
    this.#protocol = protocol;
  }

  /** Invokes a function; whoever triggered it hears how it ended. */
  invoke<Result>(
    name: string,
    kind: FunctionName,
    body: (ports: Ports, useCases: UseCases, task: Task) => Promise<Result>,
    ended: (ending: Ending<Result>) => void,
  ): void {
    const { engine, judge } = this.#world;
    const { bend, useCases } = this.#protocol;
    engine.invoke(
      name,
      kind,
      limits[kind],
      (task) => body(bend(portsOf(this.#world, task), task), useCases, task),
      (ending) => {
        judge.ended(name, ending);
        ended(ending);
      },
    );
  }
}
