import fc from 'fast-check';
import type { CredentialName } from '../../../functions/domain/identifiers.ts';
import { describe, expect, it, vi } from 'vitest';
import { receiveWebhook } from '../../../functions/application/receive-webhook.ts';
import type { SigningKeys } from '../../../functions/application/ports.ts';
import type { SigningKey } from '../../../functions/domain/signing-key.ts';
import { webhookHandler } from '../../../functions/webhook/webhook-handler.ts';
import { InMemoryKeptAuthorizations } from '../../support/in-memory-kept-authorizations.ts';
import { InMemoryAccounts } from '../../support/credentials.ts';
import { InMemoryArrivals } from '../../support/in-memory-arrivals.ts';
import { notAllowed, rejected, throttled } from '../../support/aws-faults.ts';
import { captureOutput } from '../../support/captured-output.ts';
import {
  InMemoryPaymentRequestStore,
  InMemoryQuarantine,
} from '../../support/in-memory-payment-request-store.ts';
import {
  bytesOf,
  completedDelivery,
  deliveryWith,
  recipient,
  signedEvent,
  signedHeaders,
  signingKeyId,
  signingKeyWith,
} from '../../support/klarna-deliveries.ts';
import { functionUrlEvent, lambdaContext, type UrlCall } from '../../support/lambda-events.ts';
import { planted, plantedIn } from '../../support/planted-secrets.ts';
import { CountingIds, retries, VirtualClock } from '../../support/virtual-clock.ts';

const output = captureOutput();

/** The handler on ports in memory, and its calls of them in order. */
function receiver(...keys: readonly SigningKey[]) {
  const calls: string[] = [];
  const store = new InMemoryPaymentRequestStore();
  const quarantine = new InMemoryQuarantine();
  const arrivals = new InMemoryArrivals();
  const stored = new InMemoryAccounts();
  const authorizations = new InMemoryKeptAuthorizations();
  const signingKeys: SigningKeys = {
    find: (id) => {
      calls.push('key');
      return Promise.resolve((keys.length > 0 ? keys : [signingKeyWith()]).find((key) => key.id === id));
    },
  };
  const receive = receiveWebhook({
    ...retries,
    store,
    stored,
    quarantine,
    authorizations,
    clock: new VirtualClock(),
    ids: new CountingIds(),
  });
  const handler = webhookHandler({
    signingKeys,
    arrivals,
    receive: (delivery) => {
      calls.push('write');
      return receive(delivery);
    },
  });
  const response = (event: Parameters<typeof handler>[0]) => handler(event, lambdaContext());
  return {
    response,
    calls,
    store,
    stored,
    quarantine,
    arrivals,
    authorizations,
    records: () => [...store.records.values()],
  };
}

const body = bytesOf(deliveryWith());
const headers = signedHeaders(body);
const without = (name: string) =>
  Object.fromEntries(Object.entries(headers).filter(([other]) => other !== name));
/** Changes only parts of the call that are not signed. */
const signedBut = (call: UrlCall) => functionUrlEvent({ body, headers, ...call });

describe('webhookHandler, for a key of an acquiring partner', () => {
  const partners = {
    credential: 'acquirer' as CredentialName,
    acquirerAccountId: recipient,
    subjects: '*',
    unknownSubject: 'quarantine',
  } as const;
  const key = signingKeyWith({ accounts: new Map(), recipientAccountId: recipient, partners });
  const send = (response: ReturnType<typeof receiver>['response'], delivery: unknown) => {
    const bytes = bytesOf(delivery);
    return response(functionUrlEvent({ body: bytes, headers: signedHeaders(bytes) }));
  };
  const operational = deliveryWith({
    event_type: 'partner.account.state-change.operational',
    event_version: 'v1',
    event_id: 'onboarded-1',
  });

  it('a webhook for an account that nothing is stored about is quarantined and counted', async () => {
    const { response, quarantine, records } = receiver(key);
    expect((await send(response, deliveryWith())).statusCode).toBe(200);
    expect(quarantine.deliveries).toMatchObject([{ reason: 'unknown_account' }]);
    expect(records()).toEqual([]);
    expect(output.text()).toContain('WebhookQuarantined');
    expect(output.text()).not.toContain('webhook.received');
  });

  it('an onboarded account is served from its first webhook on, without any edit', async () => {
    const { response, quarantine, records } = receiver(key);
    expect((await send(response, operational)).statusCode).toBe(200);
    expect((await send(response, deliveryWith())).statusCode).toBe(200);
    expect(quarantine.deliveries).toEqual([]);
    expect(records()).toMatchObject([{ account: 'm4ciyh2n', state: 'CANCELED' }]);
    expect(output.text()).toContain('webhook.onboarded');
  });
});

