import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import {
  parseAccount,
  parseCancelJobId,
  parsePaymentRequestId,
  parseSessionId,
} from '../../functions/domain/identifiers.ts';
import { cancelJobRequestOf } from '../../functions/http/cancel-job-request.ts';
import { bodyOf, duration, pathId, text, time } from '../../functions/http/parse-request.ts';
import { Problem } from '../../functions/http/problem.ts';
import {
  deadlineOf,
  extensionBody,
  newDeadlineOf,
  registrationBody,
} from '../../functions/http/registration-request.ts';
import { apiDocument } from '../support/api-contract.ts';
import { pointedAt, violations } from '../support/json-schema.ts';
import { apiEvent } from '../support/lambda-events.ts';

const isDescribed = (name: string, value: unknown): boolean =>
  violations(pointedAt(apiDocument, `#/components/schemas/${name}`), value, apiDocument).length === 0;

const takes =
  (schema: v.GenericSchema) =>
  (value: unknown): boolean =>
    v.safeParse(schema, value).success;

/** Texts of a few characters that matter to one schema, and any others. */
const textOf = (...parts: readonly string[]) =>
  fc.oneof(
    fc.array(fc.constantFrom(...parts), { maxLength: 12 }).map((each) => each.join('')),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({ unit: 'grapheme', minLength: 250, maxLength: 260 }),
  );

const ids = textOf(
  'a',
  '.',
  '..',
  '/',
  '\\',
  '?',
  '#',
  '%',
  '\u0000',
  '\u001F',
  '\u007F',
  '\u009F',
  '\u00A0',
  '💶',
  '\n',
  ' ',
);
const krns = textOf('krn:payment:', 'eu1', ':request:', 'x', 'X', '-', '_', '0'.repeat(64), '\n');
const durations = textOf(
  'P',
  'PT',
  'T',
  '0',
  '1',
  '30',
  '.',
  ',',
  '.5',
  'Y',
  'M',
  'W',
  'D',
  'H',
  'M',
  'S',
  '-',
  '٣',
  '\n',
);

describe('a text is taken exactly if its schema describes it', () => {
  it.each<[string, (text: string) => boolean, fc.Arbitrary<string>]>([
    [
      'Account',
      (id) => parseAccount(id) !== undefined,
      textOf('a', 'A', '0', '-', '_', 'x'.repeat(31), '\n'),
    ],
    ['PaymentRequestId', (id) => parsePaymentRequestId(id) !== undefined, krns],
    [
      'CancelJobId',
      (id) => parseCancelJobId(id) !== undefined,
      textOf('a', '.', '..', '_', '-', '/', ' ', '\n'),
    ],
    ['PathId', takes(pathId), ids],
    ['PathId', (id) => parseSessionId(id) !== undefined, ids],
    ['Text', takes(text), ids],
    ['Duration', takes(duration), durations],
  ])('%s', (name, isTaken, texts) => {
    fc.assert(
      fc.property(texts, (each) => {
        expect(isTaken(each)).toBe(isDescribed(name, each));
      }),
      { numRuns: 2_000 },
    );
  });

  it('and half a surrogate pair, which a schema cannot name in every language, is not taken', () => {
    expect(takes(pathId)('a\uD83Db')).toBe(false);
    expect(takes(text)('a\uD83Db')).toBe(false);
  });
});

it('a time is taken if its schema describes it, and in more spellings than that', () => {
  const parts = textOf(
    '2026-03-01',
    'T',
    't',
    ' ',
    '12:00',
    ':30',
    ':60',
    '.5',
    '.1234567891',
    'Z',
    'z',
    '+01:00',
    '-23:59',
    '+24:00',
  );
  fc.assert(
    fc.property(parts, (each) => {
      if (each.endsWith('Z') && isDescribed('Time', each)) expect(takes(time)(each)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
  for (const each of ['2026-03-01T12:00:00Z', '2026-03-01T12:00:00.1234567891Z', '2016-12-31T23:59:60Z']) {
    expect([isDescribed('Time', each), takes(time)(each)]).toEqual([true, true]);
  }
});

/** Whether a call of the API gets as far as its use case with this body. */
function isRead(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof Problem) return false;
    throw error;
  }
}

const someOf = (fields: Readonly<Record<string, fc.Arbitrary<unknown>>>) =>
  fc.record(fields, { requiredKeys: [] });
const anyOf = (...values: readonly unknown[]) => fc.constantFrom(...values, null, '', 0, true, {}, []);
const when = anyOf('2026-03-01T12:00:00Z', 'now');
const howLong = anyOf('PT20M', 'P0Y0M0DT0H20M0S', 'P1Y');
const id = anyOf('cart-17', 'a/b');
const unknown = { unknown: fc.constant(1) };

describe('a body is read exactly if its schema describes it', () => {
  it.each<[string, fc.Arbitrary<object>, (body: object) => unknown]>([
    [
      'Registration',
      someOf({
        session_timeout: howLong,
        deadline_at: when,
        session_id: id,
        reference: id,
        klarna_expires_at: when,
        on_timeout: anyOf('cancel', 'observe', 'ignore'),
        in_progress_grace: howLong,
        ...unknown,
      }),
      (body) => deadlineOf(bodyOf(apiEvent({ method: 'PUT', body }), registrationBody)),
    ],
    [
      'Extension',
      someOf({ session_timeout: howLong, deadline_at: when, ...unknown }),
      (body) => newDeadlineOf(bodyOf(apiEvent({ method: 'PATCH', body }), extensionBody)),
    ],
    [
      'CancelJobRequest',
      someOf({
        payment_request_ids: anyOf(['krn:payment:eu1:request:1'], ['x'], [null]),
        session_id: id,
        created_before: when,
        reason: anyOf('closed: see /ticket?17', 'a\nb'),
        dry_run: anyOf(false, 'false'),
        ...unknown,
      }),
      (body) => cancelJobRequestOf(apiEvent({ method: 'PUT', body })),
    ],
  ])('%s', (name, bodies, read) => {
    fc.assert(
      fc.property(bodies, (body) => {
        expect(isRead(() => read(body))).toBe(isDescribed(name, body));
      }),
      { numRuns: 3_000 },
    );
  });
});
