/** Each function gives exactly the responses that docs/api.yaml has of its routes, and accepts exactly the documented query. */
import { hash } from 'node:crypto';
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  GetItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it, vi } from 'vitest';
import { ownEventId, type Reference, type SessionId } from '../../functions/domain/identifiers.ts';
import {
  type AwaitedReference,
  decideAwait,
  withAwaitedCancel,
} from '../../functions/domain/awaited-reference.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import {
  recordQuery,
  reportQuery,
  requestCancelQuery,
  sessionCancelQuery,
} from '../../functions/http/query-schemas.ts';
import { cancelJobRequestOf } from '../../functions/http/cancel-job-request.ts';
import { listQuery } from '../../functions/http/list-request.ts';
import { type Route as AuthorizedRoute, routes as routeTable } from '../../functions/contract/routes.ts';
import { signPageToken } from '../../functions/http/page-token-signature.ts';
import { dereferenced, operations, problemTypesOf } from '../support/api-contract.ts';
import { accountsSecret, aws, resetAws } from '../support/aws-clients.ts';
import { notAllowed, throttled } from '../support/aws-faults.ts';
import { callApi } from '../support/call-api.ts';
import { jobWith, requestId } from '../support/cancel-jobs.ts';
import { account, at, key, noon, recordWith, registrationWith } from '../support/fixtures.ts';
import { apiEvent, type ApiCall, itemOf } from '../support/lambda-events.ts';
import { pageEnvironment } from '../support/function-environment.ts';
import { planted, plantedIn } from '../support/planted-secrets.ts';
import { cancellationWith, minute, policy, session, settledWith } from '../support/sessions.ts';
import { denied } from '../support/scripted-klarna.ts';
import { setUpHandlers } from '../support/set-up-handlers.ts';

const { registering, reading, canceling, withPages, klarna, output } = await setUpHandlers(async () => {
  const handlers = {
    registering: await import('../../functions/register-payment-request.ts'),
    reading: await import('../../functions/get-payment-request.ts'),
    canceling: await import('../../functions/cancel-payment-request.ts'),
  };
  // Loaded again, as in a stack with `pageOrigins`.
  vi.resetModules();
  Object.assign(process.env, pageEnvironment);
  return { ...handlers, withPages: await import('../../functions/get-payment-request.ts') };
});

type Route = AuthorizedRoute | 'GET /page/session';

const routes = operations.map(({ route }) => route as Route);
const isRegistration = (route: Route) => /^(PUT|PATCH) .*(payment-requests|references)/.test(route);
const takesBody = (route: Route) => !/^(GET|DELETE)/.test(route);
const ids = {
  account,
  payment_request_id: key.paymentRequestId,
  session_id: 'cart-17',
  reference: 'order-4711',
  job_id: 'nightly-1',
};
const timeout = { session_timeout: 'PT20M' };
const list = { payment_request_ids: [requestId(1)] };

function bodyOf(route: Route) {
  if (isRegistration(route)) return timeout;
  if (route.endsWith('/settings')) return { observe: true };
  if (route.endsWith('/registrations'))
    return { registrations: [{ payment_request_id: key.paymentRequestId, ...timeout }] };
  if (route.endsWith('/page-token')) return { valid_for: 'PT30M' };
  return route.endsWith('/authorized') ? {} : list;
}

/** A page token for the session of the path. */
const pageToken = signPageToken(
  { account, sessionId: ids.session_id as SessionId, expiresAt: at('2099-03-01T12:30:00Z') },
  planted.pageKey,
);
const isPage = (route: Route) => route === 'GET /page/session';

/** A valid call of the route, with the changes of a test. */
function eventOf(route: Route, call: Partial<ApiCall> = {}) {
  const [method = '', path = ''] = route.split(' ');
  const body = takesBody(route) ? { body: bodyOf(route) } : {};
  const headers = { ...(isPage(route) && { authorization: `Bearer ${pageToken}` }), ...call.headers };
  return apiEvent({ method, route: path, pathParameters: ids, ...body, ...call, headers });
}

