import {
  type BatchGetItemCommandInput,
  BatchGetItemCommand,
  GetItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it, vi } from 'vitest';
import type { PaymentRequestId, SessionId } from '../../functions/domain/identifiers.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import { listCursorOf } from '../../functions/domain/list-cursor.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { accountsSecret, aws, recordWrites, resetAws, sentCommands } from '../support/aws-clients.ts';
import { throttled } from '../support/aws-faults.ts';
import { callApi } from '../support/call-api.ts';
import { account, at, key, noon, recordWith } from '../support/fixtures.ts';
import {
  apiEvent,
  callerArn,
  itemOf,
  listRoute,
  referenceRoute,
  sessionRoute,
} from '../support/lambda-events.ts';
import { plantedIn } from '../support/planted-secrets.ts';
import { setUpHandlers } from '../support/set-up-handlers.ts';

const { reading, canceling, klarna, output } = await setUpHandlers(async () => ({
  reading: await import('../../functions/get-payment-request.ts'),
  canceling: await import('../../functions/cancel-payment-request.ts'),
}));

const sessionId = 'cart:17 å' as SessionId;

/** The table has these records, and every index lists them in this order. */
function stored(...records: readonly PaymentRequest[]): void {
  const items = records.map(itemOf);
  aws.dynamodb.on(QueryCommand).resolves({ Items: items });
  aws.dynamodb.on(BatchGetItemCommand).callsFake(({ RequestItems }: BatchGetItemCommandInput) => {
    const wanted = new Set(RequestItems?.['lapse']?.Keys?.map(({ PK }) => PK?.S));
    return { Responses: { lapse: items.filter(({ PK }) => wanted.has(PK?.S)).toReversed() } };
  });
  for (const item of items) {
    aws.dynamodb.on(GetItemCommand, { Key: { PK: item['PK'] ?? { S: '' } } }).resolves({ Item: item });
  }
}

/** A record of the session. Number 0 has the id of fixtures.ts. */
const attempt = (number: number, state?: PaymentRequestState, fields: Partial<PaymentRequest> = {}) =>
  recordWith({
    ...(number > 0 && { paymentRequestId: `krn:payment:eu1:request:${number}` as PaymentRequestId }),
    sessionId,
    state,
    createdAt: plusMillis(noon, number),
    ...fields,
  });

function call(
  method: 'GET' | 'DELETE',
  route: string,
  pathParameters: Readonly<Record<string, string>>,
  query?: Readonly<Record<string, string>>,
) {
  const { handler } = method === 'GET' ? reading : canceling;
  const event = apiEvent({ method, route, pathParameters, ...(query && { query }) });
  return callApi(handler, event);
}

const getSession = (query?: Readonly<Record<string, string>>, id: string = sessionId) =>
  call('GET', sessionRoute, { account, session_id: id }, query);

const cancelSession = (query?: Readonly<Record<string, string>>, id: string = sessionId) =>
  call('DELETE', sessionRoute, { account, session_id: id }, query);

const list = (query?: Readonly<Record<string, string>>, its: string = account) =>
  call('GET', listRoute, { account: its }, query);

describe('GET of a session', () => {
  it.each<[string, readonly (PaymentRequestState | undefined)[]]>([
    ['open', ['EXPIRED', undefined]],
    ['paid', ['COMPLETED', 'SUBMITTED']],
    ['ended', ['CANCELED', 'EXPIRED']],
  ])('GET of a session is %s when its requests are %j', async (status, states) => {
    stored(...states.map((state, number) => attempt(number, state)));
    const { statusCode, document } = await getSession();
    expect(statusCode).toBe(200);
    expect(document).toMatchObject({
      account,
      session_id: sessionId,
      status,
      payment_requests: states.map((state) => ({ state: state ?? null, session_id: sessionId })),
    });
  });

  it('GET of a session reads one partition of one index without a call to Klarna', async () => {
    stored(attempt(0));
    await getSession();
    expect(aws.dynamodb.commandCalls(QueryCommand).map((each) => each.args[0].input)).toEqual([
      expect.objectContaining({
        IndexName: 'session',
        ExpressionAttributeValues: { ':partition': { S: `${account}#${sessionId}` } },
      }),
    ]);
    // One call reads all records, strongly consistent.
    expect(aws.dynamodb.commandCalls(BatchGetItemCommand).map((each) => each.args[0].input)).toEqual([
      {
        RequestItems: {
          lapse: { Keys: [{ PK: { S: `A#${account}#P#${key.paymentRequestId}` } }], ConsistentRead: true },
        },
      },
    ]);
    expect(klarna.calls).toEqual([]);
    expect(output.text()).toBe('');
  });

  it('GET of a session returns 304 without a body to a caller who knows it, until it changes', async () => {
    stored(attempt(0));
    const { headers } = await getSession();
    const known = { 'if-none-match': `"other", ${headers['etag'] ?? ''}` };
    const event = apiEvent({
      method: 'GET',
      route: sessionRoute,
      pathParameters: { account, session_id: sessionId },
      headers: known,
    });
    expect(await callApi(reading.handler, event)).toMatchObject({
      statusCode: 304,
      headers: { etag: headers['etag'] },
      body: '',
    });
    stored(attempt(0, 'COMPLETED'));
    expect(await callApi(reading.handler, event)).toMatchObject({
      statusCode: 200,
      document: { status: 'paid', seconds_left: null },
    });
  });

  it('GET of an unknown session returns 404', async () => {
    expect(await getSession()).toMatchObject({
      statusCode: 404,
      document: { type: 'urn:lapse:problem:not-found', session_id: sessionId },
    });
  });
});

