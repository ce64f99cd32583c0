import * as v from 'valibot';
import type { PaymentRequestId } from '../functions/domain/identifiers.ts';
import { account } from '../test/support/fixtures.ts';
import { completedDelivery, deliveryWith, signedEvent } from '../test/support/klarna-deliveries.ts';
import {
  apiEvent,
  functionUrlEvent,
  listRoute,
  queueEvent,
  recurringEvent,
  streamEvent,
} from '../test/support/lambda-events.ts';
import type { Prepared, Sandboxes } from './sandboxes.ts';
import type { Latencies } from './stand-ins/latencies.ts';
import {
  announced,
  open,
  pageSize,
  paid,
  justRegistered,
  repeated,
  requestId,
  seenTable,
  uuid,
} from './stand-ins/world.ts';

/** One function that does one job. */
export interface Subject {
  readonly name: string;
  readonly kind: 'empty' | 'typical' | 'lean' | 'lapse';
  readonly job: string;
  readonly sandboxed: Prepared;
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

/** What a schedule sends at the deadline. */
const timerMessage = (id: PaymentRequestId) => ({
  account,
  payment_request_id: id,
  deadline_at: '2026-03-01T12:30:00Z',
});

const path = (id: string) => ({ pathParameters: { account, payment_request_id: id } });

const deliveryOf = (id: PaymentRequestId, body: Readonly<Record<string, unknown>>) => ({
  ...body,
  payload: { ...(body['payload'] as object), payment_request_id: id },
});

const delivery = (id: PaymentRequestId) => (call: number) =>
  deliveryOf(id, completedDelivery({ event_id: uuid(call) }));

const listSchema = v.object({ payment_requests: v.array(v.unknown()) });

const statusOf = (response: unknown): unknown =>
  typeof response === 'object' && response !== null && 'statusCode' in response
    ? response.statusCode
    : undefined;
const is = (status: number) => (response: unknown) => statusOf(response) === status;
const hasOutcome = (outcome: string) => (response: unknown) =>
  typeof response === 'object' && response !== null && 'outcome' in response && response.outcome === outcome;
const isFullPage = (response: unknown): boolean => {
  const { body } = v.parse(v.object({ body: v.string() }), response);
  return v.parse(listSchema, JSON.parse(body)).payment_requests.length === pageSize;
};
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
/** A process of Lapse notes once in a while that a credential or a signing key is in use. */
const useNoted = [...secretRead, 'dynamodb.UpdateItem'];

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

const ourCancel = { event: cancelEvent, calls: cancelCalls, once: useNoted, done: is(200) };
const ourWebhook = {
  event: webhookEvent(open),
  calls: ['dynamodb.UpdateItem'],
  once: useNoted,
  done: is(200),
};
const withoutWarmUp = { WARM_UP: 'off' };

const leanCancelCalls = [
  'dynamodb.GetItem',
  'dynamodb.UpdateItem',
  'klarna.DELETE',
  'klarna.GET',
  'scheduler.DeleteSchedule',
];

/** An empty function, and the cancel and the webhook of Lapse and of its peers. */
function comparedSubjects(sandboxes: Sandboxes): readonly Subject[] {
  const { ours, typicalCancel, typicalWebhook, lean, empty } = sandboxes;
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
      once: secretRead,
      sandboxed: typicalCancel,
      calls: [...cancelCalls, 'dynamodb.PutItem'].toSorted(),
      timed: 'all',
    }),
    of('lean', 'cancel', {
      ...ourCancel,
      once: secretRead,
      sandboxed: lean('lean-cancel'),
      calls: leanCancelCalls,
      timed: 'all',
    }),
    of('lapse', 'webhook', { ...ourWebhook, sandboxed: webhook, timed: 'all' }),
    of('lapse', 'webhook', { ...ourWebhook, sandboxed: coldWebhook, timed: 'all' }, ', warm-up off'),
    of('typical', 'webhook', {
      ...ourWebhook,
      once: secretRead,
      sandboxed: typicalWebhook,
      calls: ['dynamodb.PutItem', 'dynamodb.UpdateItem', 'dynamodb.UpdateItem', 'eventbridge.PutEvents'],
      timed: 'all',
    }),
    of('lean', 'webhook', {
      ...ourWebhook,
      once: secretRead,
      sandboxed: lean('lean-webhook'),
      calls: ['dynamodb.UpdateItem', 'eventbridge.PutEvents'],
      timed: 'all',
    }),
  ];
}

const inSession = { session_id: 'cart-1' };

const registerEvent =
  (id: PaymentRequestId, session: object = inSession) =>
  (): unknown =>
    apiEvent({
      method: 'PUT',
      ...path(id),
      body: { session_timeout: 'PT30M', reference: 'order-1', ...session },
    });

/** The other functions of `lean`. Those of `typical` are derived from its webhook. */
const otherLeanFunctions = ({ lean }: Sandboxes): readonly Subject[] => [
  of('lean', 'register', {
    sandboxed: lean('lean-register'),
    event: registerEvent(requestId('3')),
    calls: ['dynamodb.UpdateItem', 'scheduler.CreateSchedule'],
    once: [],
    done: is(201),
    timed: 'whole',
  }),
  of('lean', 'timer', {
    sandboxed: lean('lean-timer'),
    event: () => timerMessage(open),
    calls: leanCancelCalls.filter((call) => !call.startsWith('scheduler.')),
    once: secretRead,
    done: hasOutcome('canceled'),
    timed: 'whole',
  }),
  of('lean', 'timer, paid', {
    sandboxed: lean('lean-timer'),
    event: () => timerMessage(paid),
    calls: ['dynamodb.GetItem'],
    once: secretRead,
    done: hasOutcome('already_final'),
    timed: 'never',
  }),
];

