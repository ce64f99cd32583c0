import { hash } from 'node:crypto';
import * as v from 'valibot';
import { wholeNumber } from '../../shared/checked-json.ts';
import type { QueueMessage } from '../../triggers/queue-source.ts';
import { readInput } from '../wire/read-input.ts';
import { ServiceError } from '../wire/service-error.ts';
import type { Action, ActionsOf } from '../wire/service.ts';
import {
  md5OfAttributes,
  messageAttributesSchema,
  selectAttributes,
  sizeOf,
  wireAttributes,
} from './message-attributes.ts';
import type { Queue } from './queue.ts';
import type { Queues } from './queues.ts';
import { queueAttributes } from './queue-attributes.ts';

const mostBytes = 1_048_576;
const longestDelaySeconds = 900;
const longestVisibilityTimeoutSeconds = 43_200;
const longestWaitSeconds = 20;

const ofQueue = { QueueUrl: v.string() };
const names = v.exactOptional(v.array(v.string()), []);
const visibilityTimeout = wholeNumber(0, longestVisibilityTimeoutSeconds);
const newMessage = {
  MessageBody: v.string(),
  MessageAttributes: v.exactOptional(messageAttributesSchema, {}),
  DelaySeconds: v.exactOptional(v.number(), 0),
};

const receiveOptions = {
  MaxNumberOfMessages: v.exactOptional(wholeNumber(1, 10), 1),
  VisibilityTimeout: v.exactOptional(visibilityTimeout),
  WaitTimeSeconds: v.exactOptional(wholeNumber(0, longestWaitSeconds), 0),
  AttributeNames: names,
  MessageSystemAttributeNames: names,
  MessageAttributeNames: names,
};

type ReceiveOptions = v.InferOutput<v.ObjectSchema<typeof receiveOptions, undefined>>;
type NewWireMessage = v.InferOutput<v.ObjectSchema<typeof newMessage, undefined>>;

/**
 * Serves SQS on these queues, whose URLs begin with the account. Message system attributes and FIFO queues are not
 * supported.
 */
export function sqsActions(queues: Queues): ActionsOf<'sqs'> {
  /** An action on the queue that the call names by URL, whatever its host is. */
  const onQueue =
    <Schema extends v.GenericSchema<{ readonly QueueUrl: string }>>(
      schema: Schema,
      perform: (queue: Queue, input: v.InferOutput<Schema>, signal: AbortSignal) => object | Promise<object>,
    ): Action =>
    (given, signal) => {
      const input = readInput(schema, given, 'InvalidParameterValue');
      const { QueueUrl } = input as { readonly QueueUrl: string };
      return perform(found(queues, QueueUrl.slice(QueueUrl.lastIndexOf('/') + 1)), input, signal);
    };

  return {
    GetQueueAttributes: onQueue(
      v.object({ ...ofQueue, AttributeNames: names }),
      (queue, { AttributeNames }) => ({
        Attributes: queueAttributes(queue, AttributeNames, queues),
      }),
    ),

    SendMessage: onQueue(v.object({ ...ofQueue, ...newMessage }), send),

    ReceiveMessage: onQueue(v.object({ ...ofQueue, ...receiveOptions }), receive),

    DeleteMessage: onQueue(
      v.object({ ...ofQueue, ReceiptHandle: v.string() }),
      (queue, { ReceiptHandle }) => {
        queue.remove(ReceiptHandle);
        return {};
      },
    ),

    ChangeMessageVisibility: onQueue(
      v.object({ ...ofQueue, ReceiptHandle: v.string(), VisibilityTimeout: visibilityTimeout }),
      (queue, { ReceiptHandle, VisibilityTimeout }) => {
        queue.changeVisibility(ReceiptHandle, VisibilityTimeout);
        return {};
      },
    ),
  };
}

function found(queues: Queues, name: string): Queue {
  const queue = queues.find(name);
  if (!queue) {
    throw new ServiceError('QueueDoesNotExist', `The specified queue does not exist: ${name}.`);
  }
  return queue;
}

function send(queue: Queue, { MessageBody, MessageAttributes, DelaySeconds }: NewWireMessage): object {
  const bytes = sizeOf(MessageBody, MessageAttributes);
  if (MessageBody === '' || bytes > mostBytes) {
    throw invalid(`The message is ${bytes} bytes; allowed: a body of 1 byte or more, ${mostBytes} in all.`);
  }
  if (!Number.isInteger(DelaySeconds) || DelaySeconds < 0 || DelaySeconds > longestDelaySeconds) {
    throw invalid(
      `DelaySeconds is ${DelaySeconds}; allowed: a whole number from 0 to ${longestDelaySeconds}.`,
    );
  }
  return {
    MessageId: queue.send({ body: MessageBody, attributes: MessageAttributes, delaySeconds: DelaySeconds }),
    MD5OfMessageBody: hash('md5', MessageBody),
    MD5OfMessageAttributes: md5OfAttributes(MessageAttributes),
  };
}

async function receive(queue: Queue, input: ReceiveOptions, signal: AbortSignal): Promise<object> {
  const messages = await queue.receive({
    maximum: input.MaxNumberOfMessages,
    visibilityTimeoutSeconds: input.VisibilityTimeout ?? queue.description.visibilityTimeoutSeconds,
    waitMilliseconds: input.WaitTimeSeconds * 1_000,
    signal,
  });
  const systemNames = [...input.AttributeNames, ...input.MessageSystemAttributeNames];
  return messages.length === 0
    ? {}
    : { Messages: messages.map((each) => wireMessage(each, systemNames, input.MessageAttributeNames)) };
}

const invalid = (message: string): ServiceError => new ServiceError('InvalidParameterValue', message);

function wireMessage(
  { messageId, receiptHandle, body, md5OfBody, attributes, messageAttributes }: QueueMessage,
  systemNames: readonly string[],
  attributeNames: readonly string[],
): object {
  const system = Object.entries(attributes).filter(
    ([name]) => systemNames.includes('All') || systemNames.includes(name),
  );
  const selected = selectAttributes(messageAttributes, attributeNames);
  return {
    MessageId: messageId,
    ReceiptHandle: receiptHandle,
    Body: body,
    MD5OfBody: md5OfBody,
    ...(system.length > 0 && { Attributes: Object.fromEntries(system) }),
    ...(Object.keys(selected).length > 0 && {
      MessageAttributes: wireAttributes(selected),
      MD5OfMessageAttributes: md5OfAttributes(selected),
    }),
  };
}
