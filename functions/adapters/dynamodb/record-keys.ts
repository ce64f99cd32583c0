import { hash } from 'node:crypto';
import {
  type Account,
  parseReference,
  type Reference,
  type ReferenceKey,
  parseAccount,
  parsePaymentRequestId,
  type PaymentRequestKey,
  type SessionId,
} from '../../domain/identifiers.ts';

/** The partition key of a record. */
export const partitionKeyOf = ({ account, paymentRequestId }: PaymentRequestKey): string =>
  `A#${account}#P#${paymentRequestId}`;

/**
 * The key from which {@link partitionKeyOf} made the text, or `undefined` for an item that is not a Payment Request.
 */
export function keyOfPartition(partitionKey: string): PaymentRequestKey | undefined {
  const [, account = '', id = ''] = /^A#([^#]+)#P#(.+)$/.exec(partitionKey) ?? [];
  const key = { account: parseAccount(account), paymentRequestId: parsePaymentRequestId(id) };
  return key.account && key.paymentRequestId ? (key as PaymentRequestKey) : undefined;
}

/** The partition key of what the processes share of a credential: its rate limit, and what they know of it. */
export const credentialKeyOf = (credential: string): string => `RATE#${credential}`;

/** The partitions of the due index: enough for thousands of writes a second, few enough to query every minute. */
export const dueShards = Array.from({ length: 8 }, (_, shard) => `DUE#${shard}`);

/** The partitions of the attention index. */
export const attentionShards = Array.from({ length: 4 }, (_, shard) => `ATTENTION#${shard}`);

/** Returns the same shard for the same record every time. */
export const dueShardOf = (key: PaymentRequestKey): string => shardOf(key, dueShards);

/** Returns the same shard for the same record every time. */
export const attentionShardOf = (key: PaymentRequestKey): string => shardOf(key, attentionShards);

/**
 * The partition of the attention index that holds the records of an account whose end was only observed, where they need no person. An
 * account has no `#`.
 */
export const observedKeyOf = (account: Account): string => `${account}#OBSERVED`;

const shardOf = (key: PaymentRequestKey, shards: readonly string[]): string =>
  shards[Number.parseInt(hash('sha256', partitionKeyOf(key)).slice(0, 2), 16) % shards.length] ?? '';

/** The partition of the session index that holds one session of an account. */
export const sessionKeyOf = (account: Account, sessionId: SessionId): string => `${account}#${sessionId}`;

/** The partition of the reference index that holds one reference of an account. */
export const referenceKeyOf = (account: Account, reference: string): string => `${account}#${reference}`;

/** What follows the account in a partition of these two indexes. An account has no `#`. */
export const ownPartOf = (indexKey: string): string => indexKey.slice(indexKey.indexOf('#') + 1);

/** The time, in seconds since 1970, after which DynamoDB may delete the item: the retention after its last change. */
export const timeToLive = (updatedAtMillis: number, retentionDays: number): number =>
  Math.floor(updatedAtMillis / 1000) + retentionDays * 86_400;

/** The partition key of reports of authorizations by reference. */
export const partitionKeyOfReports = (account: Account, reference: Reference): string =>
  `A#${account}#T#${reference}`;

/** The partition key of what waits for a request with a reference. */
export const partitionKeyOfReference = ({ account, reference }: ReferenceKey): string =>
  `A#${account}#R#${reference}`;

/** The key from which {@link partitionKeyOfReference} made the text, or `undefined` for any other item. */
export function referenceOfPartition(partitionKey: string): ReferenceKey | undefined {
  const [, account = '', reference = ''] = /^A#([^#]+)#R#(.+)$/.exec(partitionKey) ?? [];
  const key = { account: parseAccount(account), reference: parseReference(reference) };
  return key.account && key.reference ? (key as ReferenceKey) : undefined;
}
