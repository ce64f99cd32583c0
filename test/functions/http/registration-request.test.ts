import { describe, expect, it } from 'vitest';
import type { SessionDecision } from '../../../functions/domain/registration.ts';
import { bodyOf } from '../../../functions/http/parse-request.ts';
import { viewOf } from '../../../functions/http/payment-request-view.ts';
import { Problem, problemResponse } from '../../../functions/http/problem.ts';
import {
  deadlineOf,
  extensionBody,
  newDeadlineOf,
  registrationBody,
  sessionResponse,
} from '../../../functions/http/registration-request.ts';
import { at, key, recordWith } from '../../support/fixtures.ts';
import { apiEvent } from '../../support/lambda-events.ts';

const errorsOf = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    if (error instanceof Problem) return error.details.errors;
    throw error;
  }
  throw new Error('no problem was thrown');
};

describe('the body of a PUT', () => {
  const read = (body: unknown) => bodyOf(apiEvent({ method: 'PUT', body }), registrationBody);

  it('an empty body of a PUT says nothing, not even on_timeout', () => {
    expect(read({})).toEqual({});
  });

  it('the body of a PUT accepts every field of the API', () => {
    expect(
      read({
        session_timeout: 'PT30M',
        session_id: 'cart-7',
        reference: 'order-7',
        klarna_expires_at: '2026-03-01T15:00:00Z',
        on_timeout: 'observe',
        in_progress_grace: 'PT5M',
      }),
    ).toEqual({
      session_timeout: { given: 'PT30M', millis: 1_800_000 },
      session_id: 'cart-7',
      reference: 'order-7',
      klarna_expires_at: { given: '2026-03-01T15:00:00Z', at: at('2026-03-01T15:00:00Z') },
      on_timeout: 'observe',
      in_progress_grace: { given: 'PT5M', millis: 300_000 },
    });
  });

  it('the body of a PUT accepts a session_id and a reference of 255 characters', () => {
    const longest = 'å'.repeat(255);
    expect(read({ session_id: longest, reference: longest })).toMatchObject({ reference: longest });
  });

  const ids = '1 to 255 characters, no control characters and none of / \\ ? # %, and not . or .. alone';
  const durations = expect.stringContaining('a positive ISO 8601 duration') as unknown;
  const times = expect.stringContaining('RFC 3339') as unknown;
  it.each([
    ['session_timeout', 'P1Y', durations],
    ['deadline_at', 'soon', times],
    ['session_id', '', ids],
    ['session_id', 7, ids],
    ['session_id', 'x\u0000', ids],
    ['reference', '\t', ids],
    ['klarna_expires_at', 'P1D', times],
    ['on_timeout', 'delete', 'cancel or observe'],
    ['in_progress_grace', '5', durations],
    ['in_progress_grace', 300, durations],
    ['in_progress_grace', 'P999999W', "at most P2D, Klarna's longest lifetime"],
    ['in_progress_grace', 'PT48H1S', "at most P2D, Klarna's longest lifetime"],
    ['timeout', 'PT30M', 'no field of this name'],
  ])('the body of a PUT refuses %s as %j', (field, given, allowed) => {
    expect(errorsOf(() => read({ [field]: given }))).toEqual([
      { field, given: JSON.stringify(given), allowed },
    ]);
  });

  it.each(['session_id', 'reference'])('the body of a PUT refuses a %s of 256 characters', (field) => {
    expect(errorsOf(() => read({ [field]: 'x'.repeat(256) }))).toMatchObject([{ field, allowed: ids }]);
  });
});

it('the body of a PATCH accepts a deadline and nothing else', () => {
  const read = (body: unknown) => bodyOf(apiEvent({ method: 'PATCH', body }), extensionBody);
  expect(read({ session_timeout: 'PT1H' })).toEqual({
    session_timeout: { given: 'PT1H', millis: 3_600_000 },
  });
  for (const field of ['session_id', 'reference', 'on_timeout', 'in_progress_grace', 'klarna_expires_at']) {
    expect(errorsOf(() => read({ session_timeout: 'PT1H', [field]: 'x' }))).toMatchObject([
      { field, allowed: 'no field of this name' },
    ]);
  }
});