function handlerOf(route: Route, hasPages = true) {
  const by = isPage(route) ? 'get-payment-request' : routeTable[route].by;
  if (by === 'register-payment-request') return registering.handler;
  if (by === 'cancel-payment-request') return canceling.handler;
  return hasPages ? withPages.handler : reading.handler;
}

const send = (route: Route, event = eventOf(route), hasPages = true) =>
  callApi(handlerOf(route, hasPages), event);

/** The table has this record, for a read, for a query of an index and for a write without a read. */
function stored(fields: Partial<PaymentRequest>): void {
  const item = itemOf(recordWith(fields));
  aws.dynamodb.on(GetItemCommand).resolves({ Item: item });
  aws.dynamodb.on(QueryCommand).resolves({ Items: [item] });
  aws.dynamodb.on(BatchGetItemCommand).resolves({ Responses: { lapse: [item] } });
  aws.dynamodb
    .on(UpdateItemCommand)
    .rejectsOnce(new ConditionalCheckFailedException({ message: '', $metadata: {}, Item: item }))
    .resolves({});
}

/** The table has the job of the path. */
function storedJob(fields: Parameters<typeof jobWith>[0] = {}): void {
  const { dueAt, ...job } = jobWith(fields);
  aws.dynamodb.on(GetItemCommand, { Key: { PK: { S: `A#${account}#J#${job.jobId}` } } }).resolves({
    Item: marshall({ job, da: dueAt }, { removeUndefinedValues: true }),
  });
}

const referenceKey = { account, reference: ids.reference as Reference };
const later = at('2099-03-01T12:30:00Z');
const open = { state: 'SUBMITTED', session, deadlineAt: at('2026-03-01T12:30:00Z'), timer: 'armed' } as const;
const isOpen = () => {
  stored(open);
};
/** The session has a deadline beyond every limit. */
const isLong = () => {
  stored({ ...open, deadlineAt: later });
};
/** The start of the SHA-256 of the key `k`. */
const keyDigest = hash('sha256', 'k').slice(0, 16);
/** Another call had the key `k`. */
const keyIsTaken: Partial<PaymentRequest> = {
  calls: [{ key: keyDigest, request: '0'.repeat(16), at: noon, outcome: 'changed' }],
};
const isOfASession = () => {
  stored({ ...open, sessionId: ids.session_id as SessionId });
};
const isReferenced = (fields: Partial<PaymentRequest> = open) => {
  stored({ ...fields, reference: ids.reference });
  aws.dynamodb.on(GetItemCommand, { Key: { PK: { S: `A#${account}#R#${ids.reference}` } } }).resolves({});
};
/** What waits for a request with the reference of the path. */
function awaiting(next: AwaitedReference | undefined): void {
  if (!next) throw new Error('nothing waits');
  const { version, dueAt, ...awaited } = next;
  aws.dynamodb
    .on(GetItemCommand, { Key: { PK: { S: `A#${account}#R#${ids.reference}` } } })
    .resolves({ Item: marshall({ awaited, version, da: dueAt }, { removeUndefinedValues: true }) });
}

const isAwaited = () => {
  const context = { policy, eventId: ownEventId('register', '1'), now: at('2099-03-01T12:00:00Z') };
  const deadline = { kind: 'session_timeout', millis: 20 * minute, given: 'PT20M' } as const;
  awaiting(decideAwait(undefined, referenceKey, registrationWith({ deadline }), context).next);
};
const isToBeCanceled = () => {
  const asked = { reason: undefined, requestedBy: 'test' };
  awaiting(withAwaitedCancel(undefined, referenceKey, asked, at('2099-03-01T12:00:00Z')));
};
const isPaid = () => {
  stored({ state: 'COMPLETED', session });
};
const isPending = () => {
  stored({ ...open, cancellation: settledWith({ outcome: 'pending' }) });
};
const isInAFullSession = (index?: 'session') => {
  const item = { PK: { S: `A#${account}#P#${requestId(1)}` } };
  aws.dynamodb
    .on(QueryCommand, index && { IndexName: index })
    .resolves({ Items: Array.from({ length: 1_000 }, () => item) });
};
const isAtItsLimit = () => {
  resetAws(accountsSecret({ max_extensions: 0 }));
  isOpen();
};
const isDenied = () => {
  klarna.instead = () => denied();
};
const isUnknownAtKlarna = () => {
  klarna.reset(undefined);
};
const isNothing = () => undefined;

