import { join } from 'node:path';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { readStack } from '../local/template/read-stack.ts';
import { synthesize } from '../local/template/synthesize.ts';
import type { FunctionName } from '../functions/contract/environment.ts';
import type { EventId, PaymentRequestId, SessionId } from '../functions/domain/identifiers.ts';
import type { PaymentRequest } from '../functions/domain/payment-request.ts';
import { account, at, recordWith } from '../test/support/fixtures.ts';
import { completedDelivery, signedEvent, signingKeyId, subject } from '../test/support/klarna-deliveries.ts';
import {
  apiEvent,
  functionUrlEvent,
  itemOf,
  queueEvent,
  recurringEvent,
  streamEvent,
} from '../test/support/lambda-events.ts';
import { planted } from '../test/support/planted-secrets.ts';
import type { Bundles } from './bundles.ts';
import type { Sandboxed } from './lambda/sample.ts';
import { anyKey, type World } from './stand-ins/responses.ts';
import type { Latencies, StandInName } from './stand-ins/latencies.ts';

/** One function that does one job. */
export interface Subject {
  readonly name: string;
  readonly kind: 'empty' | 'typical' | 'lapse';
  readonly job: string;
  readonly sandboxed: Omit<Sandboxed, 'bootstrap'>;
  /** The event of the call with this number. */
  readonly event: (call: number) => unknown;
  /** The calls that each call must make, in alphabetical order. Any other call makes the sample invalid. */
  readonly calls: readonly string[];
  /** The calls that a process makes once. */
  readonly once: readonly string[];
  /** Whether a response shows that the job was done. */
  readonly done: (response: unknown) => boolean;
  /** `all`: emulated sizes, too. `whole`: only the whole core. `never`: one run for its calls, without timing. */
  readonly timed: 'all' | 'whole' | 'never';
}

export interface Bench {
  readonly subjects: readonly Subject[];
  readonly world: World;
}

const requestId = (digit: string): PaymentRequestId =>
  `krn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-${digit.repeat(12)}` as PaymentRequestId;
const open = requestId('1');
/** The delivery was seen before, so every condition fails. */
const repeated = requestId('2');

/** A table of Powertools' idempotency in which everything is done already. */
const seenTable = 'idempotency-seen';

const registered = (paymentRequestId: PaymentRequestId): PaymentRequest => ({
  ...recordWith({
    sessionId: 'cart-1' as SessionId,
    reference: 'order-1',
    state: 'SUBMITTED',
    occurredAt: at('2026-03-01T12:00:00Z'),
    session: {
      registeredAt: at('2026-03-01T12:00:00Z'),
      requested: 'PT30M',
      onTimeout: 'cancel',
      extensions: 0,
    },
    deadlineAt: at('2026-03-01T12:30:00Z'),
    timer: 'armed',
    history: [
      {
        eventId: 'register:1' as EventId,
        kind: 'register',
        effect: 'accepted',
        recordedAt: at('2026-03-01T12:00:00Z'),
        detail: {},
      },
    ],
  }),
  paymentRequestId,
});

const path = (id: string) => ({ pathParameters: { account, payment_request_id: id } });

const uuid = (call: number): string => `62bb5d9f-33d3-43d0-9d84-${String(call).padStart(12, '0')}`;

const delivery = (id: PaymentRequestId) => (call: number) => {
  const body = completedDelivery({ event_id: uuid(call) });
  return { ...body, payload: { ...(body['payload'] as object), payment_request_id: id } };
};

const statusOf = (response: unknown): unknown =>
  typeof response === 'object' && response !== null && 'statusCode' in response
    ? response.statusCode
    : undefined;
const is = (status: number) => (response: unknown) => statusOf(response) === status;
const isEmptyBatch = (response: unknown): boolean =>
  JSON.stringify(response) === JSON.stringify({ batchItemFailures: [] });

const webhookEvent = (id: PaymentRequestId) => (call: number) => signedEvent(delivery(id)(call));

/** Everything is right except the signature. */
export const forgedEvent = (call: number): unknown => {
  const genuine = signedEvent(delivery(open)(call));
  return functionUrlEvent({
    headers: { ...genuine.headers, 'klarna-signature': 'a'.repeat(64) },
    body: Buffer.from(genuine.body ?? ''),
  });
};

