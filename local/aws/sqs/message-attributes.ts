import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { recordOf } from '../../../functions/contract/record-of.ts';
import type { QueueMessageAttribute } from '../../triggers/queue-source.ts';
import { text } from '../wire/text.ts';
import type { MessageAttributes } from './queue.ts';

const wireAttribute = v.pipe(
  v.object({
    DataType: text(/^(String|Number|Binary)(\.|$)/, 'String, Number or Binary'),
    StringValue: v.exactOptional(v.string()),
    /** Base64. */
    BinaryValue: v.exactOptional(text(/^[A-Za-z0-9+/]*={0,2}$/, 'base64')),
  }),
  v.check(
    ({ DataType, StringValue, BinaryValue }) =>
      (DataType.startsWith('Binary') ? BinaryValue : StringValue) !== undefined,
    'a value of its DataType',
  ),
);

/** The `MessageAttributes` of a message that is sent. */
export const messageAttributesSchema = v.pipe(
  recordOf(text(/^[\w.-]{1,256}$/, 'names of letters, digits, underscores, hyphens and dots'), wireAttribute),
  v.transform((given): MessageAttributes =>
    Object.fromEntries(
      Object.entries(given).map(([name, { DataType, StringValue, BinaryValue }]) => [
        name,
        {
          dataType: DataType,
          ...(StringValue !== undefined && { stringValue: StringValue }),
          ...(BinaryValue !== undefined && { binaryValue: BinaryValue }),
        },
      ]),
    ),
  ),
);

export const wireAttributes = (attributes: MessageAttributes): object =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, { dataType, stringValue, binaryValue }]) => [
      name,
      { DataType: dataType, StringValue: stringValue, BinaryValue: binaryValue },
    ]),
  );

/** The attributes that were asked for: by name, by `prefix.*`, or by `All`. */
export function selectAttributes(
  attributes: MessageAttributes,
  wanted: readonly string[],
): MessageAttributes {
  const isWanted = (name: string) =>
    wanted.some(
      (given) =>
        given === 'All' || given === name || (given.endsWith('.*') && name.startsWith(given.slice(0, -2))),
    );
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => isWanted(name)));
}

/**
 * The digest by which a client checks that its attributes arrived; undefined where there are none.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
 */
export function md5OfAttributes(attributes: MessageAttributes): string | undefined {
  const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  if (sorted.length === 0) return undefined;
  const md5 = createHash('md5');
  const withLength = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    md5.update(length).update(bytes);
  };
  for (const [name, attribute] of sorted) {
    withLength(Buffer.from(name));
    withLength(Buffer.from(attribute.dataType));
    md5.update(Buffer.of(isBinary(attribute) ? 2 : 1));
    withLength(bytesOf(attribute));
  }
  return md5.digest('hex');
}

/** The size of a message in bytes, as its limit counts it. */
export const sizeOf = (body: string, attributes: MessageAttributes): number =>
  Object.entries(attributes).reduce(
    (size, [name, attribute]) =>
      size + Buffer.byteLength(name) + Buffer.byteLength(attribute.dataType) + bytesOf(attribute).length,
    Buffer.byteLength(body),
  );

const isBinary = ({ dataType }: QueueMessageAttribute): boolean => dataType.startsWith('Binary');

const bytesOf = (attribute: QueueMessageAttribute): Buffer =>
  isBinary(attribute)
    ? Buffer.from(attribute.binaryValue ?? '', 'base64')
    : Buffer.from(attribute.stringValue ?? '');
