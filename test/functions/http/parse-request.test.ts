import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import type { Accounts } from '../../../functions/application/ports.ts';
import {
  accountOf,
  bodyOf,
  checkPath,
  choice,
  duration,
  flag,
  keyOf,
  pathId,
  text,
  queryOf,
  time,
} from '../../../functions/http/parse-request.ts';
import { cancelJobBody } from '../../../functions/http/cancel-job-request.ts';
import { listQuery } from '../../../functions/http/list-request.ts';
import { recordQuery, reportQuery, requestCancelQuery } from '../../../functions/http/query-schemas.ts';
import { extensionBody, registrationBody } from '../../../functions/http/registration-request.ts';
import { Problem, type ProblemDetails } from '../../../functions/http/problem.ts';
import { account, key, settingsWith } from '../../support/fixtures.ts';
import { apiEvent } from '../../support/lambda-events.ts';

/** The type and the details of the problem that a function throws. */
async function problemOf(act: () => unknown): Promise<ProblemDetails & { readonly type: string }> {
  try {
    await act();
  } catch (error) {
    if (error instanceof Problem) return { type: error.type, ...error.details };
    throw error;
  }
  throw new Error('no problem was thrown');
}

const bodySchema = v.strictObject({
  length: v.optional(duration),
  at: v.optional(time),
  name: v.optional(text),
  id: v.optional(pathId),
  mode: v.optional(choice(['cancel', 'observe'])),
});
const read = (body: unknown) => bodyOf(apiEvent({ method: 'PUT', body }), bodySchema);

const texts = '1 to 255 characters, no control characters';
const ids = '1 to 255 characters, no control characters and none of / \\ ? # %, and not . or .. alone';
const durations =
  'a positive ISO 8601 duration in weeks, days, hours, minutes and seconds, such as PT30M; no years or months, because their length varies';
const times = 'a time in RFC 3339, such as 2026-01-31T12:00:00Z';

describe('bodyOf', () => {
  it('bodyOf returns the parsed values, with the given text of durations and times', () => {
    expect(
      read({ length: 'PT90S', at: '2026-03-01T13:00:00+01:00', name: 'Åsa 🛒', mode: 'observe' }),
    ).toEqual({
      length: { given: 'PT90S', millis: 90_000 },
      at: { given: '2026-03-01T13:00:00+01:00', at: '2026-03-01T12:00:00.000000000Z' },
      name: 'Åsa 🛒',
      mode: 'observe',
    });
    expect(read(Buffer.from('{"name":"in base64"}'))).toEqual({ name: 'in base64' });
  });

  it.each([
    ['length', 'P1Y', durations],
    ['length', 'P1M', durations],
    ['length', '-PT5M', durations],
    ['length', 'PT0S', durations],
    ['length', 'half an hour', durations],
    ['length', '', durations],
    ['length', 1800, durations],
    ['length', null, durations],
    ['at', 'tomorrow', times],
    ['at', '2026-02-31T00:00:00Z', times],
    ['at', '2026-03-01 12:00:00', times],
    ['at', '2026-03-01', times],
    ['at', 1_772_366_400, times],
    ['name', '', texts],
    ['name', 'a\nb', texts],
    ['name', '\u009F', texts],
    ['name', '\uD83D', texts],
    ['name', false, texts],
    ['id', '', ids],
    ['id', 'a/b', ids],
    ['id', 'a\\b', ids],
    ['id', 'a?b', ids],
    ['id', 'a#b', ids],
    ['id', 'a%2Fb', ids],
    ['id', '.', ids],
    ['id', '..', ids],
    ['id', 'a\tb', ids],
    ['id', 7, ids],
    ['mode', 'Cancel', 'cancel or observe'],
    ['mode', true, 'cancel or observe'],
  ])('bodyOf refuses %s as %j with field, given and allowed', async (field, given, allowed) => {
    const { type, detail, errors } = await problemOf(() => read({ [field]: given }));
    expect(type).toBe('invalid-request');
    expect(errors).toEqual([{ field, given: JSON.stringify(given), allowed }]);
    expect(detail).toBe(`${field} is ${JSON.stringify(given)}; allowed: ${allowed}.`);
  });

  it('bodyOf names every field that is wrong', async () => {
    const { errors } = await problemOf(() => read({ length: 5, at: 6, name: 7, mode: 8 }));
    expect(errors?.map(({ field }) => field)).toEqual(['length', 'at', 'name', 'mode']);
  });

  it.each(['legnth', 'toString', 'constructor', '__proto__', 'length ', ''])(
    'bodyOf refuses the unknown field %j',
    async (field) => {
      const { errors } = await problemOf(() => read(`{${JSON.stringify(field)}: "PT5M"}`));
      expect(errors).toMatchObject([{ given: '"PT5M"', allowed: 'no field of this name' }]);
    },
  );

  it('bodyOf quotes neither a long value nor a long name', async () => {
    const long = 'x'.repeat(10_000);
    for (const body of [{ name: long }, { [long]: 1 }, { length: long }, { name: [long] }]) {
      const problem = await problemOf(() => read(body));
      expect(JSON.stringify(problem).length).toBeLessThan(1_000);
    }
  });

  it.each([
    ['an array', '[]', 'an array of 0'],
    ['an array of bodies', '[{"length":"PT5M"}]', 'an array of 1'],
    ['a number', '5', '5'],
    ['a text', '"PT5M"', '"PT5M"'],
    ['null', 'null', 'null'],
    ['nothing', undefined, 'missing'],
    ['one byte', 'x', '1 byte that is not JSON'],
    ['a form', 'length=PT5M', '11 bytes that are not JSON'],
    ['half a body', '{"length":', '10 bytes that are not JSON'],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), '5 bytes that are not JSON'],
    ['UTF-16', Buffer.from('{}', 'utf16le'), '4 bytes that are not JSON'],
  ])('bodyOf refuses a body that is %s', async (_, body, given) => {
    const { type, errors } = await problemOf(() => read(body));
    expect(type).toBe('invalid-request');
    expect(errors).toEqual([{ field: 'body', given, allowed: 'a JSON object in UTF-8' }]);
  });

  it.each([
    ['an array', `${'['.repeat(8_000)}${']'.repeat(8_000)}`],
    ['a field', `{"name":${'['.repeat(8_000)}${']'.repeat(8_000)}}`],
    ['an unknown field', `{"x":${'{"x":'.repeat(2_500)}1${'}'.repeat(2_500)}}`],
  ])('bodyOf refuses deep nesting in %s', async (_, body) => {
    expect((await problemOf(() => read(body))).type).toBe('invalid-request');
  });

  it.each([16_385, 1_048_576])('bodyOf refuses a body of %i bytes with 413', async (size) => {
    const { type, errors } = await problemOf(() => read('x'.repeat(size)));
    expect(type).toBe('payload-too-large');
    expect(errors).toEqual([{ field: 'body', given: `${size} bytes`, allowed: 'at most 16384 bytes' }]);
    expect((await problemOf(() => read(Buffer.alloc(size, 'x')))).type).toBe('payload-too-large');
  });

  it('bodyOf accepts a body of 16 KiB', () => {
    expect(read(`{"name":"a"}${' '.repeat(16_384 - 12)}`)).toEqual({ name: 'a' });
  });
});

