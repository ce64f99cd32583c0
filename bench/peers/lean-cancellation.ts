/** The cancel of both lean functions that end a session: read, ask Klarna, DELETE, write. */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import {
  accountsSchema,
  documents,
  keyOf,
  klarna,
  note,
  Refusal,
  secret,
  tableName,
} from './lean-services.ts';

export interface Cancellation {
  readonly outcome: 'canceled' | 'already_canceled' | 'already_final';
  readonly state: string;
}

export interface CancelOptions {
  readonly account: string;
  readonly id: string;
  readonly reason: string;
  /** Tells whether the record still asks for this cancel. Absent: it does. */
  readonly isWanted?: (record: Readonly<Record<string, unknown>> | undefined) => boolean;
  /** Runs beside the write of the outcome. */
  readonly alongside?: () => Promise<unknown>;
}

/** Cancels unless the customer has paid. Resolves to `undefined` where the record does not ask for it any more. */
export async function cancelUnlessPaid({
  account,
  id,
  reason,
  isWanted = () => true,
  alongside = () => Promise.resolve(),
}: CancelOptions): Promise<Cancellation | undefined> {
  const settings = (await secret(accountsSchema))[account];
  if (!settings) throw new Refusal(404, 'unknown account');
  const { Item: record } = await documents.send(
    new GetCommand({ TableName: tableName, Key: keyOf(account, id), ConsistentRead: true }),
  );
  if (!isWanted(record)) return undefined;
  const stored = String(record?.['state']);
  if (stored === 'CANCELED') return { outcome: 'already_canceled', state: stored };
  if (stored === 'COMPLETED') return { outcome: 'already_final', state: stored };

  const seen = await klarna('GET', settings, id);
  if (seen.state === 'COMPLETED') return { outcome: 'already_final', state: seen.state };
  const ended = seen.state === 'CANCELED' ? seen : await klarna('DELETE', settings, id);
  await Promise.all([write({ account, id, reason, previous: seen.state, ...ended }), alongside()]);
  return { outcome: 'canceled', state: ended.state };
}

async function write(ended: {
  readonly account: string;
  readonly id: string;
  readonly reason: string;
  readonly previous: string;
  readonly state: string;
  readonly updated_at: string;
}): Promise<void> {
  try {
    await documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: keyOf(ended.account, ended.id),
        UpdateExpression:
          'SET #state = :state, previous_state = :previous, occurred_at = :occurred, cancel_reason = :reason, updated_at = :now',
        // A webhook that tells of the payment may have been faster.
        ConditionExpression: 'attribute_not_exists(#state) OR #state <> :completed',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':state': ended.state,
          ':previous': ended.previous,
          ':occurred': ended.updated_at,
          ':reason': ended.reason,
          ':now': new Date().toISOString(),
          ':completed': 'COMPLETED',
        },
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    note({ conflict: true });
  }
}