describe('the deadline of a body', () => {
  const half = { given: 'PT30M', millis: 1_800_000 };
  const moment = { given: '2026-03-01T13:00:00Z', at: at('2026-03-01T13:00:00Z') };

  it.each([deadlineOf, newDeadlineOf])('%o returns the one deadline and refuses two', (read) => {
    expect(read({ session_timeout: half })).toEqual({ kind: 'session_timeout', ...half });
    expect(read({ deadline_at: moment })).toEqual({ kind: 'deadline_at', ...moment });
    expect(errorsOf(() => read({ session_timeout: half, deadline_at: moment }))).toEqual([
      {
        field: 'session_timeout',
        given: 'given together with deadline_at',
        allowed: 'only one of session_timeout and deadline_at',
      },
    ]);
  });

  it('a PUT may have no deadline, and a PATCH must have one', () => {
    expect(deadlineOf({})).toBeUndefined();
    expect(errorsOf(() => newDeadlineOf({}))).toEqual([
      { field: 'session_timeout', given: 'missing', allowed: 'session_timeout or deadline_at' },
    ]);
  });
});

describe('sessionResponse', () => {
  type Outcome = SessionDecision['outcome'];
  const record = recordWith({ state: 'SUBMITTED' });
  const problem = (type: string) => ({
    type: `urn:lapse:problem:${type}`,
    payment_request_id: key.paymentRequestId,
    state: 'SUBMITTED',
  });

  /** The compiler asks for a case of every outcome. */
  const cases: {
    readonly [Kind in Outcome['kind']]: readonly [
      Extract<Outcome, { kind: Kind }> | { kind: Kind },
      number,
      object,
    ];
  } = {
    registered: [{ kind: 'registered' }, 201, viewOf(record)],
    changed: [{ kind: 'changed' }, 200, viewOf(record)],
    unchanged: [{ kind: 'unchanged' }, 200, viewOf(record)],
    invalid: [
      {
        kind: 'invalid',
        field: 'deadline_at',
        given: '2020-01-01T00:00:00Z',
        allowed: 'a time in the future',
      },
      400,
      {
        type: 'urn:lapse:problem:invalid-request',
        field: 'deadline_at',
        given: '"2020-01-01T00:00:00Z"',
        allowed: 'a time in the future',
      },
    ],
    no_deadline: [
      { kind: 'no_deadline' },
      400,
      {
        type: 'urn:lapse:problem:invalid-request',
        field: 'session_timeout',
        given: 'missing',
        allowed: expect.stringMatching(/^session_timeout or deadline_at; a PUT can omit both/) as unknown,
      },
    ],
    not_found: [{ kind: 'not_found' }, 404, problem('not-found')],
    already_final: [
      { kind: 'already_final', state: 'EXPIRED' },
      409,
      { ...problem('already-final'), detail: expect.stringContaining('EXPIRED') as unknown },
    ],
    cancellation_pending: [{ kind: 'cancellation_pending' }, 409, problem('cancellation-pending')],
    extension_limit: [
      {
        kind: 'extension_limit',
        field: 'session_timeout',
        given: 'PT30M',
        allowed: 'at most 10 extensions',
      },
      409,
      {
        ...problem('extension-limit'),
        field: 'session_timeout',
        given: '"PT30M"',
        allowed: 'at most 10 extensions',
        detail: 'session_timeout is "PT30M"; allowed: at most 10 extensions.',
      },
    ],
    session_full: [
      {
        kind: 'session_full',
        field: 'session_id',
        given: 'cart-17',
        allowed: 'a session with fewer than 1000 Payment Requests',
      },
      409,
      {
        ...problem('session-full'),
        field: 'session_id',
        given: '"cart-17"',
        allowed: 'a session with fewer than 1000 Payment Requests',
      },
    ],
  };

  it.each(Object.values(cases))('the outcome %o returns %i', (outcome, status, says) => {
    const response = wireResponse(outcome as Outcome);
    expect(response.statusCode).toBe(status);
    expect(JSON.parse(response.body)).toMatchObject(says);
  });

  function wireResponse(outcome: Outcome) {
    try {
      return sessionResponse(key, { outcome, record });
    } catch (error) {
      if (error instanceof Problem) return problemResponse(error);
      throw error;
    }
  }
});