describe('queryOf', () => {
  const schema = v.strictObject({ dry_run: v.optional(flag, 'false'), reason: v.optional(text) });
  const readQuery = (query?: Readonly<Record<string, string>>) =>
    queryOf(apiEvent({ method: 'DELETE', ...(query && { query }) }), schema);

  it('queryOf fills in the defaults of a missing query', () => {
    expect(readQuery()).toEqual({ dry_run: false });
    expect(readQuery({ dry_run: 'true', reason: 'gone' })).toEqual({ dry_run: true, reason: 'gone' });
  });

  it.each(['TRUE', '1', 'yes', '', 'true,true', ' true'])('queryOf refuses %j as a flag', async (given) => {
    expect(await problemOf(() => readQuery({ dry_run: given }))).toMatchObject({
      errors: [{ field: 'dry_run', given: JSON.stringify(given), allowed: 'true or false' }],
    });
  });

  it.each(['dryrun', 'dry-run', 'DRY_RUN', 'toString'])(
    'queryOf refuses the misspelt dry_run %j',
    async (field) => {
      expect(await problemOf(() => readQuery({ [field]: 'true' }))).toMatchObject({
        errors: [{ field, given: '"true"', allowed: 'no field of this name' }],
      });
    },
  );
});

it.each([
  'reason=a&reason=b',
  'reason=a&reason=a',
  'dry_run=true&reason=x&dry_run=true',
  '%72eason=a&reason=b',
])('queryOf refuses a query that repeats a name: %s', async (rawQueryString) => {
  const schema = v.strictObject({ dry_run: v.optional(v.string()), reason: v.optional(text) });
  const event = apiEvent({ method: 'DELETE', query: { reason: 'a,b' } });
  expect(await problemOf(() => queryOf({ ...event, rawQueryString }, schema))).toMatchObject({
    errors: [{ given: 'given more than once', allowed: 'once' }],
  });
  expect(queryOf(event, schema)).toEqual({ reason: 'a,b' });
});

