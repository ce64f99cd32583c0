import type { ReferenceStreamEntry } from '../../functions/application/ports.ts';
import type { AwaitedReference } from '../../functions/domain/awaited-reference.ts';
import { minute } from '../support/sessions.ts';
import type { Deployment } from './deployment.ts';
import { batchBody } from './queue-bodies.ts';
import type { World } from './world.ts';

/** Delivers the writes of what waits for references: each on its own, at least once, and again if it was refused. */
export class ReferenceStream {
  readonly #world: World;
  readonly #deployment: Deployment;
  #writes = 0;

  constructor(world: World, deployment: Deployment) {
    this.#world = world;
    this.#deployment = deployment;
  }

  /** Called when an item was written. */
  send(item: AwaitedReference): void {
    const { engine, plan } = this.#world;
    this.#writes += 1;
    const { account, reference } = item;
    const entry: ReferenceStreamEntry = {
      sequenceNumber: String(this.#writes),
      key: { account, reference },
      writtenAt: engine.now,
      readReference: () => item,
    };
    engine.after(plan.relayPauseMillis, () => this.#deliver(entry, 1));
  }

  #deliver(entry: ReferenceStreamEntry, attempt: number): void {
    const { engine, plan, unpublished } = this.#world;
    this.#deployment.invoke(
      `reference stream ${entry.sequenceNumber} #${attempt}`,
      'publish',
      (ports, { publish, follow, followReference }, task) => {
        const onFault = (_: unknown, error: unknown) => this.#world.judge.failed(task, 'reference', error);
        const all = { ...ports, follow: follow(ports), followReference: followReference(ports), onFault };
        return publish(all)([entry], engine.now + 14_000);
      },
      (ending) => {
        if (ending.kind === 'returned' && ending.result.retryFrom === undefined) return;
        if (attempt < plan.relayTries)
          engine.after(Math.min(minute, 1_000 * 2 ** attempt), () => this.#deliver(entry, attempt + 1));
        else unpublished.send(batchBody(entry.writtenAt, entry.writtenAt, 1));
      },
    );
  }
}
