/** A violation repeats the value that the caller sent, not what a check has made of it. */
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { beforeEach, describe, expect, it } from 'vitest';
import { aws } from '../support/aws-clients.ts';
import { callApi } from '../support/call-api.ts';
import { acquirer } from '../support/credentials.ts';
import { key } from '../support/fixtures.ts';
import { pageEnvironment } from '../support/function-environment.ts';
import { apiEvent } from '../support/lambda-events.ts';
import { planted } from '../support/planted-secrets.ts';
import { setUpHandlers } from '../support/set-up-handlers.ts';

const { registering, reading, canceling } = await setUpHandlers(
  async () => ({
    registering: await import('../../functions/register-payment-request.ts'),
    reading: await import('../../functions/get-payment-request.ts'),
    canceling: await import('../../functions/cancel-payment-request.ts'),
  }),
  { CREDENTIALS: 'acquirer', ...pageEnvironment },
);

beforeEach(() => {
  const secret = { environment: 'test', api_key: planted.apiKey, acquirer_account_id: acquirer };
  aws.secrets
    .on(GetSecretValueCommand, { SecretId: 'lapse/credentials/acquirer' })
    .resolves({ SecretString: JSON.stringify(secret) });
});

const pathParameters = {
  account: 'm4711',
  payment_request_id: key.paymentRequestId,
  session_id: 'cart-17',
  reference: 'order-4711',
  job_id: 'nightly-1',
};
const handlers = { registering, reading, canceling };
type Call = readonly [keyof typeof handlers, method: string, path: string];

const request: Call = ['registering', 'PUT', '/accounts/{account}/payment-requests/{payment_request_id}'];
const change: Call = ['registering', 'PATCH', request[2]];
const reference: Call = ['registering', 'PUT', '/accounts/{account}/references/{reference}'];
const settings: Call = ['registering', 'PUT', '/accounts/{account}/settings'];
const pageToken: Call = ['reading', 'POST', '/accounts/{account}/sessions/{session_id}/page-token'];
const job: Call = ['canceling', 'PUT', '/accounts/{account}/cancel-jobs/{job_id}'];
const list: Call = ['reading', 'GET', '/accounts/{account}/payment-requests'];
const preview: Call = ['reading', 'GET', '/sweep-preview'];

const malformed = ['', 'PT0S', '-PT5M', 'P1M', 'soon', 17, true, null];
const [tooLong, past, future] = ['P3D', '2001-03-01T13:00:00+01:00', '2099-03-01T13:00:00.5+01:00'];

const durations: readonly (readonly [Call, string, readonly unknown[]])[] = [
  [request, 'session_timeout', [tooLong, 'PT172800.001S']],
  [request, 'in_progress_grace', [tooLong, 'PT49H']],
  [change, 'session_timeout', []],
  [reference, 'session_timeout', [tooLong]],
  [reference, 'in_progress_grace', [tooLong]],
  [pageToken, 'valid_for', ['PT59S', 'PT0.5M', 'PT48H1S', tooLong]],
  [settings, 'default_session_timeout', []],
  [settings, 'max_session', [tooLong, 'PT49H']],
  [settings, 'in_progress_grace', [tooLong]],
  // The last one is in the range, and has no effect alone.
  [settings, 'authorization_alert_after', ['PT1S', 'P30D', 'PT7200S']],
];
const times: readonly (readonly [Call, string, readonly unknown[]])[] = [
  [request, 'deadline_at', [past, future]],
  [request, 'klarna_expires_at', [past]],
  [change, 'deadline_at', []],
  [reference, 'deadline_at', [past, future]],
  [reference, 'klarna_expires_at', [past]],
  [settings, 'armed_from', []],
  [job, 'created_before', [future]],
];
const inQueries: readonly (readonly [Call, string])[] = [
  [list, 'due_before'],
  [preview, 'at'],
];

const table = [...durations, ...times].flatMap(([call, field, values]) =>
  [...malformed, ...values].map((sent) => ({ call, field, sent, text: JSON.stringify(sent) })),
);

const send = ([by, method, route]: Call, more: object) =>
  callApi(handlers[by].handler, apiEvent({ method, route, pathParameters, ...more }));

it.each(['constructor', 'prototype', '__proto__'])(
  'one of many registrations with the unknown field %s is refused',
  async (field) => {
    const member = `{"payment_request_id":"${key.paymentRequestId}","session_timeout":"PT20M","${field}":1}`;
    const body: unknown = JSON.parse(`{"registrations":[${member}]}`);
    const { document } = await send(['registering', 'PUT', '/accounts/{account}/registrations'], { body });
    const problem = { field, given: '1', allowed: 'no field of this name' };
    expect(document).toMatchObject({ registrations: [{ outcome: 'refused', problem }] });
  },
);

it.each([
  ['{}', 'registrations', 'an array of 1 to 100 registrations'],
  ['{"registrations":[{}]}', 'payment_request_id', "Klarna's id of a Payment Request"],
])('a body %s says which field is missing, and what is allowed', async (body, field, allowed) => {
  const call = ['registering', 'PUT', '/accounts/{account}/registrations'] as const;
  const { document } = await send(call, { body: JSON.parse(body) as unknown });
  expect(JSON.stringify(document)).toContain(JSON.stringify({ field, given: 'missing' }).slice(1, -1));
  expect(JSON.stringify(document)).toContain(allowed);
  expect(JSON.stringify(document)).not.toContain('Invalid key');
});

describe('the given value of a violation', () => {
  it.each(table)('$call.1 $call.2 with $field $text repeats it', async ({ call, field, sent }) => {
    const body = { ...(field === 'klarna_expires_at' && { session_timeout: 'PT20M' }), [field]: sent };
    const { statusCode, document } = await send(call, { body });
    expect([statusCode, document['field'], document['given']]).toEqual([400, field, JSON.stringify(sent)]);
  });

  it.each(inQueries)('%j repeats %s as the query has it', async (call, field) => {
    for (const sent of ['', 'yesterday', '17']) {
      const { statusCode, document } = await send(call, { query: { [field]: sent } });
      expect([statusCode, document['field'], document['given']]).toEqual([400, field, JSON.stringify(sent)]);
    }
  });

  it.each(['session_timeout', 'deadline_at', 'klarna_expires_at', 'in_progress_grace'])(
    'one of many registrations with a wrong %s repeats it',
    async (field) => {
      const registrations = [{ payment_request_id: key.paymentRequestId, [field]: '-PT5M' }];
      const call = ['registering', 'PUT', '/accounts/{account}/registrations'] as const;
      const { document } = await send(call, { body: { registrations } });
      expect(JSON.stringify(document)).toContain(JSON.stringify({ field, given: '"-PT5M"' }).slice(1, -1));
    },
  );
});