describe('webhookHandler, for a valid signature', () => {
  it('a delivery returns 200 after its write', async () => {
    const { response, calls, records } = receiver();
    expect(await response(signedEvent(deliveryWith()))).toMatchObject({ statusCode: 200 });
    expect(calls).toEqual(['key', 'write']);
    expect(records()).toMatchObject([{ state: 'CANCELED', version: 1 }]);
  });

  it('a delivery is accepted as text and as base64', async () => {
    const { response, records } = receiver();
    expect(await response(signedEvent(deliveryWith(), signingKeyWith(), { base64: true }))).toMatchObject({
      statusCode: 200,
    });
    expect(records()).toHaveLength(1);
  });

  it('a delivery is verified over its raw bytes', async () => {
    const spaced = `${JSON.stringify(deliveryWith(), null, 4)}\r\n`;
    for (const text of [spaced, `\uFEFF${spaced}`, spaced.replace('CANCELED', '\\u0043ANCELED')]) {
      const { response, records } = receiver();
      expect(await response(signedEvent(text))).toMatchObject({ statusCode: 200 });
      expect(records()).toMatchObject([{ state: 'CANCELED' }]);
    }
  });

  it('a repeated delivery returns 200 and changes nothing', async () => {
    const { response, records } = receiver();
    await response(signedEvent(deliveryWith()));
    const [first] = records();
    expect(await response(signedEvent(deliveryWith()))).toMatchObject({ statusCode: 200 });
    expect(records()).toEqual([first]);
  });

  it('a stale or contradicting delivery returns 200 and keeps the state', async () => {
    const { response, records } = receiver();
    await response(signedEvent(deliveryWith()));
    const late = { event_id: 'late', event_type: 'payment.request.updated' };
    for (const state of ['SUBMITTED', 'EXPIRED']) {
      const event = signedEvent(deliveryWith({ ...late, event_id: state }, { state }));
      expect(await response(event)).toMatchObject({ statusCode: 200 });
    }
    expect(records()).toMatchObject([{ state: 'CANCELED', version: 3, attention: 'contradiction' }]);
  });

  it('a delivery is verified with the key that it names', async () => {
    const other = signingKeyWith({ id: 'second', key: 'another key' });
    const { response } = receiver(signingKeyWith(), other);
    expect(await response(signedEvent(deliveryWith(), other))).toMatchObject({ statusCode: 200 });
    const crossed = { ...other, id: signingKeyId };
    expect(await response(signedEvent(deliveryWith(), crossed))).toMatchObject({ statusCode: 400 });
  });

  it.each([
    ['unknown_type', deliveryWith({ event_type: 'payment.request.brand-new' })],
    ['unknown_state', deliveryWith({ event_type: 'payment.request.updated' }, { state: 'PAUSED' })],
    ['unknown_version', deliveryWith({ event_version: 'v3' })],
    ['malformed', deliveryWith({ occurred_at: undefined })],
    ['malformed', 'no JSON at all'],
    ['malformed', ''],
    ['other_account', deliveryWith({ subject_account_id: 'krn:partner:global:account:test:OTHER' })],
    ['other_environment', deliveryWith({ live: true })],
  ])(
    'a delivery that is %s returns 200, is quarantined, counted and logged, and changes no record',
    async (reason, delivery) => {
      const key = signingKeyWith({ live: false });
      const { response, calls, quarantine, records } = receiver(key);
      expect(await response(signedEvent(delivery, key))).toMatchObject({ statusCode: 200 });
      expect(calls).toEqual(['key', 'write']);
      expect(records()).toEqual([]);
      expect(quarantine.deliveries).toMatchObject([{ reason, signingKeyId }]);
      expect(output.text()).toContain('"WebhookQuarantined":1');
      expect(output.lines()).toContainEqual(
        expect.objectContaining({ level: 'WARN', code: 'webhook.quarantined', reason }),
      );
    },
  );
});

