import { GetItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it, vi } from 'vitest';
import type { PaymentRequestId, SessionId } from '../../functions/domain/identifiers.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import { listCursorOf } from '../../functions/domain/list-cursor.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { accountsSecret, aws, resetAws, sentCommands } from '../support/aws-clients.ts';
import { throttled } from '../support/aws-faults.ts';
import { callApi } from '../support/call-api.ts';
import { account, key, noon, recordWith } from '../support/fixtures.ts';
import { apiEvent, callerArn, itemOf, listRoute, sessionRoute } from '../support/lambda-events.ts';
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
        ExpressionAttributeValues: { ':session': { S: `A#${account}#S#${sessionId}` } },
      }),
    ]);
    expect(klarna.calls).toEqual([]);
    expect(output.text()).toBe('');
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
    const written = aws.dynamodb.commandCalls(UpdateItemCommand).map((each) => each.args[0].input);
    const writtenTo = (id: string) => written.filter(({ Key }) => Key?.['PK']?.S === `A#${account}#P#${id}`);
    expect(written).toHaveLength(5);
    for (const spared of ['1', '2', '3'])
      expect(writtenTo(`krn:payment:eu1:request:${spared}`)).toHaveLength(1);
    const [claim] = writtenTo(key.paymentRequestId);
    expect(Object.values(unmarshall(claim?.ExpressionAttributeValues ?? {}))).toContainEqual(
      expect.objectContaining({ reason: 'shop closed', requestedBy: callerArn, allowCompleted: false }),
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

describe('GET of the list of Payment Requests', () => {
  it('the list returns a page, newest first, and the cursor of the next page', async () => {
    stored(attempt(3, 'SUBMITTED'), attempt(2, 'SUBMITTED'), attempt(1, 'SUBMITTED'));
    const first = await list({ state: 'SUBMITTED', limit: '2' });
    expect(first.document).toMatchObject({
      payment_requests: [
        { payment_request_id: 'krn:payment:eu1:request:3' },
        { payment_request_id: 'krn:payment:eu1:request:2' },
      ],
      next_cursor: expect.stringMatching(/^[\w-]+$/) as string,
    });
    aws.dynamodb.on(QueryCommand).resolves({ Items: [itemOf(attempt(1, 'SUBMITTED'))] });
    const second = await list({
      state: 'SUBMITTED',
      limit: '100',
      cursor: String(first.document['next_cursor']),
    });
    expect(second.document).toMatchObject({
      payment_requests: [{ payment_request_id: 'krn:payment:eu1:request:1' }],
      next_cursor: null,
    });
    const queries = aws.dynamodb.commandCalls(QueryCommand).map((each) => each.args[0].input);
    expect(queries).toEqual([
      expect.objectContaining({ IndexName: 'state', Limit: 3, ScanIndexForward: false }),
      expect.objectContaining({
        KeyConditionExpression: '#state = :state AND #listed < :before',
        ExpressionAttributeValues: {
          ':state': { S: `A#${account}#SUBMITTED` },
          ':before': { S: listCursorOf(attempt(2)) },
        },
      }),
    ]);
  });

  it('the list reads only the partitions of the requested states', async () => {
    const asked = async (query: Readonly<Record<string, string>>) => {
      aws.dynamodb.resetHistory();
      await list(query);
      return aws.dynamodb
        .commandCalls(QueryCommand)
        .map((each) => each.args[0].input.ExpressionAttributeValues?.[':state']?.S?.split('#')[2])
        .toSorted();
    };
    expect(await asked({ open: 'true' })).toEqual(['IN_PROGRESS', 'SUBMITTED', 'UNHEARD']);
    expect(await asked({ open: 'false' })).toEqual(['CANCELED', 'COMPLETED', 'DECLINED', 'EXPIRED']);
    expect(await asked({ state: 'EXPIRED' })).toEqual(['EXPIRED']);
    expect(await asked({ due_before: '2026-03-01T12:00:00Z' })).toHaveLength(7);
    expect(await asked({ state: 'EXPIRED', open: 'true' })).toEqual([]);
  });

  it('the list of an account without records is empty', async () => {
    expect((await list()).document).toEqual({ payment_requests: [], next_cursor: null });
  });

  it.each([
    ['another account', {}, 'shop-no'],
    ['another state', { state: 'CANCELED' }, account],
    ['another attention', { state: 'SUBMITTED', attention: 'contradiction' }, account],
    ['another deadline', { state: 'SUBMITTED', due_before: '2026-03-01T12:00:00Z' }, account],
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
    const response = await list({ ...query, cursor: String(document['next_cursor']) }, its);
    expect([response.statusCode, response.document['field']]).toEqual([400, 'cursor']);
  });
});

describe('an invalid query or session id', () => {
  it.each<[string, string, () => ReturnType<typeof call>]>([
    ['an unknown state', 'state', () => list({ state: 'PAID' })],
    ['two states', 'state', () => list({ state: 'SUBMITTED,CANCELED' })],
    ['an invalid open', 'open', () => list({ open: 'yes' })],
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