describe('accountOf and keyOf', () => {
  const call = (pathParameters: Readonly<Record<string, string>>) =>
    apiEvent({ method: 'GET', pathParameters });
  const known: Accounts = {
    find: (name) => Promise.resolve(name === account ? settingsWith() : undefined),
  };

  it('accountOf and keyOf return the account and the Payment Request of the path', async () => {
    const event = call({ account, payment_request_id: key.paymentRequestId });
    expect(await accountOf(event, known)).toEqual(settingsWith());
    expect(keyOf(event, settingsWith())).toEqual(key);
  });

  it.each([
    '',
    'Shop',
    'shop_se',
    'shop.se',
    'shop/se',
    '../shop-se',
    'shop-se\n',
    's'.repeat(33),
    '%00',
    'é',
  ])('accountOf refuses the account %j and reads no secret', async (given) => {
    const unread: Accounts = { find: () => Promise.reject(new Error('the secret was read')) };
    const { type, errors } = await problemOf(() => accountOf(call({ account: given }), unread));
    expect(type).toBe('invalid-request');
    expect(errors).toEqual([
      {
        field: 'account',
        given: JSON.stringify(given),
        allowed: '1 to 32 lower-case letters, digits and hyphens',
      },
    ]);
  });

  it('accountOf refuses an account that the secret does not have', async () => {
    const { type, errors } = await problemOf(() => accountOf(call({ account: 'shop-no' }), known));
    expect(type).toBe('unknown-account');
    expect(errors).toMatchObject([{ field: 'account', given: '"shop-no"' }]);
  });

  const uuid = '552603c0-fe8b-4ab1-aacb-41d55fafbdb4';
  it.each([
    '',
    uuid,
    `krn:payment:eu1:transaction:${uuid}`,
    `krn:partner:global:account:test:M48JWZF8`,
    `KRN:payment:eu1:request:${uuid}`,
    `krn:payment::request:${uuid}`,
    `krn:payment:eu1:request:`,
    `krn:payment:eu1:request:${uuid}/history`,
    `krn:payment:eu1:request:../../${uuid}`,
    `krn:payment:eu1:request:${uuid}?x=1`,
    `krn:payment:eu1:request:${uuid}#P#x`,
    `krn%3Apayment%3Aeu1%3Arequest%3A${uuid}`,
    ` krn:payment:eu1:request:${uuid}`,
    `krn:payment:eu1:request:${uuid}\n`,
    `krn:payment:eu1:request:${'a'.repeat(65)}`,
    `krn:payment:eu1:request:${'é'.repeat(4)}`,
  ])('keyOf refuses the Payment Request id %j', async (given) => {
    const event = call({ account, payment_request_id: given });
    expect(await problemOf(() => keyOf(event, settingsWith()))).toMatchObject({
      type: 'invalid-request',
      errors: [{ field: 'payment_request_id', given: JSON.stringify(given) }],
    });
  });

  it('accountOf and keyOf quote no long id', async () => {
    const long = 'k'.repeat(10_240);
    for (const act of [
      () => accountOf(call({ account: long }), known),
      () => keyOf(call({ account, payment_request_id: long }), settingsWith()),
    ]) {
      const problem = await problemOf(act);
      expect(JSON.stringify(problem)).toContain('(10242 characters)');
      expect(JSON.stringify(problem).length).toBeLessThan(800);
    }
  });
});

describe('the allowed values of a violation', () => {
  const schemas = {
    'the body of a PUT': registrationBody,
    'the body of a PATCH': extensionBody,
    'the body of a job': cancelJobBody,
    'the query of a list': listQuery,
    'the query of a record': recordQuery,
    'the query of a cancel': requestCancelQuery,
    'the query of a report': reportQuery,
  };

  it.each(Object.entries(schemas))(
    'every violation in %s states the allowed values in words',
    (_, schema) => {
      const wrong = Object.keys(schema.entries).map((field) => [field, { not: 'a value' }]);
      const { issues = [] } = v.safeParse(schema, Object.fromEntries(wrong));
      expect(issues).toHaveLength(wrong.length);
      for (const { message } of issues) expect(message).not.toMatch(/["|[\]{}]|Invalid|Expected/);
    },
  );

  it('the violation of a state lists all states', async () => {
    const problem = await problemOf(() =>
      queryOf(apiEvent({ method: 'GET', query: { state: 'PAID' } }), listQuery),
    );
    expect(problem.detail).toBe(
      'state is "PAID"; allowed: SUBMITTED, IN_PROGRESS, COMPLETED, CANCELED, EXPIRED or DECLINED.',
    );
  });
});

describe('checkPath', () => {
  const route = '/accounts/{account}/sessions/{session_id}';
  const given = (path: string, pathParameters: Readonly<Record<string, string>>) =>
    apiEvent({ method: 'GET', route, path, pathParameters });

  it.each(['s-1', '👩\u200D👧', 'a b:c', '...'])('checkPath accepts a path with the parameter %j', (text) => {
    const event = given(`/accounts/demo/sessions/${text}`, { account: 'demo', session_id: text });
    expect(() => checkPath(event)).not.toThrow();
  });

  it.each([
    ['a parameter that was cut', '/accounts/demo/sessions/a?b', { account: 'demo', session_id: 'a' }],
    ['another account', '/accounts/other/sessions/a', { account: 'demo', session_id: 'a' }],
    ['folded segments', '/accounts/other/../demo/sessions/a', { account: 'demo', session_id: 'a' }],
    ['an encoded segment', '/accounts/demo/sessions/%61', { account: 'demo', session_id: 'a' }],
    ['a missing parameter', '/accounts/demo/sessions/a', { account: 'demo' }],
    ['a trailing slash', '/accounts/demo/sessions/a/', { account: 'demo', session_id: 'a' }],
  ])('checkPath refuses a path with %s', async (_, path, pathParameters) => {
    expect(
      await problemOf(() => checkPath(given(path, pathParameters as Record<string, string>))),
    ).toMatchObject({
      type: 'invalid-request',
      errors: [{ field: 'path', allowed: route }],
    });
  });
});
