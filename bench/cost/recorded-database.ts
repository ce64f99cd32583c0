import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as v from 'valibot';
import { type DynamoDbProxy, openDynamoDbProxy } from '../../local/aws/dynamodb/dynamodb-proxy.ts';
import { sendHttpResponse, type HttpResponse } from '../../local/aws/wire/http-response.ts';
import { startDynamoDb } from '../../local/dynamodb/engine.ts';
import { connectToEngine, type EngineConnection } from '../../local/dynamodb/engine-connection.ts';
import { readWholeBody } from '../../local/shared/read-body.ts';
import {
  bytesOfItem,
  type Image,
  type Index,
  refusedUnits,
  writeUnits,
  type WriteUnits,
} from './write-units.ts';

/** One item that a function wrote, or tried to. */
export interface RecordedWrite {
  /** The name of the function. */
  readonly caller: string;
  /** The partition key of the item. */
  readonly key: string;
  /** Whether its condition refused it. It costs all the same. */
  readonly refused: boolean;
  readonly units: WriteUnits;
  /** The bytes of the item after the write. */
  readonly bytes: number;
}

/** One read by a function, whatever the number of items. */
export interface RecordedRead {
  readonly caller: string;
  readonly action: string;
  readonly units: number;
}

export interface RecordedDatabase {
  /** The value for `LAPSE_DYNAMODB_URL`. */
  readonly url: string;
  /** Every write by a function since the start, in order. */
  readonly writes: readonly RecordedWrite[];
  /** Every read by a function since the start, in order. */
  readonly reads: readonly RecordedRead[];
  close(): Promise<void>;
}