describe('DELETE of a session', () => {
  it('DELETE of a session cancels the open requests, keeps the paid ones and returns one outcome each', async () => {
    stored(attempt(0, 'SUBMITTED'), attempt(1, 'COMPLETED'), attempt(2, 'EXPIRED'), attempt(3, 'CANCELED'));
    const { statusCode, document } = await cancelSession({ reason: 'shop closed' });
    expect(statusCode).toBe(200);
    expect(document).toEqual({
      account,
      session_id: sessionId,
      status: 'paid',
      payment_requests: [
        { payment_request_id: key.paymentRequestId, outcome: 'canceled', state: 'CANCELED' },
        { payment_request_id: 'krn:payment:eu1:request:1', outcome: 'already_final', state: 'COMPLETED' },
        { payment_request_id: 'krn:payment:eu1:request:2', outcome: 'already_final', state: 'EXPIRED' },
        { payment_request_id: 'krn:payment:eu1:request:3', outcome: 'already_canceled', state: 'CANCELED' },
      ],
    });
    expect(klarna.calls).toEqual(['read', 'cancel']);
    const written = recordWrites();
    const writtenTo = (id: string) => written.filter(({ Key }) => Key?.['PK']?.S === `A#${account}#P#${id}`);
    expect(written).toHaveLength(5);
    for (const spared of ['1', '2', '3'])
      expect(writtenTo(`krn:payment:eu1:request:${spared}`)).toHaveLength(1);
    const [claim] = writtenTo(key.paymentRequestId);
    expect(Object.values(unmarshall(claim?.ExpressionAttributeValues ?? {}))).toContainEqual(
      expect.objectContaining({ o: 'claimed', r: 'shop closed', b: callerArn }),
    );
  });

  it('DELETE of a session cancels nothing that Klarna reports as COMPLETED, even if the account allows it', async () => {
    resetAws(accountsSecret({ cancel_completed: true }));
    stored(attempt(0, 'IN_PROGRESS'));
    klarna.state = 'COMPLETED';
    const { document } = await cancelSession();
    expect(document).toMatchObject({
      status: 'paid',
      payment_requests: [{ outcome: 'already_final', state: 'COMPLETED' }],
    });
    expect(klarna.calls).toEqual(['read']);
  });

  it('a dry run of a session returns the outcomes, writes nothing and sends no DELETE', async () => {
    stored(attempt(0, 'SUBMITTED'), attempt(1, 'COMPLETED'));
    const { document } = await cancelSession({ dry_run: 'true' });
    expect(document['payment_requests']).toMatchObject([
      { outcome: 'would_cancel', state: 'SUBMITTED' },
      { outcome: 'already_final', state: 'COMPLETED' },
    ]);
    expect(klarna.calls).toEqual(['read']);
    expect(aws.dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });

  it('DELETE of a session returns untried and logs a fault when the table fails', async () => {
    stored(attempt(0, 'SUBMITTED'));
    aws.dynamodb.on(UpdateItemCommand).rejects(throttled);
    const { statusCode, body, document } = await cancelSession();
    expect(statusCode).toBe(200);
    expect(document['payment_requests']).toMatchObject([{ outcome: 'untried', state: 'SUBMITTED' }]);
    // The read overlaps the claim and can still be in flight.
    await vi.waitFor(() => expect(klarna.calls).toEqual(['read']));
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ level: 'ERROR', code: 'session-cancel.fault' }),
    );
    expect(plantedIn(body)).toEqual([]);
  });

  it('DELETE of a session returns 404 when it is unknown, and 503 when the index fails', async () => {
    expect((await cancelSession()).statusCode).toBe(404);
    aws.dynamodb.on(QueryCommand).rejects(throttled);
    expect((await cancelSession()).statusCode).toBe(503);
    expect(klarna.calls).toEqual([]);
  });
});

