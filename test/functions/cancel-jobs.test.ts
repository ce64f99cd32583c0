import { GetItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { accountsSecret, aws } from '../support/aws-clients.ts';
import { callApi } from '../support/call-api.ts';
import { jobWith, requestId } from '../support/cancel-jobs.ts';
import { account } from '../support/fixtures.ts';
import { apiEvent, callerArn, cancelJobsRoute } from '../support/lambda-events.ts';
import { setUpHandlers } from '../support/set-up-handlers.ts';

const { reading, canceling } = await setUpHandlers(async () => ({
  reading: await import('../../functions/get-payment-request.ts'),
  canceling: await import('../../functions/cancel-payment-request.ts'),
}));

beforeEach(() => {
  accountsSecret({ [account]: {} });
});

function call(
  method: 'GET' | 'PUT' | 'DELETE',
  path: '' | '/{job_id}' | '/{job_id}/report',
  more: {
    readonly jobId?: string;
    readonly query?: Readonly<Record<string, string>>;
    readonly body?: unknown;
  } = {},
) {
  const { handler } = method === 'GET' ? reading : canceling;
  const { jobId = 'nightly-1', ...rest } = more;
  const pathParameters = path === '' ? { account } : { account, job_id: jobId };
  const event = apiEvent({ method, route: `${cancelJobsRoute}${path}`, pathParameters, ...rest });
  return callApi(handler, event);
}

const put = (body: unknown, jobId?: string) =>
  call('PUT', '/{job_id}', { body, ...(jobId !== undefined && { jobId }) });

/** The table has this job. */
function stored(job = jobWith()): void {
  const { dueAt, ...rest } = job;
  aws.dynamodb.on(GetItemCommand, { Key: { PK: { S: `A#${account}#J#${job.jobId}` } } }).resolves({
    Item: marshall({ job: rest, reconcile_after: dueAt }, { removeUndefinedValues: true }),
  });
}

describe('PUT of a job', () => {
  it('is a dry run unless it is said that it is none', async () => {
    const { statusCode, document } = await put({ payment_request_ids: [requestId(1)] });
    expect(statusCode).toBe(201);
    expect(document).toMatchObject({
      account,
      job_id: 'nightly-1',
      status: 'running',
      dry_run: true,
      selected: { by: 'payment_request_ids', session_id: null, created_before: null },
      total: 1,
      done: 0,
      requested_by: callerArn,
    });
  });

  it('takes a thousand ids', async () => {
    const payment_request_ids = Array.from({ length: 1_000 }, (_, number) =>
      requestId(number).padEnd(72, '0'),
    );
    expect(await put({ payment_request_ids, dry_run: false })).toMatchObject({
      statusCode: 201,
      document: { total: 1_000, dry_run: false },
    });
  });

  it('by age does not know the total', async () => {
    const { document } = await put({ created_before: '2026-03-01T00:00:00+01:00' });
    expect(document).toMatchObject({
      total: null,
      selected: { by: 'created_before', created_before: '2026-02-28T23:00:00Z' },
    });
  });

  it.each<[string, unknown, string, string]>([
    ['none of the three', {}, 'payment_request_ids', 'missing'],
    [
      'two of the three',
      { session_id: 'cart-17', created_before: '2026-03-01T00:00:00Z' },
      'session_id',
      'given together with created_before',
    ],
    ['no list', { payment_request_ids: 'all' }, 'payment_request_ids', '"all"'],
    ['an empty list', { payment_request_ids: [] }, 'payment_request_ids', 'an array of 0'],
    [
      'a list that is too long',
      { payment_request_ids: Array.from({ length: 1_001 }, (_, number) => requestId(number)) },
      'payment_request_ids',
      'an array of 1001',
    ],
    ['an id that is none', { payment_request_ids: [requestId(1), 'x'] }, 'payment_request_ids.1', '"x"'],
    ['a time that is none', { created_before: 'yesterday' }, 'created_before', '"yesterday"'],
    [
      'a time in the future',
      { created_before: '2099-01-01T00:00:00Z' },
      'created_before',
      'a time in the future',
    ],
    ['a word for a flag', { session_id: 'cart-17', dry_run: 'false' }, 'dry_run', '"false"'],
    ['a misspelt flag', { session_id: 'cart-17', dryrun: false }, 'dryrun', 'false'],
  ])('refuses %s, and stores nothing', async (_, body, field, given) => {
    expect(await put(body)).toMatchObject({
      statusCode: 400,
      document: { type: 'urn:lapse:problem:invalid-request', field, given },
    });
    expect(aws.dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });

  it('refuses an id that is no name', async () => {
    expect(await put({ session_id: 'cart-17' }, 'a#b')).toMatchObject({
      statusCode: 400,
      document: { field: 'job_id', given: '"a#b"' },
    });
  });

  it('refuses what is larger than a thousand ids', async () => {
    expect(await put({ reason: 'x'.repeat(140_000), session_id: 'cart-17' })).toMatchObject({
      statusCode: 413,
      document: { allowed: 'at most 131072 bytes' },
    });
  });

  it('is 404 for a session that nothing is known of', async () => {
    aws.dynamodb.on(QueryCommand).resolves({ Items: [] });
    expect(await put({ session_id: 'cart-17' })).toMatchObject({
      statusCode: 404,
      document: { type: 'urn:lapse:problem:not-found', job_id: 'nightly-1' },
    });
  });

  it('is 409 where another job has the id', async () => {
    stored();
    expect(await put({ payment_request_ids: [requestId(1)] })).toMatchObject({
      statusCode: 409,
      document: { type: 'urn:lapse:problem:job-exists', job_id: 'nightly-1' },
    });
  });
});

describe('a job that is there', () => {
  it('is shown', async () => {
    stored(jobWith({ done: 3, outcomes: { canceled: 2, already_final: 1 } }));
    const { statusCode, document } = await call('GET', '/{job_id}');
    expect(statusCode).toBe(200);
    expect(document).toMatchObject({ done: 3, outcomes: { canceled: 2, already_final: 1, pending: 0 } });
  });

  it('is stopped', async () => {
    stored();
    const { statusCode, document } = await call('DELETE', '/{job_id}');
    expect([statusCode, document['status'], document['due_at']]).toEqual([200, 'stopped', null]);
  });

  it.each<[string, Parameters<typeof jobWith>[0], string, boolean, string | null]>([
    ['has a next page while there is one', { pages: 2 }, '0', true, '1'],
    ['has a next page while it is running', { pages: 2 }, '1', true, '2'],
    ['is asked again for a page that is not written', { pages: 2 }, '2', false, '2'],
    ['does not show what is still to be counted', { pages: 2 }, '2', true, '2'],
    ['ends with the last page', { pages: 2, status: 'done' }, '1', true, null],
    ['ends where it was stopped', { pages: 0, status: 'stopped' }, '0', false, null],
  ])('has a report that %s', async (_, fields, cursor, isWritten, next) => {
    stored(jobWith(fields));
    const entries = isWritten
      ? [{ paymentRequestId: requestId(1), outcome: 'canceled', state: 'CANCELED' }]
      : [];
    aws.dynamodb
      .on(GetItemCommand, { Key: { PK: { S: `A#${account}#J#nightly-1#${cursor}` } } })
      .resolves(isWritten ? { Item: marshall({ entries }) } : {});
    const { document } = await call('GET', '/{job_id}/report', { query: { cursor } });
    expect(document['next_cursor']).toBe(next);
    expect(document['payment_requests']).toHaveLength(Number(cursor) < (fields?.pages ?? 0) ? 1 : 0);
  });

  it('has no report at a place that is none', async () => {
    stored();
    expect(await call('GET', '/{job_id}/report', { query: { cursor: '-1' } })).toMatchObject({
      statusCode: 400,
      document: { field: 'cursor' },
    });
  });
});

it.each([
  ['GET', '/{job_id}'],
  ['GET', '/{job_id}/report'],
  ['DELETE', '/{job_id}'],
] as const)('%s of %s is 404 where there is no such job', async (method, path) => {
  expect(await call(method, path)).toMatchObject({
    statusCode: 404,
    document: { type: 'urn:lapse:problem:not-found', job_id: 'nightly-1' },
  });
});