/** A single read, and a page of a list. */
const readsOf = ({ ours }: Sandboxes): readonly Subject[] => [
  of('lapse', 'read', {
    sandboxed: ours('get-payment-request'),
    event: () => apiEvent({ method: 'GET', ...path(open) }),
    calls: ['dynamodb.GetItem'],
    once: secretRead,
    done: is(200),
    timed: 'whole',
  }),
  of('lapse', 'list', {
    sandboxed: ours('get-payment-request'),
    event: () =>
      apiEvent({
        method: 'GET',
        route: listRoute,
        pathParameters: { account },
        query: { open: 'true', limit: String(pageSize) },
      }),
    calls: ['dynamodb.BatchGetItem', 'dynamodb.Query'],
    once: secretRead,
    done: isFullPage,
    timed: 'whole',
  }),
];

/** The functions of Lapse that are compared with none. */
const otherFunctions = ({ ours }: Sandboxes): readonly Subject[] => [
  of('lapse', 'register', {
    sandboxed: ours('register-payment-request'),
    event: registerEvent(requestId('3')),
    calls: ['dynamodb.Query', 'dynamodb.UpdateItem', 'scheduler.CreateSchedule'],
    once: secretRead,
    done: is(201),
    timed: 'whole',
  }),
  of('lapse', 'timer', {
    sandboxed: ours('cancel-expired-session'),
    event: (call) =>
      queueEvent({
        id: `message-${call}`,
        body: JSON.stringify(timerMessage(open)),
      }),
    calls: cancelCalls,
    // A process that has not called Klarna for a while looks whether another one was told to wait.
    once: [...useNoted, 'dynamodb.GetItem'],
    done: isEmptyBatch,
    timed: 'whole',
  }),
  of('lapse', 'sweep, nothing due', {
    sandboxed: ours('reconcile-payment-requests'),
    event: () => recurringEvent,
    // The lease is taken and released. Each shard of what is due has two queries: one lists, and one counts. One more each is for the
    // jobs, for reports of authorizations that name only a reference, and for references that are due.
    calls: [
      ...Array.from({ length: 19 }, () => 'dynamodb.Query'),
      'dynamodb.UpdateItem',
      'dynamodb.UpdateItem',
    ],
    // Once an hour it looks whether each credential was in use.
    once: [...useNoted, ...Array.from({ length: 3 }, () => 'dynamodb.GetItem')],
    done: (response) => typeof response === 'object',
    timed: 'whole',
  }),
  of('lapse', 'publish', {
    sandboxed: ours('publish-state-changes'),
    event: (call) => streamEvent({ sequenceNumber: String(call + 1), after: justRegistered(open) }),
    // The request has a reference, which another may be waiting for.
    calls: ['dynamodb.GetItem', 'eventbridge.PutEvents'],
    once: [],
    done: isEmptyBatch,
    timed: 'whole',
  }),
];

/** Jobs of Lapse whose calls have a goal of their own. They run for their calls only. */
const countedJobs = ({ ours }: Sandboxes): readonly Subject[] => [
  of('lapse', 'webhook, canceled', {
    ...ourWebhook,
    sandboxed: ours('receive-klarna-webhook'),
    event: (call) => signedEvent(deliveryOf(open, deliveryWith({ event_id: uuid(call) }))),
    calls: ['dynamodb.GetItem', 'dynamodb.UpdateItem'],
    timed: 'never',
  }),
  of('lapse', 'register, no session', {
    sandboxed: ours('register-payment-request'),
    event: registerEvent(requestId('3'), {}),
    calls: ['dynamodb.UpdateItem', 'scheduler.CreateSchedule'],
    once: secretRead,
    done: is(201),
    timed: 'never',
  }),
  of('lapse', 'register, webhook first', {
    sandboxed: ours('register-payment-request'),
    event: registerEvent(announced),
    calls: ['dynamodb.Query', 'dynamodb.UpdateItem', 'scheduler.CreateSchedule'],
    once: secretRead,
    done: is(201),
    timed: 'never',
  }),
];

/** Deliveries that change nothing: seen before, or forged. They run for their calls only. */
const webhooksWithoutEffect = ({ ours, typicalWebhook, lean }: Sandboxes): readonly Subject[] => [
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
  of('lean', 'webhook, duplicate', {
    ...ourWebhook,
    once: secretRead,
    sandboxed: lean('lean-webhook'),
    event: () => webhookEvent(repeated)(0),
    timed: 'never',
  }),
  of('lean', 'webhook, forged', {
    sandboxed: lean('lean-webhook'),
    event: forgedEvent,
    calls: [],
    once: secretRead,
    done: is(400),
    timed: 'never',
  }),
];

/** Everything that is run. */
export const subjectsOf = (sandboxes: Sandboxes): readonly Subject[] => [
  ...comparedSubjects(sandboxes),
  ...readsOf(sandboxes),
  ...otherFunctions(sandboxes),
  ...otherLeanFunctions(sandboxes),
  ...countedJobs(sandboxes),
  ...webhooksWithoutEffect(sandboxes),
];

/** Milliseconds that Lapse and its peers wait in every call of a job, cold or warm. */
export interface SharedWaiting {
  readonly cancel: number;
  readonly webhook: number;
}

/**
 * The waiting that a job cannot avoid. A cancel reads the record first. Klarna's state is read while the claim is written. The
 * DELETE follows both. The outcome is written while the schedule is removed. A webhook waits for one write.
 */
export const sharedWaiting = ({ dynamodb, klarna, scheduler }: Latencies): SharedWaiting => ({
  cancel: dynamodb + Math.max(klarna, dynamodb) + klarna + Math.max(dynamodb, scheduler),
  webhook: dynamodb,
});