describe('webhookHandler, for the event that a payment is authorized', () => {
  const authorized = { event_type: 'payment.transaction.state-change.authorized' };

  it.each([
    ['authorized', 'payment_request_id', {}],
    ['kept', 'reference', { payment_request_id: undefined, payment_request_reference: 'order 7' }],
    ['unlinked', 'nothing', { payment_request_id: undefined }],
  ])('a report is %s if it names the payment by its %s', async (verdict, linked_by, payload) => {
    const { response, records, authorizations, quarantine } = receiver();
    expect(await response(signedEvent(deliveryWith(authorized, payload)))).toMatchObject({ statusCode: 200 });
    const line = output.lines().find(({ code }) => code === 'webhook.authorization');
    expect(line).toMatchObject({ level: 'INFO', verdict, linked_by });
    expect([records().length, authorizations.items.size, quarantine.deliveries.length]).toEqual([
      verdict === 'authorized' ? 1 : 0,
      verdict === 'kept' ? 1 : 0,
      0,
    ]);
  });
});

describe('webhookHandler, for a delivery that Lapse does not use', () => {
  it.each([
    ['other_family', deliveryWith({ event_type: 'payment.transaction.captured' })],
    ['other_family', deliveryWith({ event_type: 'partner.account.state-change.operational', live: true })],
    ['no_state', deliveryWith({ event_type: 'payment.request.updated' }, { state: undefined })],
  ])(
    '%s returns 200 and is counted in the log, without quarantine, alarm or write',
    async (verdict, delivery) => {
      const { response, records, quarantine } = receiver();
      expect(await response(signedEvent(delivery))).toMatchObject({ statusCode: 200 });
      expect([...records(), ...quarantine.deliveries]).toEqual([]);
      expect(output.lines()).toMatchObject([{ level: 'INFO', code: 'webhook.received', verdict }]);
      expect(output.text()).not.toContain('WebhookQuarantined');
    },
  );
});

describe('webhookHandler, for a delivery that it refuses before it looks for a key', () => {
  it.each([
    ['GET', 405, signedBut({ method: 'GET' })],
    ['PUT', 405, signedBut({ method: 'PUT' })],
    ['OPTIONS', 405, signedBut({ method: 'OPTIONS' })],
    ['a content-length above 64 KiB', 413, signedBut({ headers: { ...headers, 'content-length': '65537' } })],
    ['no content type', 415, signedBut({ headers: without('content-type') })],
    ['text/plain', 415, signedBut({ headers: { ...headers, 'content-type': 'text/plain' } })],
    [
      'a form',
      415,
      signedBut({ headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' } }),
    ],
    ['application/jsonp', 415, signedBut({ headers: { ...headers, 'content-type': 'application/jsonp' } })],
    ['no signature', 400, signedBut({ headers: without('klarna-signature') })],
    ['no key id', 400, signedBut({ headers: without('klarna-signing-key-id') })],
    ['an empty signature', 400, signedBut({ headers: { ...headers, 'klarna-signature': '' } })],
    [
      'a doubled signature',
      400,
      signedBut({
        headers: {
          ...headers,
          'klarna-signature': `${headers['klarna-signature'] ?? ''},${headers['klarna-signature'] ?? ''}`,
        },
      }),
    ],
    [
      'a doubled key id',
      400,
      signedBut({ headers: { ...headers, 'klarna-signing-key-id': `${signingKeyId},${signingKeyId}` } }),
    ],
    [
      'a signature in upper case',
      400,
      signedBut({
        headers: { ...headers, 'klarna-signature': (headers['klarna-signature'] ?? '').toUpperCase() },
      }),
    ],
    [
      'a key id of 201 characters',
      400,
      signedBut({ headers: { ...headers, 'klarna-signing-key-id': 'k'.repeat(201) } }),
    ],
  ])('a delivery with %s returns %i and looks for no key', async (_, statusCode, event) => {
    const { response, calls } = receiver();
    expect(await response(event)).toMatchObject({ statusCode });
    expect(calls).toEqual([]);
    expect(output.lines()).toMatchObject([{ code: 'webhook.refused', status: statusCode }]);
  });

  it.each([
    ['missing_header', { 'klarna-signature': '' }],
    ['missing_header', { 'klarna-signing-key-id': '' }],
    ['malformed_header', { 'klarna-signature': 'abc' }],
    ['malformed_header', { 'klarna-signing-key-id': `${signingKeyId},${signingKeyId}` }],
  ])('the log says %s for %o', async (reason, changed) => {
    await receiver().response(signedBut({ headers: { ...headers, ...changed } }));
    expect(output.lines()).toMatchObject([{ code: 'webhook.refused', reason, BadSignature: 1 }]);
  });

  it('a 405 names POST in Allow', async () => {
    const response = await receiver().response(signedBut({ method: 'GET' }));
    expect(response.headers).toMatchObject({ allow: 'POST' });
  });

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/cloudevents+json',
  ])('a delivery with the content type %s is accepted', async (type) => {
    const event = signedBut({ headers: { ...headers, 'content-type': type } });
    expect(await receiver().response(event)).toMatchObject({ statusCode: 200 });
  });
});

