import type { StreamEntry } from '../../functions/application/ports.ts';
import type { PaymentRequestKey, ReferenceKey } from '../../functions/domain/identifiers.ts';
import { minute } from '../support/sessions.ts';
import type { Deployment } from './deployment.ts';
import { Draws } from './draws.ts';
import { UnreadableWrite } from './engine.ts';
import { batchBody } from './queue-bodies.ts';
import type { WrittenChange } from './simulated-table.ts';
import type { World } from './world.ts';

/** Delivers the table's stream to the bus in batches, at least once, and again from the first refused record. */
export class StreamRelay {
  readonly #world: World;
  readonly #deployment: Deployment;
  #isRunning = false;
  /** The number of writes that are done. */
  #relayed = 0;
  #batches = 0;
  /** The time of each write. */
  readonly #writtenAt: number[] = [];
  /** Invocations that could not set something aside. */
  readonly #keepFailed = new Set<string>();

  constructor(world: World, deployment: Deployment) {
    this.#world = world;
    this.#deployment = deployment;
  }

  /** Called when a record was written. */
  runSoon(): void {
    this.#writtenAt.push(this.#world.engine.now);
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#world.engine.after(this.#world.plan.relayPauseMillis, () => this.#relay(0));
  }

  #relay(failures: number): void {
    const { table, plan } = this.#world;
    this.#batches += 1;
    const name = `relay ${this.#batches}`;
    const draws = new Draws(plan.seed, name);
    const end = Math.min(this.#relayed + draws.pick([1, 3, 100]), table.stream.length);
    const batch = table.stream.slice(this.#relayed, end).map((write) => this.#entryOf(write));
    let until = 0;
    const isAgain = draws.chance(plan.doubleRate / 3);
    this.#deployment.invoke(
      name,
      'publish',
      (ports, { publish, follow, followReference: reference }) => {
        const onFault = (_: unknown, error: unknown) => this.#failed(name, error);
        until = this.#world.engine.now + 14_000;
        const onFollowFault = (key: PaymentRequestKey | ReferenceKey, error: unknown) => {
          this.#keepFailed.add(name);
          ports.onFollowFault(key, error);
        };
        const followReference = reference({ ...ports, onFollowFault });
        return publish({ ...ports, follow: follow({ ...ports, onFollowFault }), followReference, onFault })(
          batch,
          until,
        );
      },
      (ending) => {
        if (ending.kind === 'returned') {
          const { retryFrom } = ending.result;
          if (retryFrom !== undefined) this.#isDeliveredAgain(name, Number(retryFrom), until);
          // Delivered at least once: a checkpoint may also be lost.
          if (retryFrom !== undefined) this.#relayed = Number(retryFrom);
          else if (!isAgain) this.#relayed += batch.length;
        }
        const isWell = ending.kind === 'returned' && ending.result.retryFrom === undefined;
        if (!isWell && failures + 1 >= plan.relayTries) {
          this.#giveUpTo(end);
          this.#goOn(0, 100);
        } else this.#goOn(isWell ? 0 : failures + 1, isWell ? 100 : Math.min(minute, 1_000 * 2 ** failures));
      },
    );
  }

  /** The write as the stream delivers it. A write that cannot be read stays so. */
  #entryOf({ sequenceNumber, after }: WrittenChange): StreamEntry {
    const { seed, poisonRate } = this.#world.plan;
    const isPoisoned = poisonRate > 0 && new Draws(seed, `write ${sequenceNumber}`).chance(poisonRate);
    return {
      sequenceNumber,
      key: after,
      writtenAt: this.#writtenAt[Number(sequenceNumber)] ?? 0,
      read: () => {
        if (isPoisoned) throw new UnreadableWrite(`write ${sequenceNumber} cannot be read`);
        return after;
      },
    };
  }

  #failed(name: string, error: unknown): void {
    this.#world.engine.note(name, () => `   fault: ${String(error)}`);
    if (error instanceof UnreadableWrite) return;
    this.#keepFailed.add(name);
  }

  #isDeliveredAgain(name: string, place: number, until: number): void {
    const { engine, judge } = this.#world;
    const age = engine.now - (this.#writtenAt[place] ?? 0);
    const hasFailed = this.#keepFailed.has(name) || engine.now >= until;
    judge.check({ kind: 'delivered-again', age, hasFailed, isRefusedForNow: judge.hasRefusedForNow(name) });
  }

  #goOn(failures: number, pauseMillis: number): void {
    const { engine, table } = this.#world;
    if (this.#relayed < table.stream.length) engine.after(pauseMillis, () => this.#relay(failures));
    else this.#isRunning = false;
  }

  /** The rest of the batch goes to a queue, and the stream continues behind it. */
  #giveUpTo(end: number): void {
    const { engine, unpublished } = this.#world;
    const times = this.#writtenAt.slice(this.#relayed, end);
    engine.note('stream', () => `${times.length} writes are abandoned`);
    unpublished.send(batchBody(times[0] ?? engine.now, times.at(-1) ?? engine.now, times.length));
    this.#relayed = end;
  }
}
