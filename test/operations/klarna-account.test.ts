import { describe, expect, it } from 'vitest';
import { type HttpResponse, IncompleteExchange } from '../../functions/adapters/klarna/klarna-http.ts';
import type { HttpRequest } from '../../functions/adapters/klarna/klarna-http.ts';
import { KlarnaAccount } from '../../operations/klarna/klarna-account.ts';
import { KlarnaError } from '../../operations/klarna/klarna-error.ts';
import { planted, plantedIn } from '../support/planted-secrets.ts';
import { CountingIds, VirtualClock } from '../support/virtual-clock.ts';

const response = (
  status: number,
  json: unknown = {},
  headers: HttpResponse['headers'] = {},
): HttpResponse => ({
  status,
  headers,
  body: typeof json === 'string' ? json : JSON.stringify(json),
});

/** An account at a Klarna that gives these responses, one for each call. */
function accountAt(...responses: readonly (HttpResponse | Error)[]) {
  const requests: HttpRequest[] = [];
  const clock = new VirtualClock();
  const account = new KlarnaAccount({
    url: 'https://klarna.example/',
    access: {
      apiKey: planted.apiKey,
      username: undefined,
      clientCertificate: undefined,
      clientKey: undefined,
    },
    ids: new CountingIds(),
    clock,
    send: (request) => {
      requests.push(request);
      const next = responses[requests.length - 1];
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next ?? response(500));
    },
  });
  return { account, requests, clock };
}

const errorOf = async (work: Promise<unknown>): Promise<KlarnaError> => {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(KlarnaError);
  return error as KlarnaError;
};

const text = planted.text;
const lost = new IncompleteExchange('ECONNRESET', false);
const webhook = {
  webhook_id: 'w1',
  url: 'https://a',
  event_types: ['payment.*'],
  event_version: 'v2',
  signing_key_id: 'k1',
  status: 'ENABLED',
};

