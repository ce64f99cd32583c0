import { describe, expect, it } from 'vitest';
import {
  invalid,
  Problem,
  problemResponse,
  type ProblemType,
  shown,
} from '../../../functions/http/problem.ts';
import { jsonResponse } from '../../../functions/http/response.ts';

/** The types that callers branch on, with their status. A change here breaks callers. */
const statuses = {
  'invalid-request': 400,
  'invalid-page-token': 401,
  forbidden: 403,
  'unknown-account': 404,
  'unknown-route': 404,
  'method-not-allowed': 405,
  'not-found': 404,
  'already-final': 409,
  'cancellation-pending': 409,
  'account-in-secret': 409,
  'no-page-origins': 409,
  'job-exists': 409,
  'extension-limit': 409,
  'session-full': 409,
  'payload-too-large': 413,
  'idempotency-key-reused': 422,
  'klarna-denied': 502,
  unavailable: 503,
  misconfigured: 500,
  internal: 500,
} as const satisfies Record<ProblemType, number>;

describe('problemResponse', () => {
  it.each(Object.entries(statuses))('the problem %s has the status %i, in the body too', (type, status) => {
    const response = problemResponse(new Problem(type as ProblemType, { detail: 'So it is.' }));
    expect(response.statusCode).toBe(status);
    expect(response.headers).toEqual({ 'content-type': 'application/problem+json' });
    expect(JSON.parse(response.body)).toEqual({
      type: `urn:lapse:problem:${type}`,
      title: expect.stringMatching(/^[A-Z].{4,}[^.]$/) as unknown,
      status,
      detail: 'So it is.',
    });
  });

  it('problemResponse has every wrong field, and the first one at the top', () => {
    const first = { field: 'a', given: '1', allowed: 'x' };
    const second = { field: 'b', given: '2', allowed: 'y' };
    expect(JSON.parse(problemResponse(invalid(first, second)).body)).toMatchObject({
      ...first,
      errors: [first, second],
      detail: 'a is 1; allowed: x. b is 2; allowed: y.',
    });
  });

  it('problemResponse has further members and Retry-After', () => {
    const response = problemResponse(
      new Problem('already-final', { detail: '', members: { state: 'EXPIRED' }, retryAfter: 7 }),
    );
    expect(JSON.parse(response.body)).toMatchObject({ state: 'EXPIRED' });
    expect(response.headers).toMatchObject({ 'retry-after': '7' });
  });
});

describe('shown', () => {
  it.each([
    [undefined, 'missing'],
    ['', '""'],
    ['P1Y', '"P1Y"'],
    [5, '5'],
    [true, 'true'],
    [null, 'null'],
    [[['a']], 'an array of 1'],
    [{ name: 'x' }, 'an object'],
    ['x\n"\0', String.raw`"x\n\"\u0000"`],
    ['x'.repeat(10_000), `"${'x'.repeat(99)}… (10002 characters)`],
  ])('shown turns %j into %s', (given, expected) => {
    expect(shown(given)).toBe(expected);
  });

  it('shown accepts any depth', () => {
    let deep: unknown = [];
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    expect(shown(deep)).toBe('an array of 1');
  });
});

it('jsonResponse has the content type application/json', () => {
  expect(jsonResponse(201, { a: 1 }, { allow: 'POST' })).toEqual({
    statusCode: 201,
    headers: { 'content-type': 'application/json', allow: 'POST' },
    body: '{"a":1}',
  });
});