const secretRead = ['secretsmanager.GetSecretValue'];

/** A function with its environment, ready to start. */
type Prepared = Subject['sandboxed'];

/** The functions and the peers as they are started. */
interface Sandboxes {
  readonly ours: (name: FunctionName, overrides?: Readonly<Record<string, string>>) => Prepared;
  readonly typicalCancel: Prepared;
  readonly typicalWebhook: Prepared;
  readonly empty: Prepared;
}

/** Everything that is run: the functions with the environment of the stack, and the peers. */
export async function describeBench(
  bundles: Bundles,
  urls: Readonly<Record<StandInName, string>>,
  certificateFile: string,
): Promise<Bench> {
  const { cdkOut } = await synthesize(root);
  const { functions } = await readStack(cdkOut, { awsUrl: urls.sqs });
  const services = servicesOf(urls, certificateFile);
  const ours: Sandboxes['ours'] = (name, overrides = {}) => {
    const description = functions.find((each) => each.name === name);
    if (!description) throw new Error(`the stack has no function ${name}`);
    return {
      bundle: bundles.functions[name],
      handler: description.handler,
      memoryMegabytes: description.memoryMegabytes,
      environment: {
        ...description.environment,
        KLARNA_TEST_URL: urls.klarna,
        KLARNA_LIVE_URL: urls.klarna,
        AWS_LAMBDA_FUNCTION_NAME: name,
        ...services,
        ...overrides,
      },
    };
  };
  const typical = (name: 'typical-cancel' | 'typical-webhook', secretId: string): Prepared => ({
    bundle: bundles.peers[name],
    handler: 'index.handler',
    memoryMegabytes: 256,
    environment: { ...typicalEnvironment(name, secretId), KLARNA_URL: urls.klarna, ...services },
  });
  const sandboxes: Sandboxes = {
    ours,
    typicalCancel: typical('typical-cancel', 'typical/accounts'),
    typicalWebhook: typical('typical-webhook', 'typical/signing-keys'),
    empty: {
      bundle: bundles.peers.empty,
      handler: 'index.handler',
      memoryMegabytes: 256,
      environment: { AWS_LAMBDA_FUNCTION_NAME: 'empty', ...services },
    },
  };
  return {
    subjects: [
      ...comparedSubjects(sandboxes),
      ...otherFunctions(sandboxes),
      ...webhooksWithoutEffect(sandboxes),
    ],
    world: worldOf(ours('cancel-payment-request').environment, ours('receive-klarna-webhook').environment),
  };
}

const root = join(import.meta.dirname, '..');

const servicesOf = (
  urls: Readonly<Record<StandInName, string>>,
  certificateFile: string,
): Readonly<Record<string, string>> => ({
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'bench',
  AWS_SECRET_ACCESS_KEY: 'bench',
  AWS_SESSION_TOKEN: 'bench-session-token',
  AWS_ENDPOINT_URL_DYNAMODB: urls.dynamodb,
  AWS_ENDPOINT_URL_SCHEDULER: urls.scheduler,
  AWS_ENDPOINT_URL_SQS: urls.sqs,
  AWS_ENDPOINT_URL_EVENTBRIDGE: urls.eventbridge,
  AWS_ENDPOINT_URL_SECRETS_MANAGER: urls.secretsmanager,
  NODE_EXTRA_CA_CERTS: certificateFile,
});

const typicalEnvironment = (name: string, secretId: string): Readonly<Record<string, string>> => ({
  TABLE_NAME: 'typical',
  IDEMPOTENCY_TABLE_NAME: 'idempotency',
  EVENT_BUS_NAME: 'shop',
  SCHEDULE_GROUP_NAME: 'sessions',
  SECRET_ID: secretId,
  POWERTOOLS_SERVICE_NAME: name,
  POWERTOOLS_METRICS_NAMESPACE: 'Typical',
  AWS_LAMBDA_FUNCTION_NAME: name,
  // Lambda's runtime has the SDK; here the project's own takes its place.
  NODE_PATH: join(root, 'node_modules'),
});

const of = (
  kind: Subject['kind'],
  job: string,
  rest: Omit<Subject, 'kind' | 'job' | 'name'>,
  suffix = '',
): Subject => ({ name: `${kind} ${job}${suffix}`, kind, job, ...rest });