describe('webhookHandler, for large bodies', () => {
  const ofSize = (bytes: number) => {
    const padding = 'x'.repeat(bytes - bytesOf(deliveryWith({}, { padding: '' })).length);
    return deliveryWith({}, { padding });
  };

  it.each([false, true])('a body of 64 KiB is accepted, base64: %s', async (base64) => {
    const event = signedEvent(ofSize(65_536), signingKeyWith(), { base64 });
    expect(await receiver().response(event)).toMatchObject({ statusCode: 200 });
  });

  it.each([false, true])(
    'a body above 64 KiB returns 413 even without content-length, base64: %s',
    async (base64) => {
      const large = bytesOf(ofSize(65_537));
      const event = functionUrlEvent({
        body: large,
        base64,
        headers: { ...signedHeaders(large), 'content-length': '' },
      });
      const { response, calls } = receiver();
      expect(await response(event)).toMatchObject({ statusCode: 413 });
      expect(calls).toEqual([]);
    },
  );
});

describe('webhookHandler, for an invalid signature', () => {
  const forged = { ...headers, 'klarna-signature': '0'.repeat(64) };

  it.each([
    ['a signature that does not hold', signedBut({ headers: forged })],
    ['an unknown key', signedBut({ headers: { ...headers, 'klarna-signing-key-id': 'unknown' } })],
    ['the key id __proto__', signedBut({ headers: { ...headers, 'klarna-signing-key-id': '__proto__' } })],
    ['another body', functionUrlEvent({ headers, body: bytesOf(deliveryWith({}, { state: 'EXPIRED' })) })],
    ['a body that was never sent', functionUrlEvent({ headers })],
    ['the body as base64 of base64', signedBut({ body: Buffer.from(body.toString('base64')), base64: true })],
  ])('a delivery with %s returns 400, and nothing is parsed, written or logged', async (_, event) => {
    const parsing = vi.spyOn(JSON, 'parse');
    const { response, calls, records, quarantine } = receiver();
    const refusal = await response(event);
    expect(refusal).toMatchObject({ statusCode: 400 });
    expect(parsing).not.toHaveBeenCalled();
    parsing.mockRestore();
    expect(calls).toEqual(['key']);
    expect([...records(), ...quarantine.deliveries]).toEqual([]);
    // One line, and none that an attacker could fill the log with.
    expect(output.lines()).toMatchObject([{ code: 'webhook.refused', status: 400, BadSignature: 1 }]);
    expect(output.text()).not.toContain('CANCELED');
  });

  it.each([
    ['unknown_key', signedBut({ headers: { ...headers, 'klarna-signing-key-id': 'unknown' } })],
    ['signature_mismatch', signedBut({ headers: forged })],
    ['body_reencoded', functionUrlEvent({ headers, body: bytesOf(JSON.stringify(deliveryWith(), null, 2)) })],
  ])('the log says %s, and the response does not', async (reason, event) => {
    const { response } = receiver();
    const refusal = await response(event);
    expect(output.lines()).toMatchObject([{ code: 'webhook.refused', reason, BadSignature: 1 }]);
    expect(refusal).toEqual(await response(signedBut({ headers: forged })));
  });

  it('the refusal of a known key equals the refusal of an unknown one', async () => {
    const { response } = receiver();
    const known = await response(signedBut({ headers: forged }));
    const unknown = await response(signedBut({ headers: { ...forged, 'klarna-signing-key-id': 'unknown' } }));
    expect(known).toEqual(unknown);
  });

  it('a delivery with one flipped bit returns 400', async () => {
    const { response, calls } = receiver();
    await fc.assert(
      fc.asyncProperty(fc.nat(body.length * 8 - 1), async (bit) => {
        const other = Buffer.from(body);
        other.writeUInt8(other.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        // As base64, because a flipped bit can make bytes that are not UTF-8.
        expect(await response(signedBut({ body: other, base64: true }))).toMatchObject({ statusCode: 400 });
      }),
      { numRuns: 200 },
    );
    expect(calls).not.toContain('write');
  });
});

describe('webhookHandler, for the arrival of signing keys', () => {
  it('the first delivery with a key is noted at once, and the next after ten seconds', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const { response, arrivals } = receiver();
      for (const seconds of [0, 9, 1]) {
        vi.setSystemTime(Date.now() + seconds * 1_000);
        expect(await response(signedEvent(completedDelivery()))).toMatchObject({ statusCode: 200 });
      }
      expect(arrivals.noted.map(({ signingKeyId: id }) => id)).toEqual([signingKeyId, signingKeyId]);
      expect(await arrivals.last(signingKeyId)).toBe(arrivals.noted[1]?.at);
    } finally {
      vi.useRealTimers();
    }
  });

  it('a quarantined delivery is noted, and one with a wrong signature is not', async () => {
    const { response, arrivals } = receiver();
    await response(signedBut({ headers: { ...headers, 'klarna-signature': '0'.repeat(64) } }));
    expect(arrivals.noted).toEqual([]);
    await response(signedEvent(completedDelivery({ event_type: 'brand.new' })));
    expect(arrivals.noted).toHaveLength(1);
  });

  it('a note that fails changes no response, and the next delivery is noted', async () => {
    const { response, arrivals, records } = receiver();
    arrivals.fails = new Error(planted.text);
    expect(await response(signedEvent(completedDelivery()))).toMatchObject({ statusCode: 200 });
    expect(records()).toHaveLength(1);
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ level: 'WARN', code: 'arrival.fault', signing_key_id: signingKeyId }),
    );
    expect(plantedIn(output.text())).toEqual([]);
    arrivals.fails = undefined;
    await response(signedEvent(completedDelivery()));
    expect(arrivals.noted).toHaveLength(1);
  });
});

