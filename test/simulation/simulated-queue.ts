import type { QueuedMessage } from '../../operations/queue.ts';

/** Milliseconds for which a message that somebody looks at is nobody else's, as the command line asks for it. */
const lookMillis = 120_000;

/** A queue that only people look into: messages stay until somebody takes them away. */
export class SimulatedQueue {
  readonly #messages = new Map<string, { readonly body: string; hiddenUntil: number }>();
  #last = 0;

  /** What lies in it, whoever is looking at it. */
  get bodies(): readonly string[] {
    return [...this.#messages.values()].map(({ body }) => body);
  }

  send(body: string): void {
    this.#last += 1;
    this.#messages.set(String(this.#last), { body, hiddenUntil: 0 });
  }

  /** At most ten that nobody else is looking at. */
  receive(now: number): readonly QueuedMessage[] {
    const visible = [...this.#messages].filter(([, { hiddenUntil }]) => hiddenUntil <= now).slice(0, 10);
    return visible.map(([id, message]) => {
      message.hiddenUntil = now + lookMillis;
      return { id, body: message.body, receiptHandle: id };
    });
  }

  giveBack(id: string): void {
    const message = this.#messages.get(id);
    if (message) message.hiddenUntil = 0;
  }

  remove(id: string): void {
    this.#messages.delete(id);
  }
}
