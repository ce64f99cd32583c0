import { minute } from '../support/sessions.ts';
import type { Deployment } from './deployment.ts';
import { Draws } from './draws.ts';
import type { World } from './world.ts';

/** The table's stream on its way to the bus: in batches, at least once, and again from what was refused. */
export class StreamRelay {
  readonly #world: World;
  readonly #deployment: Deployment;
  #isRunning = false;
  /** How much of the stream is behind us. */
  #relayed = 0;
  #batches = 0;

  constructor(world: World, deployment: Deployment) {
    this.#world = world;
    this.#deployment = deployment;
  }

  /** Something was written. */
  runSoon(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#world.engine.after(this.#world.plan.relayPauseMillis, () => this.#relay(0));
  }

  #relay(failures: number): void {
    const { engine, table, plan } = this.#world;
    this.#batches += 1;
    const name = `relay ${this.#batches}`;
    const draws = new Draws(plan.seed, name);
    const batch = table.stream.slice(this.#relayed, this.#relayed + draws.pick([1, 3, 100]));
    const isAgain = draws.chance(plan.doubleRate / 3);
    this.#deployment.invoke(
      name,
      'publish',
      (ports, { publish }) => publish(ports)(batch),
      (ending) => {
        if (ending.kind === 'returned') {
          const { retryFrom } = ending.result;
          // Delivered at least once: a checkpoint may be lost as well.
          if (retryFrom !== undefined) this.#relayed = Number(retryFrom);
          else if (!isAgain) this.#relayed += batch.length;
        }
        const isWell = ending.kind === 'returned' && ending.result.retryFrom === undefined;
        if (this.#relayed < table.stream.length) {
          engine.after(isWell ? 100 : Math.min(minute, 1_000 * 2 ** failures), () =>
            this.#relay(isWell ? 0 : failures + 1),
          );
        } else this.#isRunning = false;
      },
    );
  }
}