describe('GET and DELETE of a reference', () => {
  const reference = 'order 47:11 ü';
  const ofReference = (method: 'GET' | 'DELETE', query?: Readonly<Record<string, string>>, its = reference) =>
    call(method, referenceRoute, { account, reference: its }, query);

  it('GET of a reference returns one status, and every record that still has the reference', async () => {
    stored(attempt(0, 'EXPIRED', { reference }), attempt(1, 'COMPLETED', { reference }), attempt(2));
    const { statusCode, document } = await ofReference('GET');
    expect(statusCode).toBe(200);
    expect(document).toMatchObject({
      account,
      reference,
      status: 'paid',
      payment_requests: [
        { state: 'EXPIRED', reference },
        { state: 'COMPLETED', reference },
      ],
    });
    expect(aws.dynamodb.commandCalls(QueryCommand).map((each) => each.args[0].input)).toEqual([
      expect.objectContaining({
        IndexName: 'reference',
        ExpressionAttributeValues: { ':partition': { S: `${account}#${reference}` } },
      }),
    ]);
    expect(klarna.calls).toEqual([]);
  });

  it('DELETE of a reference cancels what is open and spares what is paid, whatever the account allows', async () => {
    resetAws(accountsSecret({ cancel_completed: true }));
    stored(attempt(0, 'SUBMITTED', { reference }), attempt(1, 'COMPLETED', { reference }));
    const { statusCode, document } = await ofReference('DELETE', { reason: 'create call got no response' });
    expect(statusCode).toBe(200);
    expect(document).toEqual({
      account,
      reference,
      status: 'paid',
      awaited: null,
      payment_requests: [
        { payment_request_id: key.paymentRequestId, outcome: 'canceled', state: 'CANCELED' },
        { payment_request_id: 'krn:payment:eu1:request:1', outcome: 'already_final', state: 'COMPLETED' },
      ],
    });
    expect(klarna.calls).toEqual(['read', 'cancel']);
  });

  it('DELETE of a reference that is unknown returns 202, and keeps the cancel for 48 hours', async () => {
    const { statusCode, document } = await ofReference('DELETE', { reason: 'create call got no response' });
    expect(statusCode).toBe(202);
    expect(document).toMatchObject({
      status: 'open',
      awaited: { status: 'waiting', cancellation: { reason: 'create call got no response' } },
      payment_requests: [],
    });
    expect(klarna.calls).toEqual([]);
    const [write] = aws.dynamodb.commandCalls(UpdateItemCommand);
    expect(write?.args[0].input.Key).toEqual({ PK: { S: `A#${account}#R#${reference}` } });
  });

  it('a dry run of a reference sends no DELETE and writes nothing', async () => {
    stored(attempt(0, 'SUBMITTED', { reference }));
    const { document } = await ofReference('DELETE', { dry_run: 'true' });
    expect(document['payment_requests']).toMatchObject([{ outcome: 'would_cancel' }]);
    expect(klarna.calls).toEqual(['read']);
    expect(aws.dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });

  it.each([
    ['GET', {}],
    ['DELETE', { dry_run: 'true' }],
  ] as const)(
    '%s of a reference returns 404 when it is unknown, and 400 when no path can carry it',
    async (method, query) => {
      expect((await ofReference(method, query)).statusCode).toBe(404);
      const { statusCode, document } = await ofReference(method, {}, 'a?b');
      expect(statusCode).toBe(400);
      expect(document).toMatchObject({ field: 'reference', given: '"a?b"' });
    },
  );
});

describe('GET of the list of Payment Requests', () => {
  it('the list returns a page, newest first, and the cursor of the next page', async () => {
    stored(attempt(3, 'SUBMITTED'), attempt(2, 'SUBMITTED'), attempt(1, 'SUBMITTED'));
    const first = await list({ limit: '2' });
    expect(first.document).toMatchObject({
      payment_requests: [
        { payment_request_id: 'krn:payment:eu1:request:3' },
        { payment_request_id: 'krn:payment:eu1:request:2' },
      ],
      next_cursor: expect.stringMatching(/^[\w-]+$/) as string,
    });
    stored(attempt(1, 'SUBMITTED'));
    const second = await list({ limit: '100', cursor: String(first.document['next_cursor']) });
    expect(second.document).toMatchObject({
      payment_requests: [{ payment_request_id: 'krn:payment:eu1:request:1' }],
      next_cursor: null,
    });
    const queries = aws.dynamodb.commandCalls(QueryCommand).map((each) => each.args[0].input);
    expect(queries).toEqual([
      expect.objectContaining({ IndexName: 'open', Limit: 3, ScanIndexForward: false }),
      expect.objectContaining({
        KeyConditionExpression: '#key = :key AND #listed < :before',
        ExpressionAttributeValues: { ':key': { S: account }, ':before': { S: listCursorOf(attempt(2)) } },
      }),
    ]);
    // A page is one query and one read of its records.
    expect(aws.dynamodb.commandCalls(BatchGetItemCommand)).toHaveLength(2);
    expect(aws.dynamodb.commandCalls(GetItemCommand)).toEqual([]);
  });

  it.each<[Readonly<Record<string, string>>, string, readonly string[]]>([
    [{}, 'open', [account]],
    [{ open: 'true' }, 'open', [account]],
    [{ state: 'IN_PROGRESS' }, 'open', [account]],
    [{ due_before: '2026-03-01T12:00:00Z' }, 'open', [account]],
    [{ session_id: sessionId }, 'session', [`${account}#${sessionId}`]],
    [
      { session_id: sessionId, state: 'EXPIRED', reference: 'order-7' },
      'session',
      [`${account}#${sessionId}`],
    ],
    [{ reference: 'order #7', open: 'false' }, 'reference', [`${account}#order #7`]],
    [
      { attention: 'contradiction', state: 'CANCELED' },
      'attention',
      ['ATTENTION#0', 'ATTENTION#1', 'ATTENTION#2', 'ATTENTION#3'],
    ],
  ])('the list with %j queries the index %s only', async (query, index, partitions) => {
    expect((await list(query)).statusCode).toBe(200);
    const queries = aws.dynamodb.commandCalls(QueryCommand).map((each) => each.args[0].input);
    expect(new Set(queries.map(({ IndexName }) => IndexName))).toEqual(new Set([index]));
    expect(queries.map((each) => each.ExpressionAttributeValues?.[':key']?.S)).toEqual(partitions);
  });

  it.each<[Readonly<Record<string, string>>, readonly string[]]>([
    [{ session_id: sessionId }, ['4', '3', '2']],
    [{ session_id: sessionId, state: 'EXPIRED' }, ['3']],
    [{ session_id: sessionId, open: 'false' }, ['4', '3']],
    [{ session_id: sessionId, open: 'true' }, ['2']],
    [{ session_id: sessionId, reference: 'order-7' }, ['3']],
    [{ session_id: sessionId, attention: 'contradiction' }, ['4']],
    [{ session_id: sessionId, due_before: '2026-03-01T12:30:00Z' }, ['2']],
    [{}, ['2', '1']],
  ])('the list with %j returns the records that pass', async (query, ids) => {
    stored(
      attempt(4, 'CANCELED', { attention: 'contradiction' }),
      attempt(3, 'EXPIRED', { reference: 'order-7', deadlineAt: at('2026-03-01T12:30:00Z') }),
      attempt(2, 'SUBMITTED', { deadlineAt: at('2026-03-01T12:29:00Z') }),
      attempt(1, 'SUBMITTED', { sessionId: 'another' as SessionId }),
    );
    const { document } = await list(query);
    const found = document['payment_requests'] as readonly { readonly payment_request_id: string }[];
    expect(found.map(({ payment_request_id: id }) => id.slice(-1))).toEqual(ids);
  });

  it('the list of an account without records is empty', async () => {
    expect((await list()).document).toEqual({ payment_requests: [], next_cursor: null });
  });

  it.each([
    ['another account', { state: 'SUBMITTED' }, 'shop-no'],
    ['another state', { state: 'IN_PROGRESS' }, account],
    ['another session', { state: 'SUBMITTED', session_id: 'cart' }, account],
    ['another reference', { state: 'SUBMITTED', reference: 'order' }, account],
    ['another attention', { state: 'SUBMITTED', attention: 'contradiction' }, account],
    ['another deadline', { state: 'SUBMITTED', due_before: '2026-03-01T12:00:00Z' }, account],
    ['another open', { state: 'SUBMITTED', open: 'true' }, account],
    ['no filter', {}, account],
  ])('the list refuses the cursor of another list: %s', async (_, query, its) => {
    resetAws(
      JSON.stringify({
        ...(JSON.parse(accountsSecret()) as object),
        'shop-no': { environment: 'test', api_key: 'k' },
      }),
    );
    stored(attempt(2, 'SUBMITTED'), attempt(1, 'SUBMITTED'));
    const { document } = await list({ state: 'SUBMITTED', limit: '1' });
    const cursor = String(document['next_cursor']);
    expect((await list({ state: 'SUBMITTED', cursor })).statusCode).toBe(200);
    const response = await list({ ...query, cursor }, its);
    expect([response.statusCode, response.document['field']]).toEqual([400, 'cursor']);
  });
});

describe('an invalid query or session id', () => {
  it.each<[string, string, () => ReturnType<typeof call>]>([
    ['an unknown state', 'state', () => list({ state: 'PAID' })],
    ['two states', 'state', () => list({ state: 'SUBMITTED,CANCELED' })],
    ['an invalid open', 'open', () => list({ open: 'yes' })],
    ['only requests that are not open', 'open', () => list({ open: 'false' })],
    ['a final state alone', 'state', () => list({ state: 'CANCELED' })],
    ['COMPLETED alone', 'state', () => list({ state: 'COMPLETED', due_before: '2026-03-01T12:00:00Z' })],
    ['a final state and open', 'state', () => list({ state: 'EXPIRED', open: 'true' })],
    ['an invalid session', 'session_id', () => list({ session_id: 'a/b' })],
    ['a reference with a line feed', 'reference', () => list({ reference: 'a\nb' })],
    ['an unknown attention', 'attention', () => list({ attention: 'everything' })],
    ['an invalid time', 'due_before', () => list({ due_before: 'soon' })],
    ...['0', '101', '-1', '1.5', '', 'all', '25,25', '00001'].map(
      (limit): [string, string, () => ReturnType<typeof call>] => [
        `a limit of ${JSON.stringify(limit)}`,
        'limit',
        () => list({ limit }),
      ],
    ),
    ...['', 'x', '=', 'AAAA', 'x'.repeat(10_000), Buffer.from(`#${noon}`).toString('base64url')].map(
      (cursor): [string, string, () => ReturnType<typeof call>] => [
        `a cursor of ${cursor.length} characters that is invalid`,
        'cursor',
        () => list({ cursor }),
      ],
    ),
    ['an unknown query parameter', 'stat', () => list({ stat: 'SUBMITTED' })],
    ['a refresh of a session', 'refresh', () => getSession({ refresh: 'true' })],
    ['a session id with a line feed', 'session_id', () => getSession(undefined, 'a\nb')],
    ['a session id of 256 characters', 'session_id', () => cancelSession(undefined, 'x'.repeat(256))],
    ['a misspelt dry_run', 'dryrun', () => cancelSession({ dryrun: 'true' })],
    ['allow_completed of a session', 'allow_completed', () => cancelSession({ allow_completed: 'true' })],
    ['a reason with a line feed', 'reason', () => cancelSession({ reason: 'a\nb' })],
  ])('%s returns 400 with the field %s, reads nothing and does not call Klarna', async (_, field, act) => {
    const { statusCode, headers, document } = await act();
    expect([statusCode, headers['content-type']]).toEqual([400, 'application/problem+json']);
    expect(document).toMatchObject({
      type: 'urn:lapse:problem:invalid-request',
      field,
      allowed: expect.stringMatching(/./) as string,
    });
    expect(aws.dynamodb.calls()).toEqual([]);
    expect(klarna.calls).toEqual([]);
  });
});

it('the session and list calls log, return and store no secret', async () => {
  stored(attempt(0, 'SUBMITTED'));
  const responses = [await getSession(), await list(), await cancelSession()];
  expect(klarna.calls).toEqual(['read', 'cancel']);
  const said = output.text() + responses.map(({ body }) => body).join('') + JSON.stringify(sentCommands());
  expect(plantedIn(said)).toEqual([]);
});