interface Situation {
  readonly given: () => void;
  readonly call?: Partial<ApiCall>;
  /** The caller has a JWT for this account. */
  readonly tokenFor?: string;
  /** Whether the stack has `pageOrigins`. @default true */
  readonly hasPages?: boolean;
}

/** The error responses of every route. */
const common = {
  '400 invalid-request': { given: isNothing, call: { query: { nonsense: '1' } } },
  '403 forbidden': { given: isNothing, tokenFor: 'shop-no' },
  '500 internal': {
    given: () => {
      aws.dynamodb.rejects(new TypeError(planted.text));
    },
  },
  '500 misconfigured': {
    given: () => {
      aws.dynamodb.rejects(notAllowed);
    },
  },
  '503 unavailable': {
    given: () => {
      aws.dynamodb.rejects(throttled);
    },
  },
} satisfies Record<string, Situation>;
/** The further error responses of the routes that read the secret of the account. */
const configured = {
  ...common,
  '404 unknown-account': { given: isNothing, call: { pathParameters: { ...ids, account: 'shop-no' } } },
  '500 misconfigured': {
    given: () => {
      resetAws('no JSON');
    },
  },
} satisfies Record<string, Situation>;
const tooLarge = { '413 payload-too-large': { given: isNothing, call: { body: 'x'.repeat(200_000) } } };
const refused = {
  '409 already-final': { given: isPaid },
  '409 cancellation-pending': { given: isPending },
  '409 extension-limit': { given: isAtItsLimit },
};

/** The account has no entry in the secret. */
const withoutEntry = () => {
  resetAws('{}');
};
/** The account is on a credential, which the table names. */
const isOnCredential = () => {
  withoutEntry();
  aws.secrets
    .on(GetSecretValueCommand, { SecretId: 'lapse/credentials/acquirer' })
    .resolves({ SecretString: JSON.stringify(credential) });
  aws.dynamodb
    .on(GetItemCommand, { Key: { PK: { S: 'CREDENTIALS' } } })
    .resolves({ Item: { names: { L: [{ S: 'acquirer' }] } } });
};
const credential = {
  environment: 'test',
  api_key: planted.apiKey,
  acquirer_account_id: 'krn:partner:global:account:test:M48JWZF8',
};
/** The same situations, for an account whose settings are read from the table. */
const onCredential = (all: Readonly<Record<string, Situation>>) =>
  Object.fromEntries(
    Object.entries(all).map(([name, situation]) => [
      name,
      {
        ...situation,
        given: () => {
          isOnCredential();
          situation.given();
        },
      },
    ]),
  );