/** The embedded engine, and in front of it a server that notes what each call of a function would cost on AWS. */
export async function startRecordedDatabase(dataDirectory: string): Promise<RecordedDatabase> {
  const engine = await startDynamoDb({ dataDirectory, onLog: () => undefined });
  const recorder = new Recorder(connectToEngine(engine.url), openDynamoDbProxy(engine.url));
  const server = createServer((request, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    recorder.serve(request, gone.signal).then(
      (served) => sendHttpResponse(response, served),
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    writes: recorder.writes,
    reads: recorder.reads,
    async close() {
      const closed = once(server.close(), 'close');
      server.closeAllConnections();
      await closed;
      recorder.close();
      await engine.close();
    },
  };
}

/** The SDK of a function puts the function's name into the user agent. The local system itself has none. */
const callerOf = (headers: IncomingHttpHeaders): string | undefined =>
  /\bapp\/([\w-]+)/.exec([headers['user-agent'], headers['x-amz-user-agent']].flat().join(' '))?.[1];

const image = v.custom<Image>((value) => typeof value === 'object' && value !== null);

const singleSchema = v.object({
  TableName: v.string(),
  Key: v.optional(image),
  Item: v.optional(image),
});

const transactionSchema = v.object({
  TransactItems: v.array(v.record(v.string(), singleSchema)),
});

const foundSchema = v.object({
  Item: v.optional(image),
  Items: v.optional(v.array(image), []),
  Responses: v.optional(v.record(v.string(), v.array(image)), {}),
});

const consistency = { ConsistentRead: v.optional(v.boolean(), false) };

const readSchema = v.object({
  ...consistency,
  RequestItems: v.optional(v.record(v.string(), v.object(consistency)), {}),
});

const keysSchema = v.array(v.object({ AttributeName: v.string() }));

const describedSchema = v.object({
  Table: v.object({
    KeySchema: keysSchema,
    GlobalSecondaryIndexes: v.optional(
      v.array(
        v.object({
          IndexName: v.string(),
          KeySchema: keysSchema,
          Projection: v.object({
            ProjectionType: v.string(),
            NonKeyAttributes: v.optional(v.array(v.string()), []),
          }),
        }),
      ),
      [],
    ),
  }),
});

interface Table {
  readonly keys: readonly string[];
  readonly indexes: readonly Index[];
}

/** An item that a call is about. */
interface Target {
  readonly table: string;
  readonly key: Image;
}

/** The actions that write. */
const writingActions = new Set(['UpdateItem', 'PutItem', 'DeleteItem', 'TransactWriteItems']);
/** The actions that read. */
const readingActions = new Set(['GetItem', 'BatchGetItem', 'Query', 'Scan']);

class Recorder {
  readonly writes: RecordedWrite[] = [];
  readonly reads: RecordedRead[] = [];
  readonly #engine: EngineConnection;
  readonly #proxy: DynamoDbProxy;
  readonly #tables = new Map<string, Promise<Table>>();
  /** Settles when the write before has ended: only then an item before and after a write belongs to that write. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(engine: EngineConnection, proxy: DynamoDbProxy) {
    this.#engine = engine;
    this.#proxy = proxy;
  }

  close(): void {
    this.#engine.close();
    this.#proxy.close();
  }

  async serve(request: IncomingMessage, signal: AbortSignal): Promise<HttpResponse> {
    const body = await readWholeBody(request);
    const { headers } = request;
    const caller = callerOf(headers);
    const [service = '', action = ''] = String(headers['x-amz-target']).split('.');
    const forward = () => this.#proxy.call(headers, body, signal);
    if (caller === undefined || !service.startsWith('DynamoDB_')) return forward();
    const input: unknown = JSON.parse(body.toString('utf8'));
    if (writingActions.has(action)) {
      const written = this.#last.then(() => this.#write({ caller, action, input }, forward));
      this.#last = written.catch(() => undefined);
      return written;
    }
    const response = await forward();
    if (!readingActions.has(action)) throw new Error(`What ${action} costs is not known here.`);
    if (response.status === 200) this.#noteRead({ caller, action, input }, response);
    return response;
  }

  async #write({ caller, action, input }: Made, forward: () => Promise<HttpResponse>): Promise<HttpResponse> {
    const targets = await this.#targetsOf(action, input);
    const before = await Promise.all(targets.map((target) => this.#read(target)));
    const response = await forward();
    const refused = response.status === 400 && String(response.body).includes('ConditionalCheckFailed');
    // A call that failed for another reason wrote nothing and costs nothing.
    if (response.status !== 200 && !refused) return response;
    const times = action === 'TransactWriteItems' ? 2 : 1;
    for (const [position, target] of targets.entries()) {
      const { keys, indexes } = await this.#table(target.table);
      const old = before[position];
      const after = await this.#read(target);
      const units = refused
        ? refusedUnits(old)
        : writeUnits({ before: old, after, tableKeys: keys, indexes });
      this.writes.push({
        caller,
        key: target.key[keys[0] ?? '']?.S ?? '',
        refused,
        units: multiplied(units, times),
        bytes: after ? bytesOfItem(after) : 0,
      });
    }
    return response;
  }

  #noteRead({ caller, action, input }: Made, response: HttpResponse): void {
    const found = v.parse(foundSchema, JSON.parse(String(response.body)));
    const { ConsistentRead, RequestItems } = v.parse(readSchema, input);
    const isConsistent = [{ ConsistentRead }, ...Object.values(RequestItems)].some(
      (each) => each.ConsistentRead,
    );
    const units = (bytes: number): number => Math.max(1, Math.ceil(bytes / 4_096)) * (isConsistent ? 1 : 0.5);
    const sizes =
      action === 'BatchGetItem'
        ? Object.values(found.Responses).flat().map(bytesOfItem)
        : [
            [...(found.Item ? [found.Item] : []), ...found.Items].reduce(
              (sum, each) => sum + bytesOfItem(each),
              0,
            ),
          ];
    this.reads.push({ caller, action, units: sizes.reduce((sum, bytes) => sum + units(bytes), 0) });
  }

  async #targetsOf(action: string, input: unknown): Promise<readonly Target[]> {
    const singles =
      action === 'TransactWriteItems'
        ? v.parse(transactionSchema, input).TransactItems.flatMap((each) => Object.values(each))
        : [v.parse(singleSchema, input)];
    return Promise.all(
      singles.map(async ({ TableName: table, Key, Item }) => {
        const { keys } = await this.#table(table);
        const named = Key ?? Item ?? {};
        const key = Object.fromEntries(Object.entries(named).filter(([name]) => keys.includes(name)));
        return { table, key };
      }),
    );
  }

  async #read({ table, key }: Target): Promise<Image | undefined> {
    const input = { TableName: table, Key: key, ConsistentRead: true };
    return v.parse(foundSchema, await this.#engine.call('DynamoDB_20120810.GetItem', input)).Item;
  }

  #table(name: string): Promise<Table> {
    const known = this.#tables.get(name) ?? this.#describe(name);
    this.#tables.set(name, known);
    return known;
  }

  async #describe(name: string): Promise<Table> {
    const described = await this.#engine.call('DynamoDB_20120810.DescribeTable', { TableName: name });
    const { KeySchema, GlobalSecondaryIndexes } = v.parse(describedSchema, described).Table;
    const names = (keys: v.InferOutput<typeof keysSchema>) => keys.map(({ AttributeName }) => AttributeName);
    return {
      keys: names(KeySchema),
      indexes: GlobalSecondaryIndexes.map(({ IndexName, KeySchema: keys, Projection }) => ({
        name: IndexName,
        keys: names(keys),
        projected: Projection.ProjectionType === 'ALL' ? 'all' : Projection.NonKeyAttributes,
      })),
    };
  }
}

/** A call by a function. */
interface Made {
  readonly caller: string;
  readonly action: string;
  readonly input: unknown;
}

const multiplied = ({ base, indexes }: WriteUnits, times: number): WriteUnits => ({
  base: base * times,
  indexes: Object.fromEntries(Object.entries(indexes).map(([name, units]) => [name, units * times])),
});
