import { hash, randomUUID } from 'node:crypto';
import type { QueueDescription } from '../../template/stack-description.ts';
import type { QueueMessage, QueueMessageAttribute, QueuePort } from '../../triggers/queue-source.ts';
import { ChangeSignal } from '../../clock/change-signal.ts';
import type { LocalClock } from '../../clock/local-clock.ts';
import type { Faults } from '../faults/faults.ts';
import { ServiceError } from '../wire/service-error.ts';
import type { MessageCounts, MessageRow, MessageStore } from './message-store.ts';
import { formatReceiptHandle, parseReceiptHandle } from './receipt-handle.ts';

export type MessageAttributes = Readonly<Record<string, QueueMessageAttribute>>;

export interface NewMessage {
  readonly body: string;
  readonly attributes?: MessageAttributes;
  readonly delaySeconds?: number;
}

/** A message in a queue, received or not. */
export interface KeptMessage {
  readonly id: string;
  readonly body: string;
  readonly attributes: MessageAttributes;
  readonly sentAt: Date;
  readonly receiveCount: number;
}

export interface QueueParts {
  readonly description: QueueDescription;
  readonly store: MessageStore;
  readonly clock: LocalClock;
  readonly faults: Faults;
  /** The account, which is both sender and receiver. */
  readonly accountId: string;
  /** Finds the queue for messages that were received too often. */
  readonly findQueue: (name: string) => Queue | undefined;
  /** Aborts when the server closes; every wait ends then. */
  readonly closing: AbortSignal;
}

/** One standard queue. It keeps a message, and delivers it again, until the message is deleted. */
export class Queue implements QueuePort {
  readonly description: QueueDescription;
  readonly #parts: QueueParts;
  readonly #changed: ChangeSignal;

  constructor(parts: QueueParts) {
    this.description = parts.description;
    this.#parts = parts;
    this.#changed = new ChangeSignal(parts.clock);
  }

  /** Stores a message and returns its id. */
  send({ body, attributes = {}, delaySeconds = 0 }: NewMessage): string {
    const { store, faults } = this.#parts;
    const now = this.#parts.clock.now();
    const id = randomUUID();
    const row = {
      id,
      body,
      attributes: JSON.stringify(attributes),
      sent_at: now,
      visible_at: now + delaySeconds * 1_000,
    };
    if (faults.takeForEffect('sqs', 'lose')) return id;
    store.insert(this.#name, row);
    if (faults.takeForEffect('sqs', 'duplicate')) store.insert(this.#name, row);
    this.#changed.announce();
    return id;
  }

  async receive({
    maximum,
    visibilityTimeoutSeconds,
    waitMilliseconds,
    signal,
  }: Parameters<QueuePort['receive']>[0]): Promise<readonly QueueMessage[]> {
    const over = AbortSignal.any([signal, this.#parts.closing]);
    const deadline = this.#parts.clock.now() + waitMilliseconds;
    while (!over.aborted) {
      const received = this.#receiveNow(maximum, visibilityTimeoutSeconds);
      if (received.length > 0 || this.#parts.clock.now() >= deadline) return received;
      await this.#changed.wait(Math.min(deadline, this.#parts.store.nextVisibleAt(this.#name)), over);
    }
    return [];
  }

  /** Deletes a message, which may be deleted already. Throws ReceiptHandleIsInvalid for what was never a handle. */
  remove(receiptHandle: string): void {
    const { position, receipt } = parseReceiptHandle(receiptHandle);
    this.#parts.store.delete(this.#name, position, receipt);
  }

  /** `remove`, for a caller that needs a promise. */
  delete(receiptHandle: string): Promise<void> {
    return new Promise((resolve) => {
      this.remove(receiptHandle);
      resolve();
    });
  }

  /** Makes a message visible after this many seconds. Throws ReceiptHandleIsInvalid or MessageNotInflight. */
  changeVisibility(receiptHandle: string, visibilityTimeoutSeconds: number): void {
    const { position, receipt } = parseReceiptHandle(receiptHandle);
    const now = this.#parts.clock.now();
    const visibleAt = now + visibilityTimeoutSeconds * 1_000;
    if (!this.#parts.store.changeVisibility(this.#name, { position, receipt }, { now, visibleAt })) {
      throw new ServiceError('MessageNotInflight', 'The message is not in flight under this receipt handle.');
    }
    this.#changed.announce();
  }

  counts(): MessageCounts {
    const now = this.#parts.clock.now();
    this.#expire(now);
    return this.#parts.store.count(this.#name, now);
  }

  /** All messages, oldest first, received or not. */
  list(): readonly KeptMessage[] {
    this.#expire(this.#parts.clock.now());
    return this.#parts.store.list(this.#name).map((row) => ({
      id: row.id,
      body: row.body,
      attributes: attributesOf(row),
      sentAt: new Date(row.sent_at),
      receiveCount: row.receive_count,
    }));
  }

  /** Wakes everything that waits for a message. */
  announce(): void {
    this.#changed.announce();
  }

  get #name(): string {
    return this.description.name;
  }

  #receiveNow(maximum: number, visibilityTimeoutSeconds: number): readonly QueueMessage[] {
    const { store } = this.#parts;
    const now = this.#parts.clock.now();
    this.#expire(now);
    this.#setAside(now);
    return store
      .receive(this.#name, maximum, now, now + visibilityTimeoutSeconds * 1_000)
      .map((row) => this.#receivedMessage(row));
  }

  #expire(now: number): void {
    this.#parts.store.expire(this.#name, now - this.description.retentionSeconds * 1_000);
  }

  #setAside(now: number): void {
    const { redrive } = this.description;
    if (redrive === undefined) return;
    const { deadLetterQueueName, maxReceiveCount } = redrive;
    const moved = this.#parts.store.setAside(this.#name, deadLetterQueueName, maxReceiveCount, now);
    if (moved > 0) this.#parts.findQueue(deadLetterQueueName)?.announce();
  }

  #receivedMessage(row: MessageRow): QueueMessage {
    return {
      messageId: row.id,
      receiptHandle: formatReceiptHandle({ position: row.position, receipt: row.receipt ?? '' }),
      body: row.body,
      md5OfBody: hash('md5', row.body),
      attributes: {
        ApproximateReceiveCount: String(row.receive_count),
        SentTimestamp: String(row.sent_at),
        SenderId: this.#parts.accountId,
        ApproximateFirstReceiveTimestamp: String(row.first_received_at),
      },
      messageAttributes: attributesOf(row),
    };
  }
}

const attributesOf = ({ attributes }: MessageRow): MessageAttributes =>
  JSON.parse(attributes) as MessageAttributes;
