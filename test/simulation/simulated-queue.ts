import type { QueuedMessage } from '../../operations/queue.ts';

/** Milliseconds for which a received message is hidden from other readers, as the command line asks for it. */
const lookMillis = 120_000;

/** A queue that only operators read. Messages stay until an operator removes them. */
export class SimulatedQueue {
  readonly #messages = new Map<string, { readonly body: string; hiddenUntil: number }>();
  #last = 0;

  /** All messages in the queue, hidden or not. */
  get bodies(): readonly string[] {
    return [...this.#messages.values()].map(({ body }) => body);
  }

  send(body: string): void {
    this.#last += 1;
    this.#messages.set(String(this.#last), { body, hiddenUntil: 0 });
  }

  /** At most ten messages that are not hidden. */
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