const situations: Readonly<Record<Route, Readonly<Record<string, Situation>>>> = {
  'PUT /accounts/{account}/payment-requests/{payment_request_id}': {
    ...configured,
    ...tooLarge,
    ...refused,
    '200': {
      given: () => {
        stored({ ...open, session: { ...session, requested: 'PT20M' } });
      },
    },
    '201': { given: isNothing },
    '422 idempotency-key-reused': {
      given: () => {
        stored({ ...open, ...keyIsTaken });
      },
      call: { headers: { 'idempotency-key': 'k' } },
    },
    '409 session-full': { given: isInAFullSession, call: { body: { ...timeout, session_id: 'cart-17' } } },
  },
  'PUT /accounts/{account}/registrations': { ...configured, ...tooLarge, '200': { given: isNothing } },
  'PATCH /accounts/{account}/payment-requests/{payment_request_id}': {
    ...configured,
    ...tooLarge,
    ...refused,
    '200': { given: isLong },
    '404 not-found': { given: isNothing },
    '422 idempotency-key-reused': {
      given: () => {
        stored({ ...open, ...keyIsTaken });
      },
      call: { headers: { 'idempotency-key': 'k' } },
    },
  },
  'POST /accounts/{account}/payment-requests/{payment_request_id}/authorized': {
    ...configured,
    ...tooLarge,
    '200': { given: isPaid },
    '404 not-found': { given: isNothing },
    '409 already-final': {
      given: () => {
        stored({ state: 'CANCELED', session });
      },
    },
  },
  'GET /accounts/{account}/payment-requests/{payment_request_id}': {
    ...common,
    '404 unknown-account': {
      given: isNothing,
      call: { pathParameters: { ...ids, account: 'shop-no' }, query: { refresh: 'true' } },
    },
    '500 misconfigured': { ...configured['500 misconfigured'], call: { query: { refresh: 'true' } } },
    '200': { given: isOpen },
    '404 not-found': { given: isNothing },
    '502 klarna-denied': { given: isDenied, call: { query: { refresh: 'true' } } },
  },
  'GET /accounts/{account}/payment-requests/{payment_request_id}/history': {
    ...common,
    '200': { given: isOpen },
    '404 not-found': { given: isNothing },
  },
  'DELETE /accounts/{account}/payment-requests/{payment_request_id}': {
    ...configured,
    '422 idempotency-key-reused': {
      given: () => {
        stored({ ...open, ...keyIsTaken });
      },
      call: { headers: { 'idempotency-key': 'k' } },
    },
    '200': { given: isNothing },
    '202': {
      given: () => {
        stored({ ...open, cancellation: cancellationWith({ lease: { id: 'another', until: later } }) });
      },
    },
    '404 not-found': { given: isUnknownAtKlarna },
    '409 already-final': { given: isPaid },
    '502 klarna-denied': { given: isDenied },
  },
  'GET /accounts/{account}/payment-requests': { ...common, '200': { given: isOpen } },
  'GET /accounts/{account}/sessions/{session_id}': {
    ...common,
    '200': { given: isOfASession },
    '304': { given: isOfASession, call: { headers: { 'if-none-match': '*' } } },
    '404 not-found': { given: isNothing },
  },
  'POST /accounts/{account}/sessions/{session_id}/page-token': {
    ...common,
    ...tooLarge,
    '201': { given: isOfASession },
    '404 not-found': { given: isNothing },
    '409 no-page-origins': { given: isOfASession, hasPages: false },
  },
  'GET /page/session': {
    ...Object.fromEntries(Object.entries(common).filter(([name]) => name !== '403 forbidden')),
    '200': { given: isOfASession },
    '304': { given: isOfASession, call: { headers: { 'if-none-match': '*' } } },
    '401 invalid-page-token': { given: isOfASession, call: { headers: { authorization: 'Bearer none' } } },
    '404 not-found': { given: isNothing },
  },
  'DELETE /accounts/{account}/sessions/{session_id}': {
    ...configured,
    '422 idempotency-key-reused': {
      given: () => {
        stored({ ...open, ...keyIsTaken, sessionId: ids.session_id as SessionId });
      },
      call: { headers: { 'idempotency-key': 'k' } },
    },
    '200': { given: isOfASession },
    '404 not-found': { given: isNothing },
  },
  'PUT /accounts/{account}/references/{reference}': {
    ...configured,
    ...tooLarge,
    '200': { given: isAwaited },
    '201': { given: isNothing },
    '422 idempotency-key-reused': {
      given: () => {
        isReferenced({ ...open, ...keyIsTaken });
      },
      call: { headers: { 'idempotency-key': 'k' } },
    },
    '409 already-final': {
      given: () => {
        isReferenced({ state: 'COMPLETED', session });
      },
    },
    '409 cancellation-pending': { given: isToBeCanceled },
    '409 extension-limit': {
      given: () => {
        resetAws(accountsSecret({ max_extensions: 0 }));
        isReferenced();
      },
    },
    '409 session-full': {
      given: () => {
        isReferenced();
        isInAFullSession('session');
      },
      call: { body: { ...timeout, session_id: 'cart-17' } },
    },
  },
  'GET /accounts/{account}/references/{reference}': {
    ...common,
    '200': { given: () => isReferenced() },
    '404 not-found': { given: isNothing },
  },
  'DELETE /accounts/{account}/references/{reference}': {
    ...configured,
    '422 idempotency-key-reused': {
      given: () => {
        isReferenced({ ...open, ...keyIsTaken });
      },
      call: { headers: { 'idempotency-key': 'k' } },
    },
    '200': { given: () => isReferenced() },
    '202': { given: isNothing },
    '404 not-found': { given: isNothing, call: { query: { dry_run: 'true' } } },
  },
  'PUT /accounts/{account}/cancel-jobs/{job_id}': {
    ...configured,
    ...tooLarge,
    '200': {
      given: () => {
        const { requestSha256 } = cancelJobRequestOf(apiEvent({ method: 'PUT', body: list }));
        storedJob({ requestSha256 });
      },
    },
    '201': { given: isNothing },
    '404 not-found': { given: isNothing, call: { body: { session_id: 'cart-17' } } },
    '409 job-exists': { given: storedJob },
  },
  'GET /accounts/{account}/cancel-jobs/{job_id}': {
    ...common,
    '200': { given: storedJob },
    '404 not-found': { given: isNothing },
  },
  'GET /accounts/{account}/cancel-jobs/{job_id}/report': {
    ...common,
    '200': { given: storedJob },
    '404 not-found': { given: isNothing },
  },
  'DELETE /accounts/{account}/cancel-jobs/{job_id}': {
    ...configured,
    '200': { given: storedJob },
    '404 not-found': { given: isNothing },
  },
  'GET /accounts/{account}/cancel-jobs': { ...common, '200': { given: isNothing } },
  'GET /overview': { ...common, '200': { given: isNothing } },
  'GET /sweep-preview': { ...common, '200': { given: isNothing } },
  'GET /accounts/{account}/settings': {
    ...configured,
    ...onCredential(common),
    '200': { given: isNothing },
  },
  'PUT /accounts/{account}/settings': {
    ...configured,
    ...tooLarge,
    ...onCredential(common),
    '200': { given: isOnCredential },
    '404 unknown-account': { given: withoutEntry },
    '409 account-in-secret': { given: isNothing },
  },
};

