import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';

export interface QueuedMessage {
  readonly id: string;
  readonly body: string;
  readonly receiptHandle: string;
  /** Its attributes of type String, and those of SQS itself. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** A queue for the operator's commands. */
export interface MessageQueue {
  /**
   * Every message that no other consumer has received, each once. Messages that are not removed become visible again at
   * the end.
   */
  messages(): AsyncIterable<QueuedMessage>;
  send(body: string): Promise<void>;
  remove(message: QueuedMessage): Promise<void>;
}

/** Seconds for which a received message is invisible to other consumers. */
const lookSeconds = 120;

const attributesOf = ({ Attributes: own, MessageAttributes: given = {} }: Message) => ({
  ...Object.fromEntries(
    Object.entries(given).flatMap(([name, { StringValue: value }]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  ),
  ...own,
});

/** An SQS queue that an operator reads. */
export class Queue implements MessageQueue {
  readonly #sqs: SQSClient;
  readonly #url: string;

  constructor(sqs: SQSClient, url: string) {
    this.#sqs = sqs;
    this.#url = url;
  }

  async *messages(): AsyncGenerator<QueuedMessage, void> {
    const seen = new Map<string, QueuedMessage>();
    try {
      for (;;) {
        const { Messages: messages = [] } = await this.#sqs.send(
          new ReceiveMessageCommand({
            QueueUrl: this.#url,
            MaxNumberOfMessages: 10,
            VisibilityTimeout: lookSeconds,
            WaitTimeSeconds: 1,
            MessageAttributeNames: ['All'],
            MessageSystemAttributeNames: ['SentTimestamp'],
          }),
        );
        const fresh = messages.flatMap((message) => {
          const { MessageId: id, Body: body, ReceiptHandle: receiptHandle } = message;
          return id !== undefined && body !== undefined && receiptHandle !== undefined && !seen.has(id)
            ? [{ id, body, receiptHandle, attributes: attributesOf(message) }]
            : [];
        });
        if (fresh.length === 0) return;
        for (const message of fresh) seen.set(message.id, message);
        yield* fresh;
      }
    } finally {
      for (const { receiptHandle } of seen.values()) await this.#giveBack(receiptHandle);
    }
  }

  async send(body: string): Promise<void> {
    await this.#sqs.send(new SendMessageCommand({ QueueUrl: this.#url, MessageBody: body }));
  }

  async remove({ receiptHandle }: QueuedMessage): Promise<void> {
    await this.#sqs.send(new DeleteMessageCommand({ QueueUrl: this.#url, ReceiptHandle: receiptHandle }));
  }

  /** A removed message cannot become visible again; that is not an error. */
  async #giveBack(receiptHandle: string): Promise<void> {
    await this.#sqs
      .send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: this.#url,
          ReceiptHandle: receiptHandle,
          VisibilityTimeout: 0,
        }),
      )
      .catch(() => undefined);
  }
}