const cancelCalls = [
  'dynamodb.GetItem',
  'dynamodb.UpdateItem',
  'dynamodb.UpdateItem',
  'klarna.DELETE',
  'klarna.GET',
  'scheduler.DeleteSchedule',
];

const cancelEvent = (): unknown => {
  const event = apiEvent({ method: 'DELETE', ...path(open), query: { reason: 'customer left' } });
  // A DELETE has no body, so it has no content type.
  return { ...event, headers: { host: event.headers['host'] } };
};

const ourCancel = { event: cancelEvent, calls: cancelCalls, once: secretRead, done: is(200) };
const ourWebhook = {
  event: webhookEvent(open),
  calls: ['dynamodb.UpdateItem'],
  once: secretRead,
  done: is(200),
};
const withoutWarmUp = { WARM_UP: 'off' };

/** An empty function, and the cancel and the webhook of Lapse and of its peer. */
function comparedSubjects({ ours, typicalCancel, typicalWebhook, empty }: Sandboxes): readonly Subject[] {
  const emptySubject = {
    sandboxed: empty,
    event: () => ({}),
    calls: [],
    once: [],
    done: is(200),
    timed: 'all',
  } as const;
  const cancel = ours('cancel-payment-request');
  const coldCancel = ours('cancel-payment-request', withoutWarmUp);
  const webhook = ours('receive-klarna-webhook');
  const coldWebhook = ours('receive-klarna-webhook', withoutWarmUp);
  return [
    of('empty', 'nothing', emptySubject, ', once'),
    of('empty', 'nothing', emptySubject, ', again'),
    of('lapse', 'cancel', { ...ourCancel, sandboxed: cancel, timed: 'all' }),
    of('lapse', 'cancel', { ...ourCancel, sandboxed: coldCancel, timed: 'all' }, ', warm-up off'),
    of('typical', 'cancel', {
      ...ourCancel,
      sandboxed: typicalCancel,
      calls: [...cancelCalls, 'dynamodb.PutItem'].toSorted(),
      timed: 'all',
    }),
    of('lapse', 'webhook', { ...ourWebhook, sandboxed: webhook, timed: 'all' }),
    of('lapse', 'webhook', { ...ourWebhook, sandboxed: coldWebhook, timed: 'all' }, ', warm-up off'),
    of('typical', 'webhook', {
      ...ourWebhook,
      sandboxed: typicalWebhook,
      calls: ['dynamodb.PutItem', 'dynamodb.UpdateItem', 'dynamodb.UpdateItem', 'eventbridge.PutEvents'],
      timed: 'all',
    }),
  ];
}

/** The functions that have no peer. */
const otherFunctions = ({ ours }: Sandboxes): readonly Subject[] => [
  of('lapse', 'register', {
    sandboxed: ours('register-payment-request'),
    event: () =>
      apiEvent({
        method: 'PUT',
        ...path(requestId('3')),
        body: { session_timeout: 'PT30M', session_id: 'cart-1', reference: 'order-1' },
      }),
    calls: ['dynamodb.Query', 'dynamodb.UpdateItem', 'dynamodb.UpdateItem', 'scheduler.CreateSchedule'],
    once: secretRead,
    done: is(201),
    timed: 'whole',
  }),
  of('lapse', 'read', {
    sandboxed: ours('get-payment-request'),
    event: () => apiEvent({ method: 'GET', ...path(open) }),
    calls: ['dynamodb.GetItem'],
    once: secretRead,
    done: is(200),
    timed: 'whole',
  }),
  of('lapse', 'timer', {
    sandboxed: ours('cancel-expired-session'),
    event: (call) =>
      queueEvent({
        id: `message-${call}`,
        body: JSON.stringify({
          account,
          payment_request_id: open,
          deadline_at: '2026-03-01T12:30:00Z',
        }),
      }),
    calls: cancelCalls,
    once: secretRead,
    done: isEmptyBatch,
    timed: 'whole',
  }),
  of('lapse', 'sweep, nothing due', {
    sandboxed: ours('reconcile-payment-requests'),
    event: () => recurringEvent,
    // The lease is taken and released. There are two queries for each shard of what is due, of which one counts, and one for the jobs.
    calls: [
      ...Array.from({ length: 17 }, () => 'dynamodb.Query'),
      'dynamodb.UpdateItem',
      'dynamodb.UpdateItem',
    ],
    once: [],
    done: (response) => typeof response === 'object',
    timed: 'whole',
  }),
  of('lapse', 'publish', {
    sandboxed: ours('publish-state-changes'),
    event: (call) => streamEvent({ sequenceNumber: String(call + 1), after: registered(open) }),
    calls: ['eventbridge.PutEvents'],
    once: [],
    done: isEmptyBatch,
    timed: 'whole',
  }),
];