describe('webhookHandler, when a port fails', () => {
  const failing = (part: 'key' | 'write', error = new Error(planted.text)) =>
    webhookHandler({
      signingKeys: {
        find: () => (part === 'key' ? Promise.reject(error) : Promise.resolve(signingKeyWith())),
      },
      receive: () => Promise.reject(error),
      arrivals: new InMemoryArrivals(),
    });

  it.each(['key', 'write'] as const)('a delivery returns 503 when the %s fails', async (part) => {
    const response = await failing(part)(signedEvent(completedDelivery()), lambdaContext());
    expect(response.statusCode).toBe(503);
    expect(response.headers).toHaveProperty('retry-after');
    expect(plantedIn(response.body)).toEqual([]);
    expect(output.text()).toContain('"WebhookFault":1');
    expect(output.lines()).toContainEqual(expect.objectContaining({ level: 'ERROR', code: 'webhook.fault' }));
  });

  it.each([
    ['transient', throttled, undefined],
    ['misconfigured', notAllowed, 'ConfigurationFault'],
    ['internal', rejected, 'InternalFault'],
  ])(
    'a delivery returns 503 for every fault, and log and metric have its kind: %s',
    async (kind, error, metric) => {
      const response = await failing('write', error)(signedEvent(completedDelivery()), lambdaContext());
      expect(response.statusCode).toBe(503);
      const [line, ...others] = output.lines();
      expect(line).toMatchObject({ code: 'webhook.fault', fault: kind, WebhookFault: 1 });
      expect(others).toEqual([]);
      const counted = ['ConfigurationFault', 'InternalFault'].filter((name) => line && name in line);
      expect(counted).toEqual(metric === undefined ? [] : [metric]);
    },
  );

  it('a GET returns 405 even when the signing keys fail', async () => {
    const response = await failing('key')(signedBut({ method: 'GET' }), lambdaContext());
    expect(response.statusCode).toBe(405);
  });

  it('a delivery returns 503 when its key is empty', async () => {
    const empty = signingKeyWith({ key: '' });
    const { response, calls } = receiver(empty);
    expect(await response(signedBut({ headers }))).toMatchObject({ statusCode: 503 });
    expect(calls).toEqual(['key']);
  });
});

it('webhookHandler logs, returns and stores no customer data', async () => {
  const { response, records } = receiver();
  const told = await response(signedEvent(completedDelivery()));
  expect(records()).toMatchObject([{ state: 'COMPLETED' }]);
  expect(plantedIn(output.text() + JSON.stringify([told, records()]))).toEqual([]);
  expect(output.lines()).toContainEqual(
    expect.objectContaining({ code: 'webhook.received', verdict: 'superseding', state: 'COMPLETED' }),
  );
});
