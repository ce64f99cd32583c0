import type { QueueDescription } from '../../template/stack-description.ts';
import { type KeptMessage, Queue, type QueueParts } from './queue.ts';

/** A message in a dead-letter queue. */
export interface DeadLetter extends KeptMessage {
  readonly queueName: string;
}

/** The queues of the stack. None is created or deleted while the system runs. */
export class Queues {
  readonly #byName: ReadonlyMap<string, Queue>;
  readonly #deadLetterQueues: ReadonlySet<Queue>;

  /**
   * Dead-letter queues are those that another queue names, and those named here. Throws when one of them does not
   * exist.
   */
  constructor(
    descriptions: readonly QueueDescription[],
    deadLetterQueues: readonly string[],
    parts: Pick<QueueParts, 'store' | 'clock' | 'faults' | 'accountId' | 'closing'>,
  ) {
    const findQueue = (name: string) => this.#byName.get(name);
    this.#byName = new Map(
      descriptions.map((description) => [description.name, new Queue({ ...parts, description, findQueue })]),
    );
    const redrivenTo = descriptions.flatMap(({ redrive }) => (redrive ? [redrive.deadLetterQueueName] : []));
    this.#deadLetterQueues = new Set([...redrivenTo, ...deadLetterQueues].map((name) => this.get(name)));
  }

  /** Throws one sentence that names the existing queues. */
  get(name: string): Queue {
    const queue = this.find(name);
    if (queue) return queue;
    throw new Error(`There is no queue ${name}; known: ${[...this.#byName.keys()].join(', ')}.`);
  }

  find(name: string): Queue | undefined {
    return this.#byName.get(name);
  }

  findByArn(arn: string): Queue | undefined {
    return [...this.#byName.values()].find(({ description }) => description.arn === arn);
  }

  /** The messages in dead-letter queues, oldest first within each. */
  deadLetters(): readonly DeadLetter[] {
    return [...this.#deadLetterQueues].flatMap((queue) =>
      queue.list().map((message) => ({ ...message, queueName: queue.description.name })),
    );
  }
}
