import { EventEmitter, once } from 'node:events';
import type { QueueMessage, QueuePort } from '../../../local/triggers/queue-source.ts';

/** A queue whose invisible messages return only when the test says so. */
export class InMemoryQueue implements QueuePort {
  readonly visible: QueueMessage[] = [];
  readonly invisible = new Map<string, QueueMessage>();
  readonly visibilityTimeouts = new Set<number>();
  /** Thrown by the next receive. */
  failure: Error | undefined;
  readonly #sent = new EventEmitter();
  #count = 0;

  send(...bodies: readonly string[]): void {
    for (const body of bodies) {
      this.#count += 1;
      this.visible.push({
        messageId: `id-${body}`,
        receiptHandle: `handle-${this.#count}`,
        body,
        md5OfBody: `md5-of-${body}`,
        attributes: { ApproximateReceiveCount: '1', SentTimestamp: '1795443635000' },
        messageAttributes: {},
      });
    }
    this.#sent.emit('sent');
  }

  async receive(request: Parameters<QueuePort['receive']>[0]): Promise<readonly QueueMessage[]> {
    if (this.failure !== undefined) {
      const failure = this.failure;
      this.failure = undefined;
      throw failure;
    }
    this.visibilityTimeouts.add(request.visibilityTimeoutSeconds);
    if (this.visible.length === 0) {
      const signal = AbortSignal.any([request.signal, AbortSignal.timeout(request.waitMilliseconds)]);
      await once(this.#sent, 'sent', { signal }).catch(() => undefined);
    }
    const received = this.visible.splice(0, request.maximum);
    for (const message of received) this.invisible.set(message.receiptHandle, message);
    return received;
  }

  delete(receiptHandle: string): Promise<void> {
    this.invisible.delete(receiptHandle);
    return Promise.resolve();
  }

  /** The bodies that were received and not deleted. */
  left(): string[] {
    return [...this.invisible.values()].map((message) => message.body);
  }
}