/** Deliveries that change nothing: seen before, or forged. They run for their calls only. */
const webhooksWithoutEffect = ({ ours, typicalWebhook }: Sandboxes): readonly Subject[] => [
  of('lapse', 'webhook, duplicate', {
    ...ourWebhook,
    sandboxed: ours('receive-klarna-webhook'),
    event: () => webhookEvent(repeated)(0),
    timed: 'never',
  }),
  of('lapse', 'webhook, forged', {
    sandboxed: ours('receive-klarna-webhook'),
    event: forgedEvent,
    calls: [],
    once: secretRead,
    done: is(400),
    timed: 'never',
  }),
  of('typical', 'webhook, duplicate', {
    sandboxed: {
      ...typicalWebhook,
      environment: { ...typicalWebhook.environment, IDEMPOTENCY_TABLE_NAME: seenTable },
    },
    event: () => webhookEvent(repeated)(0),
    calls: ['dynamodb.PutItem'],
    once: secretRead,
    done: is(200),
    timed: 'never',
  }),
  of('typical', 'webhook, forged', {
    sandboxed: typicalWebhook,
    event: forgedEvent,
    calls: [],
    once: secretRead,
    done: is(400),
    timed: 'never',
  }),
];

/** The data of the stand-ins, under the names that the functions use. */
function worldOf(cancel: Readonly<Record<string, string>>, webhook: Readonly<Record<string, string>>): World {
  const accounts = {
    [account]: {
      environment: 'test',
      api_key: planted.apiKey,
      partner_account_id: subject,
    },
  };
  const signingKeys = { [signingKeyId]: { key: planted.signingKey, accounts: { [subject]: account } } };
  const items = [registered(open), { ...registered(repeated), history: [seen] }].map((record) =>
    itemOf(record),
  );
  const typicalItem = (id: string): Record<string, AttributeValue> => ({
    PK: { S: `${account}#${id}` },
    state: { S: 'SUBMITTED' },
    session_id: { S: 'cart-1' },
    occurred_at: { S: '2026-03-01T12:00:00Z' },
  });
  return {
    tables: {
      [cancel['TABLE_NAME'] ?? '']: Object.fromEntries(items.map((item) => [item['PK']?.S ?? '', item])),
      typical: Object.fromEntries([open, repeated].map((id) => [`${account}#${id}`, typicalItem(id)])),
      [seenTable]: {
        [anyKey]: {
          id: { S: 'typical-webhook#seen' },
          status: { S: 'COMPLETED' },
          expiration: { N: '4070908800' },
          data: { M: { statusCode: { N: '200' }, body: { S: '{"received":true}' } } },
        },
      },
    },
    secrets: {
      [cancel['ACCOUNTS_SECRET_ID'] ?? '']: accounts,
      [webhook['SIGNING_KEYS_SECRET_ID'] ?? '']: signingKeys,
      'typical/accounts': accounts,
      'typical/signing-keys': signingKeys,
    },
    seen: (table, key) => table === seenTable || key === items[1]?.['PK']?.S,
  };
}

/** The delivery that arrives a second time. */
const seen: PaymentRequest['history'][number] = {
  eventId: uuid(0) as EventId,
  kind: 'webhook',
  effect: 'applied',
  recordedAt: at('2026-03-01T12:01:00Z'),
  detail: {},
};

/**
 * Milliseconds that every cancel waits. The record is read first. Klarna's state is read while the claim is written. The DELETE
 * follows both. The outcome is written while the schedule is removed.
 */
export const unavoidableWaiting = ({ dynamodb, klarna, scheduler }: Latencies): number =>
  dynamodb + Math.max(klarna, dynamodb) + klarna + Math.max(dynamodb, scheduler);