const prefix = 'urn:lapse:problem:';

/** Responses to a call that no route serves. */
const ofNoRoute = new Set(['unknown-route', 'method-not-allowed']);

/** The statuses and problem types of a route in docs/api.yaml, without API Gateway's own responses. */
function documented(route: Route): readonly string[] {
  const responses = operations.find((each) => each.route === route)?.description['responses'];
  return Object.entries(dereferenced(responses)).flatMap(([status, response]) => {
    if (!('content' in dereferenced(response))) return [status];
    return Object.entries(dereferenced(dereferenced(response)['content'])).flatMap(([contentType, media]) => {
      if (contentType === 'application/json') return Number(status) < 300 ? [status] : [];
      const types = problemTypesOf(dereferenced(media)).map((type) => String(type).replace(prefix, ''));
      return types.filter((type) => !ofNoRoute.has(type)).map((type) => `${status} ${type}`);
    });
  });
}

describe.each(routes)('%s', (route) => {
  it('docs/api.yaml has exactly the responses of the route that this test causes', () => {
    expect([...new Set(documented(route))].toSorted()).toEqual(Object.keys(situations[route]).toSorted());
  });

  it.each(Object.entries(situations[route]))(
    'the function responds with %s',
    async (wanted, { given, call, tokenFor, hasPages }) => {
      given();
      const event = eventOf(route, call);
      if (tokenFor !== undefined) {
        const authorizer = { jwt: { claims: { lapse_accounts: tokenFor }, scopes: null } };
        Object.assign(event.requestContext, { authorizer });
      }
      const { statusCode, document } = await send(route, event, hasPages);
      const { type } = document;
      const problem = typeof type === 'string' ? ` ${type.replace(prefix, '')}` : '';
      expect(`${statusCode}${problem}`).toBe(wanted);
    },
  );

  const parameters = (operations.find((each) => each.route === route)?.description['parameters'] ??
    []) as readonly unknown[];
  const taken = parameters.map((each) => dereferenced(each)['name']);

  it.each([
    ...new Set(
      [recordQuery, requestCancelQuery, sessionCancelQuery, listQuery, reportQuery].flatMap(({ entries }) =>
        Object.keys(entries),
      ),
    ),
  ])('the query accepts %s only if docs/api.yaml has it', async (name) => {
    const { statusCode, document } = await send(route, eventOf(route, { query: { [name]: 'a\nb' } }));
    expect([statusCode, document['field']]).toEqual([400, name]);
    expect(document['allowed'] !== 'no field of this name').toBe(taken.includes(name));
  });
});

