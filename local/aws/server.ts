import { once } from 'node:events';
import { createServer } from 'node:http';
import type { DatabaseSync } from 'node:sqlite';
import type { QueueDescription } from '../template/stack-description.ts';
import { ChangeSignal } from '../clock/change-signal.ts';
import { openDatabase } from '../shared/database.ts';
import { listen } from '../shared/listen.ts';
import { LocalClock } from '../clock/local-clock.ts';
import { type ServiceEndpoints, openServiceEndpoints } from './service-endpoints.ts';
import { openDynamoDbProxy } from './dynamodb/dynamodb-proxy.ts';
import { eventBridgeActions } from './eventbridge/eventbridge-actions.ts';
import { EventLog } from './eventbridge/event-log.ts';
import { Faults } from './faults/faults.ts';
import type { Schedule, ScheduleKey } from './scheduler/schedule.ts';
import { ScheduleDelivery } from './scheduler/schedule-delivery.ts';
import { startScheduleLoop } from './scheduler/schedule-loop.ts';
import { ScheduleStore } from './scheduler/schedule-store.ts';
import { schedulerActions } from './scheduler/scheduler-actions.ts';
import { Schedules } from './scheduler/schedules.ts';
import { currentStage, SecretStore, type SecretSource, versionWith } from './secretsmanager/secret-store.ts';
import { secretsManagerActions } from './secretsmanager/secretsmanager-actions.ts';
import { MessageStore } from './sqs/message-store.ts';
import { Queues } from './sqs/queues.ts';
import { sqsActions } from './sqs/sqs-actions.ts';
import { type MadeCall, MadeCalls } from './made-calls.ts';
import { createRequestListener } from './wire/request-listener.ts';

export interface AwsServerOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Keeps messages, schedules, events and written secrets in this folder; without it they are in memory. */
  readonly dataDirectory: string | undefined;
  /** The DynamoDB that calls are forwarded to. */
  readonly dynamodbUrl: string;
  readonly region: string;
  readonly accountId: string;
  /** Names, besides `default`. */
  readonly scheduleGroups: readonly string[];
  /** Names, besides `default`. */
  readonly eventBuses: readonly string[];
  readonly queues: readonly QueueDescription[];
  /**
   * Names of queues that count as dead-letter queues though no queue redrives to them, such as the on-failure destination
   * of a stream. Default: none.
   */
  readonly deadLetterQueues?: readonly string[];
  /** By name. Calls may write other values, and create further secrets. */
  readonly secrets: Readonly<Record<string, SecretSource>>;
  /** The clock of the queues and of Scheduler. Default: the machine's. */
  readonly clock?: LocalClock;
  /** Receives the server's own failures. Default: standard error. */
  readonly onLog?: (line: string) => void;
}

export interface AwsServer {
  /** The value for `AWS_ENDPOINT_URL`: all services at one address, on this machine only. */
  readonly url: string;
  /** The same services, each at an address of its own, which the fault `refuse` can close. */
  readonly urls: ServiceEndpoints['urls'];
  queueUrl(queueName: string): string;
  /** The state that clients see, without HTTP and without faults of calls. */
  readonly queues: Queues;
  readonly events: EventLog;
  readonly schedules: { list(): readonly Schedule[] };
  /** The current value of a secret. Throws where it has none. */
  secretText(name: string): string;
  readonly faults: Faults;
  /** The number of calls of each action since the start, such as `dynamodb.UpdateItem`. */
  calls(): Readonly<Record<string, number>>;
  /** Every kind of call since the start, once: which function called which action on which resource. */
  kindsOfCalls(): readonly MadeCall[];
  /** Closes connections, wakes everything that waits for a message or an event, and closes the data. */
  close(): Promise<void>;
}

/**
 * Starts the AWS services that the functions use, on one endpoint. With a data directory, every call that succeeded is kept and
 * survives a `kill -9` of the process.
 */
export async function startAwsServer(options: AwsServerOptions): Promise<AwsServer> {
  const { accountId, clock = new LocalClock(), onLog = console.error } = options;
  const closing = new AbortController();
  const faults = new Faults((services) => serviceEndpoints.shut(services));
  const database = openDatabase(options.dataDirectory, 'aws.sqlite');
  const services = openServices({ ...options, database, clock, faults, closing: closing.signal });
  const dynamodb = openDynamoDbProxy(options.dynamodbUrl);
  const calls = new MadeCalls();
  const listener = createRequestListener({
    actions: services.actions,
    dynamodb,
    faults,
    onCall: (call, headers, body) => calls.add(call, headers, body),
    onLog,
  });
  const server = createServer({ keepAliveTimeout: 0 }, listener);
  let url: string;
  let serviceEndpoints: ServiceEndpoints;
  try {
    url = await listen(server, options.port);
    serviceEndpoints = await openServiceEndpoints(listener, onLog);
  } catch (error) {
    database.close();
    throw error;
  }
  const { queues, events, schedules, startSchedules } = services;
  const loop = startSchedules(onLog);

  return {
    url,
    urls: serviceEndpoints.urls,
    queueUrl: (queueName) => `${url}/${accountId}/${queueName}`,
    queues,
    events,
    schedules,
    secretText: services.secretText,
    faults,
    calls: () => calls.counts(),
    kindsOfCalls: () => calls.kinds(),
    async close() {
      closing.abort();
      await loop.close();
      const closed = once(server.close(), 'close');
      server.closeAllConnections();
      await closed;
      await serviceEndpoints.close();
      dynamodb.close();
      database.close();
    },
  };
}

interface ServicesParts extends AwsServerOptions {
  readonly database: DatabaseSync;
  readonly clock: LocalClock;
  readonly faults: Faults;
  readonly closing: AbortSignal;
}

/** The services over one database, and the actions by which clients use them. */
function openServices(parts: ServicesParts) {
  const { database, clock, faults, closing, region, accountId } = parts;
  const queues = new Queues(parts.queues, parts.deadLetterQueues ?? [], {
    store: new MessageStore(database),
    clock,
    faults,
    accountId,
    closing,
  });
  const events = new EventLog(database, clock, closing);
  const store = new ScheduleStore(database);
  const changed = new ChangeSignal(clock);
  const onChange = () => changed.announce();
  const schedules = new Schedules({ store, clock, groups: parts.scheduleGroups, onChange });
  const arnOf = ({ group, name }: ScheduleKey) =>
    `arn:aws:scheduler:${region}:${accountId}:schedule/${group}/${name}`;
  const delivery = new ScheduleDelivery({ database, store, queues, faults, arnOf });
  const secrets = new SecretStore({ database, clock, sources: parts.secrets });
  return {
    queues,
    events,
    schedules,
    secretText: (name: string) => {
      const secret = secrets.find(name);
      const current = secret && versionWith(secret, currentStage);
      if (!current) throw new Error(`The secret ${name} has no value.`);
      return current.text;
    },
    actions: {
      scheduler: schedulerActions(schedules, arnOf),
      sqs: sqsActions(queues),
      eventbridge: eventBridgeActions({
        log: events,
        clock,
        faults,
        buses: parts.eventBuses,
        region,
        accountId,
      }),
      secretsmanager: secretsManagerActions({ secrets, region, accountId }),
    },
    startSchedules: (onLog: (line: string) => void) =>
      startScheduleLoop({ store, delivery, clock, changed, onLog }),
  };
}
