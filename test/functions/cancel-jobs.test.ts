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
    Item: marshall({ job: rest, da: dueAt }, { removeUndefinedValues: true }),
  });
}

describe('PUT of a cancel job', () => {
  it('PUT of a cancel job without dry_run starts a dry run', async () => {
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

  it('PUT of a cancel job accepts 1,000 ids', async () => {
    const payment_request_ids = Array.from({ length: 1_000 }, (_, number) =>
      requestId(number).padEnd(72, '0'),
    );
    expect(await put({ payment_request_ids, dry_run: false })).toMatchObject({
      statusCode: 201,
      document: { total: 1_000, dry_run: false },
    });
  });

  it('PUT of a cancel job by age returns no total', async () => {
    const { document } = await put({ created_before: '2026-03-01T00:00:00+01:00' });
    expect(document).toMatchObject({
      total: null,
      selected: { by: 'created_before', created_before: '2026-02-28T23:00:00Z' },
    });
  });

  it.each<[string, unknown, string, string]>([
    ['no selection', {}, 'payment_request_ids', 'missing'],
    [
      'two selections',
      { session_id: 'cart-17', created_before: '2026-03-01T00:00:00Z' },
      'session_id',
      'given together with created_before',
    ],
    ['a text as the list', { payment_request_ids: 'all' }, 'payment_request_ids', '"all"'],
    ['an empty list', { payment_request_ids: [] }, 'payment_request_ids', 'an array of 0'],
    [
      'a list that is too long',
      { payment_request_ids: Array.from({ length: 1_001 }, (_, number) => requestId(number)) },
      'payment_request_ids',
      'an array of 1001',
    ],
    ['an invalid id', { payment_request_ids: [requestId(1), 'x'] }, 'payment_request_ids.1', '"x"'],
    ['an invalid time', { created_before: 'yesterday' }, 'created_before', '"yesterday"'],
    [
      'a time in the future',
      { created_before: '2099-01-01T00:00:00Z' },
      'created_before',
      '"2099-01-01T00:00:00Z"',
    ],
    ['a text as a flag', { session_id: 'cart-17', dry_run: 'false' }, 'dry_run', '"false"'],
    ['a misspelt flag', { session_id: 'cart-17', dryrun: false }, 'dryrun', 'false'],
  ])('PUT of a cancel job with %s returns 400 and stores nothing', async (_, body, field, given) => {
    expect(await put(body)).toMatchObject({
      statusCode: 400,
      document: { type: 'urn:lapse:problem:invalid-request', field, given },
    });
    expect(aws.dynamodb.commandCalls(UpdateItemCommand)).toEqual([]);
  });

  it('PUT of a cancel job with an invalid job id returns 400', async () => {
    expect(await put({ session_id: 'cart-17' }, 'a#b')).toMatchObject({
      statusCode: 400,
      document: { field: 'job_id', given: '"a#b"' },
    });
  });

  it('PUT of a cancel job with a body above 128 KiB returns 413', async () => {
    expect(await put({ reason: 'x'.repeat(140_000), session_id: 'cart-17' })).toMatchObject({
      statusCode: 413,
      document: { allowed: 'at most 131072 bytes' },
    });
  });

  it('PUT of a cancel job for an unknown session returns 404', async () => {
    aws.dynamodb.on(QueryCommand).resolves({ Items: [] });
    expect(await put({ session_id: 'cart-17' })).toMatchObject({
      statusCode: 404,
      document: { type: 'urn:lapse:problem:not-found', job_id: 'nightly-1' },
    });
  });

  it('PUT of a cancel job returns 409 when another job has the id', async () => {
    stored();
    expect(await put({ payment_request_ids: [requestId(1)] })).toMatchObject({
      statusCode: 409,
      document: { type: 'urn:lapse:problem:job-exists', job_id: 'nightly-1' },
    });
  });
});

describe('an existing cancel job', () => {
  it('GET of a cancel job returns its progress and outcomes', async () => {
    stored(jobWith({ done: 3, outcomes: { canceled: 2, already_final: 1 } }));
    const { statusCode, document } = await call('GET', '/{job_id}');
    expect(statusCode).toBe(200);
    expect(document).toMatchObject({ done: 3, outcomes: { canceled: 2, already_final: 1, pending: 0 } });
  });

  it('DELETE of a cancel job stops it', async () => {
    stored();
    const { statusCode, document } = await call('DELETE', '/{job_id}');
    expect([statusCode, document['status'], document['due_at']]).toEqual([200, 'stopped', null]);
  });

  it.each<[string, Parameters<typeof jobWith>[0], string, boolean, string | null]>([
    ['has a cursor while there is a next page', { pages: 2 }, '0', true, '1'],
    ['has a cursor while the job runs', { pages: 2 }, '1', true, '2'],
    ['repeats the cursor of a page that is not written yet', { pages: 2 }, '2', false, '2'],
    ['does not show a page that is not counted yet', { pages: 2 }, '2', true, '2'],
    ['has no cursor on the last page of a done job', { pages: 2, status: 'done' }, '1', true, null],
    ['has no cursor on the last page of a stopped job', { pages: 0, status: 'stopped' }, '0', false, null],
  ])('GET of the report of a cancel job %s', async (_, fields, cursor, isWritten, next) => {
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

  it('GET of the report of a cancel job with an invalid cursor returns 400', async () => {
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
] as const)('%s of %s returns 404 when the job does not exist', async (method, path) => {
  expect(await call(method, path)).toMatchObject({
    statusCode: 404,
    document: { type: 'urn:lapse:problem:not-found', job_id: 'nightly-1' },
  });
});
