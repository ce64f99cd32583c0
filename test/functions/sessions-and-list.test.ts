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

const sessionId = 'cart/17 å' as SessionId;

/** The table has these records, and every index names them all, in this order. */
function stored(...records: readonly PaymentRequest[]): void {
  const items = records.map(itemOf);
  aws.dynamodb.on(QueryCommand).resolves({ Items: items });
  for (const item of items) {
    aws.dynamodb.on(GetItemCommand, { Key: { PK: item['PK'] ?? { S: '' } } }).resolves({ Item: item });
  }
}

/** Attempt number 0 is the one that Klarna's server of this test shows. */
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
  ])('is %s of %j, with each request as it is', async (status, states) => {
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

  it('asks one index for one partition, and Klarna nothing', async () => {
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

  it('is 404 when nothing is known of it', async () => {
    expect(await getSession()).toMatchObject({
      statusCode: 404,
      document: { type: 'urn:lapse:problem:not-found', session_id: sessionId },
    });
  });
});

describe('DELETE of a session', () => {
  it('ends what is open and spares what is paid, one outcome each', async () => {
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

  it('spares what Klarna says is paid, though the record does not know and the account lets callers cancel it', async () => {
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

  it('as a dry run says what it would do, writes nothing and sends no DELETE', async () => {
    stored(attempt(0, 'SUBMITTED'), attempt(1, 'COMPLETED'));
    const { document } = await cancelSession({ dry_run: 'true' });
    expect(document['payment_requests']).toMatchObject([
      { outcome: 'would_cancel', state: 'SUBMITTED' },
      { outcome: 'already_final', state: 'COMPLETED' },
    ]);
    expect(klarna.calls).toEqual(['read']);
    expect(aws.dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });

  it('says untried of what the table did not let us end, and logs why', async () => {
    stored(attempt(0, 'SUBMITTED'));
    aws.dynamodb.on(UpdateItemCommand).rejects(throttled);
    const { statusCode, body, document } = await cancelSession();
    expect(statusCode).toBe(200);
    expect(document['payment_requests']).toMatchObject([{ outcome: 'untried', state: 'SUBMITTED' }]);
    // The read goes out beside the claim, and may still be on its way.
    await vi.waitFor(() => expect(klarna.calls).toEqual(['read']));
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ level: 'ERROR', code: 'session-cancel.fault' }),
    );
    expect(plantedIn(body)).toEqual([]);
  });

  it('is 404 when nothing is known of it, and 503 when the index does not answer', async () => {
    expect((await cancelSession()).statusCode).toBe(404);
    aws.dynamodb.on(QueryCommand).rejects(throttled);
    expect((await cancelSession()).statusCode).toBe(503);
    expect(klarna.calls).toEqual([]);
  });
});

describe('GET of the list', () => {
  it('shows a page of records, newest first, and the cursor of the next', async () => {
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

  it('looks into the partitions of the states asked for, and no other', async () => {
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

  it('is empty where there is nothing', async () => {
    expect((await list()).document).toEqual({ payment_requests: [], next_cursor: null });
  });

  it.each([
    ['another account', {}, 'shop-no'],
    ['another state', { state: 'CANCELED' }, account],
    ['something else to look at', { state: 'SUBMITTED', attention: 'contradiction' }, account],
    ['another deadline', { state: 'SUBMITTED', due_before: '2026-03-01T12:00:00Z' }, account],
    ['no filter', {}, account],
  ])('does not take the cursor of another list: %s', async (_, query, its) => {
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

describe('refusals that touch nothing', () => {
  it.each<[string, string, () => ReturnType<typeof call>]>([
    ['a state that is none', 'state', () => list({ state: 'PAID' })],
    ['two states', 'state', () => list({ state: 'SUBMITTED,CANCELED' })],
    ['an open that is neither', 'open', () => list({ open: 'yes' })],
    ['a word that is none', 'attention', () => list({ attention: 'everything' })],
    ['a time that is none', 'due_before', () => list({ due_before: 'soon' })],
    ...['0', '101', '-1', '1.5', '', 'all', '25,25', '00001'].map(
      (limit): [string, string, () => ReturnType<typeof call>] => [
        `a limit of ${JSON.stringify(limit)}`,
        'limit',
        () => list({ limit }),
      ],
    ),
    ...['', 'x', '=', 'AAAA', 'x'.repeat(10_000), Buffer.from(`#${noon}`).toString('base64url')].map(
      (cursor): [string, string, () => ReturnType<typeof call>] => [
        `a cursor of ${cursor.length} characters that is none`,
        'cursor',
        () => list({ cursor }),
      ],
    ),
    ['a query of no name of ours', 'stat', () => list({ stat: 'SUBMITTED' })],
    ['a refresh of a session', 'refresh', () => getSession({ refresh: 'true' })],
    ['a session id with a line feed', 'session_id', () => getSession(undefined, 'a\nb')],
    ['a session id of 256 characters', 'session_id', () => cancelSession(undefined, 'x'.repeat(256))],
    ['a misspelt dry_run', 'dryrun', () => cancelSession({ dryrun: 'true' })],
    ['leave to cancel what is paid', 'allow_completed', () => cancelSession({ allow_completed: 'true' })],
    ['a reason with a line feed', 'reason', () => cancelSession({ reason: 'a\nb' })],
  ])('%s: 400 with the field %s', async (_, field, act) => {
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

it('no secret of ours is logged, answered or stored', async () => {
  stored(attempt(0, 'SUBMITTED'));
  const responses = [await getSession(), await list(), await cancelSession()];
  expect(klarna.calls).toEqual(['read', 'cancel']);
  const said = output.text() + responses.map(({ body }) => body).join('') + JSON.stringify(sentCommands());
  expect(plantedIn(said)).toEqual([]);
});
