import * as v from 'valibot';
import type { StandInName } from './latencies.ts';

/** A call to a stand-in. */
export interface Asked {
  readonly service: StandInName;
  readonly action: string;
  readonly url: string;
  readonly input: unknown;
}

/** Its response. */
export interface Responded {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The stored data. They are the same for every call, so every call has the same work. */
export interface World {
  /** Items by table and then by key, or {@link anyKey}. */
  readonly tables: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Secrets by id. */
  readonly secrets: Readonly<Record<string, unknown>>;
  /** The entries of the indexes that have some, by name, in the order of their sort keys. */
  readonly indexes: Readonly<Record<string, readonly Entry[]>>;
  /** Whether a condition on an item fails, because the item to write exists already. */
  readonly seen: (table: string, key: string, condition: string) => boolean;
}

/** An entry of an index. */
export type Entry = Readonly<Record<string, { readonly S: string }>>;

/** Stands for every key of a table without an item of its own. */
export const anyKey = '*';

const keyed = v.object({
  TableName: v.string(),
  Key: v.optional(v.record(v.string(), v.object({ S: v.string() }))),
  Item: v.optional(v.record(v.string(), v.unknown())),
  ConditionExpression: v.optional(v.string()),
});

const text = v.object({ S: v.optional(v.string()) });

const batched = v.object({
  RequestItems: v.record(v.string(), v.object({ Keys: v.array(v.record(v.string(), text)) })),
});

const queried = v.object({
  IndexName: v.optional(v.string(), ''),
  ExpressionAttributeNames: v.optional(v.record(v.string(), v.string()), {}),
  ExpressionAttributeValues: v.optional(v.record(v.string(), text), {}),
  ScanIndexForward: v.optional(v.boolean(), true),
  Limit: v.optional(v.number()),
});

/** The response to one call. Throws for a call that no flow of the benchmark makes. */
export function responseOf(world: World, asked: Asked): Responded {
  const { service, action, input } = asked;
  switch (`${service}.${action}`) {
    case 'dynamodb.GetItem': {
      const { TableName, key } = keyOf(input);
      const item = world.tables[TableName]?.[key];
      return ok(item === undefined ? {} : { Item: item });
    }
    case 'dynamodb.PutItem':
    case 'dynamodb.UpdateItem': {
      const { TableName, key, condition } = keyOf(input);
      if (condition === undefined || !world.seen(TableName, key, condition)) return ok({});
      const body = {
        __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException',
        message: 'The conditional request failed',
        Item: world.tables[TableName]?.[key] ?? world.tables[TableName]?.[anyKey],
      };
      return { status: 400, body };
    }
    case 'dynamodb.BatchGetItem': {
      const { RequestItems } = v.parse(batched, input);
      const found = Object.entries(RequestItems).map(([table, { Keys }]) => {
        const items = Keys.flatMap((key) => world.tables[table]?.[Object.values(key)[0]?.S ?? ''] ?? []);
        return [table, items] as const;
      });
      return ok({ Responses: Object.fromEntries(found), UnprocessedKeys: {} });
    }
    case 'dynamodb.Query': {
      const items = entriesFor(world, v.parse(queried, input));
      return ok({ Items: items, Count: items.length, ScannedCount: items.length });
    }
    case 'secretsmanager.GetSecretValue': {
      const { SecretId } = v.parse(v.object({ SecretId: v.string() }), input);
      return ok({ ARN: SecretId, Name: SecretId, SecretString: JSON.stringify(world.secrets[SecretId]) });
    }
    case 'scheduler.CreateSchedule':
      return ok({ ScheduleArn: 'arn:aws:scheduler:eu-west-1:000000000000:schedule/lapse/a' });
    case 'scheduler.DeleteSchedule':
      return ok({});
    case 'eventbridge.PutEvents': {
      const { Entries } = v.parse(v.object({ Entries: v.array(v.unknown()) }), input);
      return ok({ FailedEntryCount: 0, Entries: Entries.map((_, index) => ({ EventId: `event-${index}` })) });
    }
    case 'klarna.GET':
      return ok(paymentRequest(asked.url, 'SUBMITTED'));
    case 'klarna.DELETE':
      return ok(paymentRequest(asked.url, 'CANCELED'));
    default:
      throw new Error(`${service}.${action} is called by no flow of the benchmark`);
  }
}

/** The entries whose partition key is one of the query's values. The benchmark has no query that a sort key narrows. */
function entriesFor(world: World, query: v.InferOutput<typeof queried>): readonly Entry[] {
  const values = new Set(Object.values(query.ExpressionAttributeValues).map(({ S }) => S));
  const matching = (world.indexes[query.IndexName] ?? []).filter((entry) =>
    Object.values(query.ExpressionAttributeNames).some((name) => values.has(entry[name]?.S)),
  );
  const inOrder = query.ScanIndexForward ? matching : matching.toReversed();
  return inOrder.slice(0, query.Limit);
}

const ok = (body: unknown): Responded => ({ status: 200, body });

function keyOf(input: unknown) {
  const { TableName, Key, Item, ConditionExpression } = v.parse(keyed, input);
  const given = Object.values(Key ?? Item ?? {})[0] as { readonly S?: string } | undefined;
  return { TableName, key: given?.S ?? '', condition: ConditionExpression };
}

/** A Payment Request as Klarna shows it, with the members that Lapse does not read. */
const paymentRequest = (url: string, state: string) => ({
  payment_request_id: url.slice(url.lastIndexOf('/') + 1),
  payment_request_reference: 'order-1',
  state,
  previous_state: state === 'CANCELED' ? 'SUBMITTED' : undefined,
  created_at: '2026-03-01T11:58:00.000Z',
  updated_at: '2026-03-01T12:00:00.000Z',
  expires_at: '2099-03-01T12:00:00.000Z',
  currency: 'EUR',
  amount: 12_900,
  line_items: [{ name: 'Shoes', quantity: 1, total_amount: 12_900 }],
});