describe('a Payment Request that is erased', () => {
  const path = '/accounts/{account}/payment-requests/{payment_request_id}' as const;
  const says = 'What was stored of this Payment Request is erased.';

  it.each([
    [`GET ${path}`, {}],
    [`GET ${path}/history`, {}],
    [`DELETE ${path}`, {}],
    [`DELETE ${path}`, { query: { dry_run: 'true' } }],
    [`DELETE ${path}`, { headers: { 'idempotency-key': 'k' } }],
    [`PATCH ${path}`, {}],
    [`POST ${path}/authorized`, {}],
  ] as const)('%s with %j returns 404, and does not advise to register it', async (route, call) => {
    for (const state of ['COMPLETED', 'CANCELED', 'EXPIRED'] as const) {
      stored({ state, erasedAt: noon });
      const { statusCode, document } = await send(route, eventOf(route, call));
      expect([statusCode, document['detail'], document['payment_request_id']]).toEqual([
        404,
        says,
        key.paymentRequestId,
      ]);
    }
    expect(klarna.calls).toEqual([]);
  });

  it('a registration is refused with 409', async () => {
    stored({ state: 'CANCELED', erasedAt: noon });
    expect((await send(`PUT ${path}`)).statusCode).toBe(409);
  });
});

describe.each(routes.filter((route) => !takesBody(route)))('%s with a body', (route) => {
  it.each([
    ['a dry run as a job takes it', { dry_run: true }, '16 bytes'],
    ['no JSON', planted.text, '22 bytes'],
    ['bytes', Buffer.from(planted.text), '22 bytes'],
  ])('a call that takes no body returns 400 and does nothing with %s', async (_, body, given) => {
    isOpen();
    const reply = await send(route, eventOf(route, { body }));
    expect(reply).toMatchObject({
      statusCode: 400,
      document: {
        type: 'urn:lapse:problem:invalid-request',
        field: 'body',
        given,
        allowed: 'no body; send parameters in the query',
      },
    });
    expect([klarna.calls, aws.dynamodb.calls()]).toEqual([[], []]);
    expect(plantedIn(reply.body + output.text())).toEqual([]);
  });

  it('a call that takes no body is served when the body is empty', async () => {
    const { statusCode } = await send(route, eventOf(route, { body: '' }));
    expect(statusCode).not.toBe(400);
  });
});