describe("a call of Klarna's management API", () => {
  it('a call has the key, a correlation id of 32 characters, and who calls', async () => {
    const { account, requests } = accountAt(response(200, { webhooks: [{ ...webhook, more: 1 }] }));
    expect(await account.webhooks()).toEqual([webhook]);
    const [request] = requests;
    expect(request?.url.href).toBe('https://klarna.example/v2/notification/webhooks');
    expect(request?.headers).toMatchObject({
      authorization: `Basic ${planted.apiKey}`,
      'partner-correlation-id': expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      'klarna-integration-metadata': expect.stringContaining('"integrator"') as string,
    });
  });

  it('a signing key is made by a POST without a body', async () => {
    const { account, requests } = accountAt(response(201, { signing_key_id: 'k1', signing_key: 's' }));
    expect(await account.createSigningKey()).toMatchObject({ signing_key_id: 'k1', signing_key: 's' });
    expect(requests[0]).toMatchObject({ method: 'POST' });
    expect(requests[0]).not.toHaveProperty('body');
  });

  it.each([
    ['errors', { errors: [{ parameter: 'url', error_message: text }] }],
    ['validation_errors', { validation_errors: [{ parameter: 'url', reason: text }] }],
  ])(
    'a refusal with %s is an error with code, ids and parameters, and without a text of Klarna',
    async (_, more) => {
      const body = { error_id: 'e-1', error_code: 'VALIDATION_ERROR', error_message: text, ...more };
      const error = await errorOf(accountAt(response(400, body)).account.subscribe(webhook));
      expect(error.failure).toMatchObject({
        status: 400,
        code: 'VALIDATION_ERROR',
        errorId: 'e-1',
        parameters: ['url'],
      });
      expect(error.message).toContain('400 VALIDATION_ERROR: url to: subscribe a webhook.');
      expect(plantedIn(error.message)).toEqual([]);
      expect(error.isUnclear).toBe(false);
    },
  );

  it.each([
    ['no body', ''],
    ['a page', `<html>${text}</html>`],
    ['codes that are texts', { error_code: `${text} !`, error_id: { a: 1 }, errors: 'no list' }],
  ])('a refusal with %s is an error, too', async (_, body) => {
    const error = await errorOf(accountAt(response(403, body)).account.signingKeys());
    expect(error.failure).toMatchObject({ status: 403, code: undefined, errorId: undefined, parameters: [] });
    expect(plantedIn(error.message)).toEqual([]);
  });

  it('a read is repeated after an unclear response, and a change is not', async () => {
    const reading = accountAt(lost, response(503), response(200, { signing_keys: [] }));
    expect(await reading.account.signingKeys()).toEqual([]);
    expect(reading.requests).toHaveLength(3);
    for (const outcome of [lost, response(500, { error_code: 'TIMEOUT' })]) {
      const { account, requests } = accountAt(outcome, outcome);
      const error = await errorOf(account.createSigningKey());
      expect(error.isUnclear).toBe(true);
      expect(error.message).toContain('Run the command again');
      expect(requests).toHaveLength(1);
    }
  });

  it('a read that stays unclear ends after three attempts', async () => {
    const { account, requests } = accountAt(lost, lost, lost, lost);
    expect((await errorOf(account.apiKeys())).message).toContain('Klarna did not respond (ECONNRESET)');
    expect(requests).toHaveLength(3);
  });

  it('every call waits as long as the rate limit asks, and not longer than a minute in all', async () => {
    const limited = (seconds: string) => response(429, {}, { 'x-ratelimit-reset': seconds });
    const waiting = accountAt(limited('20'), limited('30'), response(204, ''));
    await waiting.account.simulate('w1', 't');
    expect(waiting.clock.waits).toEqual([20_000, 30_000]);
    const { account, requests } = accountAt(limited('61'));
    expect((await errorOf(account.simulate('w1', 't'))).failure.status).toBe(429);
    expect(requests).toHaveLength(1);
  });

  it('what is not there counts as deleted', async () => {
    const { account, requests } = accountAt(
      response(404),
      response(204, ''),
      response(409, { error_code: 'RESOURCE_CONFLICT' }),
    );
    await account.deleteSigningKey('krn:a/b');
    await account.deleteWebhook('w1');
    expect((await errorOf(account.disableApiKey('c'))).failure.status).toBe(409);
    expect(requests[0]?.url.pathname).toBe('/v2/notification/signing-keys/krn:a%2Fb');
  });

  it('a response that cannot be read names its fields, and quotes nothing', async () => {
    const { account } = accountAt(response(200, { webhooks: [{ url: text }] }), response(200, text));
    for (const field of ['webhooks.0.webhook_id', 'body']) {
      const error: unknown = await account.webhooks().catch((thrown: unknown) => thrown);
      expect((error as Error).message).toContain(field);
      expect(plantedIn((error as Error).message)).toEqual([]);
    }
  });

  it('a check reports status, certificate, address and clock, also of a refusal', async () => {
    const { account, clock } = accountAt(
      response(
        200,
        {},
        {
          'klarna-mtls-verification-status': 'VALID',
          'klarna-ip-validation-status': 'DENIED',
          date: 'Sun, 01 Mar 2026 12:10:00 GMT',
        },
      ),
      response(401, {}, { 'klarna-mtls-verification-status': text }),
    );
    expect(clock.now()).toBe(Date.parse('2026-03-01T12:00:00Z'));
    expect(await account.check()).toEqual({
      status: 200,
      certificate: 'VALID',
      address: 'DENIED',
      clockSkew: 600_000,
    });
    expect(await account.check()).toMatchObject({ status: 401, certificate: undefined });
  });

  it('a key that no header can carry is refused without being shown', async () => {
    const { account } = accountAt(Object.assign(new Error(planted.apiKey), { code: 'ERR_INVALID_CHAR' }));
    const error: unknown = await account.webhooks().catch((thrown: unknown) => thrown);
    expect((error as Error).message).toContain('ERR_INVALID_CHAR');
    expect(plantedIn((error as Error).message)).toEqual([]);
  });
});
