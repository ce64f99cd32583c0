import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CredentialName } from '../../../functions/domain/identifiers.ts';
import type { PartnerBinding, SigningKey } from '../../../functions/domain/signing-key.ts';
import { paymentRequestStates } from '../../../functions/domain/payment-request-state.ts';
import { readDelivery } from '../../../functions/webhook/klarna-delivery.ts';
import { account, at, key as paymentRequestKey } from '../../support/fixtures.ts';
import {
  bytesOf,
  completedDelivery,
  deliveryWith,
  eventId,
  recipient,
  signingKeyId,
  signingKeyWith,
  subject,
  webhookId,
} from '../../support/klarna-deliveries.ts';
import { plantedIn } from '../../support/planted-secrets.ts';

const receivedAt = at('2026-03-01T12:00:05Z');
const read = (body: unknown, key: SigningKey = signingKeyWith()) =>
  readDelivery(bytesOf(body), key, receivedAt);
const sha256 = (body: unknown) => createHash('sha256').update(bytesOf(body)).digest('hex');

/** The quarantined delivery with this reason and these fields. */
const quarantined = (reason: string, fields: Readonly<Record<string, unknown>> = {}) => ({
  kind: 'quarantine',
  delivery: expect.objectContaining({ reason, signingKeyId, receivedAt, ...fields }) as unknown,
});

describe('readDelivery, for a state change', () => {
  it('a state change is an observation with the ids of its delivery', () => {
    const body = deliveryWith();
    expect(read(body)).toEqual({
      kind: 'observation',
      key: paymentRequestKey,
      observation: {
        state: 'CANCELED',
        previousState: 'SUBMITTED',
        stateReason: 'PARTNER_CANCELED',
        occurredAt: at('2026-03-01T12:00:00Z'),
        eventId,
        source: 'webhook',
        observedAt: receivedAt,
        proof: {
          event_type: 'payment.request.state-change.canceled',
          signing_key_id: signingKeyId,
          body_sha256: sha256(body),
        },
      },
    });
  });

  it.each(paymentRequestStates)(
    '%s is read from its own event type and from payment.request.updated',
    (state) => {
      const type = `payment.request.state-change.${state.toLowerCase().replace('_', '-')}`;
      for (const event_type of [type, 'payment.request.updated']) {
        expect(read(deliveryWith({ event_type }, { state }))).toMatchObject({
          kind: 'observation',
          observation: { state, proof: { event_type } },
        });
      }
    },
  );

  it.each([
    ['SUBMITTED', '2999-01-01T00:00:00Z', '1970-01-01T00:00:00.000000000Z'],
    ['IN_PROGRESS', '9999-12-31T23:59:59.999999999Z', '1970-01-01T00:00:00.000000000Z'],
    ['SUBMITTED', '2026-03-01T12:05:05.000000001Z', '1970-01-01T00:00:00.000000000Z'],
    ['COMPLETED', '2999-01-01T00:00:00Z', receivedAt],
    ['CANCELED', '2999-01-01T00:00:00Z', receivedAt],
  ])('%s at %s, which is in the far future, happened at %s', (state, occurred_at, occurredAt) => {
    const event_type = 'payment.request.updated';
    expect(read(deliveryWith({ event_type, occurred_at }, { state }))).toMatchObject({
      kind: 'observation',
      observation: { state, occurredAt, proof: { said_to_occur_at: occurred_at } },
    });
  });

  it('a time within the tolerance of the clocks is kept', () => {
    const judged = read(deliveryWith({ occurred_at: '2026-03-01T12:05:05Z' }));
    expect(judged).toMatchObject({ observation: { occurredAt: '2026-03-01T12:05:05.000000000Z' } });
    expect(JSON.stringify(judged)).not.toContain('said_to_occur_at');
  });

  it('a state change keeps all nine digits of its time', () => {
    expect(read(deliveryWith({ occurred_at: '2026-03-01T13:00:00.123456789+01:00' }))).toMatchObject({
      observation: { occurredAt: '2026-03-01T12:00:00.123456789Z' },
    });
  });

  it.each([
    ['a reference', { payment_request_reference: 'order 4711' }, { reference: 'order 4711' }],
    ['a reference that no path carries', { payment_request_reference: 'a/b' }, { reference: undefined }],
    ['a reference of another type', { payment_request_reference: { id: 1 } }, { reference: undefined }],
    ['an endless reference', { payment_request_reference: 'x'.repeat(256) }, { reference: undefined }],
    ['no previous_state', { previous_state: undefined }, { previousState: undefined }],
    ['an unknown previous_state', { previous_state: 'PAUSED' }, { previousState: undefined }],
    ['no state_reason', { state_reason: undefined }, { stateReason: undefined }],
    ['an unknown state_reason', { state_reason: 'BRAND_NEW' }, { stateReason: 'BRAND_NEW' }],
    ['a sentence as state_reason', { state_reason: 'Jane said so' }, { stateReason: undefined }],
    ['state_reason that is not a text', { state_reason: { code: 1 } }, { stateReason: undefined }],
  ])('a state change is accepted with %s', (_, payload, observation) => {
    expect(read(deliveryWith({}, payload))).toMatchObject({ kind: 'observation', observation });
  });

  it('a state change is accepted with unknown fields at every level', () => {
    const body = { ...deliveryWith({ added: 1 }, { added: [] }), added: {} };
    expect(read(body).kind).toBe('observation');
  });
});

describe('readDelivery, for a malformed delivery', () => {
  it.each([
    ['no event_id', { event_id: undefined }, {}],
    ['an empty event_id', { event_id: '' }, {}],
    ['an event_id with a space', { event_id: 'a b' }, {}],
    ['an event_id of 129 characters', { event_id: 'e'.repeat(129) }, {}],
    ['an event_id that is a number', { event_id: 5 }, {}],
    ['no event_type', { event_type: undefined }, {}],
    ['an event_type that is an array', { event_type: ['payment.request.updated'] }, {}],
    ['no occurred_at', { occurred_at: undefined }, {}],
    ['an occurred_at that is not a time', { occurred_at: 'yesterday' }, {}],
    ['an occurred_at on 31 February', { occurred_at: '2026-02-31T00:00:00Z' }, {}],
    ['an occurred_at in seconds', { occurred_at: 1_772_366_400 }, {}],
    ['no event_version', { event_version: undefined }, {}],
    ['an event_version that is a number', { event_version: 2 }, {}],
    ['no subject_account_id', { subject_account_id: undefined }, {}],
    ['no payment_request_id', {}, { payment_request_id: undefined }],
    ['a payment_request_id of another kind', {}, { payment_request_id: 'krn:payment:eu1:transaction:1' }],
    [
      'a payment_request_id with a line feed',
      {},
      { payment_request_id: `${paymentRequestKey.paymentRequestId}\n` },
    ],
    ['no state', {}, { state: undefined }],
    ['a state that is null', {}, { state: null }],
    ['a type and a state that disagree', {}, { state: 'COMPLETED' }],
  ])('a delivery with %s is quarantined as malformed', (_, metadata, payload) => {
    expect(read(deliveryWith(metadata, payload))).toEqual(quarantined('malformed'));
  });

  it.each([
    ['no metadata', { ...deliveryWith(), metadata: undefined }],
    ['metadata that is a text', { ...deliveryWith(), metadata: 'v2' }],
    ['no payload', { ...deliveryWith(), payload: undefined }],
    ['a payload that is null', { ...deliveryWith(), payload: null }],
    ['a payload that is an array', { ...deliveryWith(), payload: [deliveryWith()] }],
    ['an array around it', [deliveryWith()]],
    ['a number', 5],
    ['null', 'null'],
    ['a text', '"payment.request.updated"'],
    ['nothing', ''],
    ['no JSON', 'event_id=1&state=CANCELED'],
    ['half of it', JSON.stringify(deliveryWith()).slice(0, -9)],
    ['two documents', `${JSON.stringify(deliveryWith())}${JSON.stringify(deliveryWith())}`],
    [
      'bytes that are not UTF-8',
      Buffer.from(JSON.stringify(deliveryWith()).replace('SUBMITTED', 'é'), 'latin1'),
    ],
    ['everything behind __proto__', `{"__proto__":${JSON.stringify(deliveryWith())}}`],
    [
      'metadata behind __proto__',
      `{"metadata":{"__proto__":${JSON.stringify(deliveryWith()['metadata'])}},"payload":{}}`,
    ],
    ['deep nesting', `${'['.repeat(32_768)}${']'.repeat(32_768)}`],
    [
      'deep nesting where a text belongs',
      `{"metadata":{"event_id":${'['.repeat(30_000)}${']'.repeat(30_000)}}}`,
    ],
  ])('a delivery is quarantined as malformed: %s', (_, body) => {
    expect(read(body)).toEqual(quarantined('malformed', { bodySha256: sha256(body) }));
  });

  it('a quarantined delivery has its event id, or else the hash of its body', () => {
    const named = deliveryWith({}, { state: undefined });
    expect(read(named)).toEqual(
      quarantined('malformed', {
        deliveryId: eventId,
        facts: {
          eventId,
          eventType: 'payment.request.state-change.canceled',
          eventVersion: 'v2',
          occurredAt: '2026-03-01T12:00:00Z',
          subjectAccountId: subject,
          recipientAccountId: recipient,
          webhookId,
          live: false,
          paymentRequestId: paymentRequestKey.paymentRequestId,
          state: undefined,
          previousState: 'SUBMITTED',
          stateReason: 'PARTNER_CANCELED',
        },
      }),
    );
    const nameless = deliveryWith({ event_id: undefined });
    expect(read(nameless)).toEqual(quarantined('malformed', { deliveryId: sha256(nameless) }));
  });
});

describe('readDelivery, for an unknown type or state', () => {
  it.each([
    ['payment.request.state-change.paused', { state: 'PAUSED' }],
    ['payment.request.state-change.', {}],
    ['payment.request', {}],
    ['payment.', {}],
    ['payment.new', {}],
    ['payments.transaction.captured', {}],
    ['partner', {}],
    ['settlement-report', {}],
    ['payment.request.', {}],
    ['payment.request.updated.twice', {}],
    ['PAYMENT.REQUEST.UPDATED', {}],
    ['constructor', {}],
    ['payment.request.state-change.constructor', {}],
  ])('a delivery of type %s is quarantined as unknown_type', (event_type, payload) => {
    expect(read(deliveryWith({ event_type }, payload))).toEqual(
      quarantined('unknown_type', { facts: expect.objectContaining({ eventType: event_type }) as unknown }),
    );
  });

  it.each(['PAUSED', 'canceled', '', 'toString', '__proto__'])(
    'a delivery in state "%s" is quarantined as unknown_state',
    (state) => {
      const body = deliveryWith({ event_type: 'payment.request.updated' }, { state });
      expect(read(body)).toEqual(quarantined('unknown_state'));
    },
  );

  it('a delivery of an unknown type needs no Payment Request', () => {
    const body = { ...deliveryWith({ event_type: 'brand.new' }), payload: {} };
    expect(read(body)).toEqual(quarantined('unknown_type'));
  });

  it.each(['v1', 'v3', 'V2', '2', 'v2.1'])(
    'a delivery of version %s is quarantined as unknown_version',
    (event_version) => {
      expect(read(deliveryWith({ event_version }))).toEqual(quarantined('unknown_version'));
      const body = deliveryWith(
        { event_version, event_type: 'payment.request.updated' },
        { state: undefined },
      );
      expect(read(body)).toEqual(quarantined('unknown_version'));
    },
  );
});

describe('readDelivery, for the event that a payment is authorized', () => {
  const id = paymentRequestKey.paymentRequestId;
  const authorized = (payload: Record<string, unknown>, metadata: Record<string, unknown> = {}) => ({
    metadata: {
      ...(deliveryWith({}) as { metadata: Record<string, unknown> }).metadata,
      event_type: 'payment.transaction.state-change.authorized',
      ...metadata,
    },
    payload: { state: 'AUTHORIZED', ...payload },
  });

  it.each([
    [
      { payment_request_id: id, payment_request_reference: 'order 7' },
      { by: 'payment_request_id', paymentRequestId: id },
    ],
    [
      { payment_request_id: 'another form', payment_request_reference: 'order 7' },
      { by: 'reference', reference: 'order 7' },
    ],
    [{ payment_request_reference: 'order/7' }, { by: 'nothing' }],
    [{}, { by: 'nothing' }],
  ])('%j names the payment by %j', (payload, link) => {
    expect(read(authorized(payload))).toMatchObject({
      kind: 'authorization',
      link,
      report: {
        eventId,
        source: 'webhook',
        proof: { event_type: 'payment.transaction.state-change.authorized' },
      },
    });
  });

  it('a time in the future or none counts as the time of the delivery', () => {
    for (const occurred_at of ['2999-01-01T00:00:00Z', 'soon', undefined]) {
      const delivery = read(authorized({}, { occurred_at }));
      if (delivery.kind !== 'authorization') throw new Error(delivery.kind);
      expect(delivery.report.at).toBe(delivery.report.reportedAt);
    }
  });

  it('a report for another account, environment or recipient is not used, and not quarantined', () => {
    for (const metadata of [
      { subject_account_id: 'krn:partner:global:account:test:OTHER' },
      { event_id: '' },
    ])
      expect(read(authorized({ payment_request_id: id }, metadata)).kind).toBe('unused');
  });

  it('nothing of the customer is in a report', () => {
    const delivery = read(
      authorized({ payment_request_id: id, customer: { name: 'Anna' }, token: 'secret' }),
    );
    expect(JSON.stringify(delivery)).not.toMatch(/Anna|secret/);
  });
});

describe('readDelivery, for a delivery that Lapse does not use', () => {
  const unused = (event_type: string) => ({
    kind: 'unused',
    why: 'other_family',
    eventType: event_type,
    eventId,
  });

  it.each([
    'payment.transaction.state-change.expired',
    'payment.transaction.captured',
    'payment.dispute.state-change.pre-arbitration',
    'payment.funding.state-change.paid',
    'payment.requests.merged',
    'partner.account.state-change.operational',
    'partner.account.state-change.disabled',
    'partner.account.product.payment.state-change.enabled',
    'settlement.report.created',
    'settlements.payout',
  ])('%s is about something else, whatever its account, version and payload are', (event_type) => {
    for (const metadata of [
      {},
      { event_version: 'v1' },
      { subject_account_id: 'krn:partner:global:account:test:OTHER' },
      { live: true },
      { occurred_at: undefined },
    ]) {
      const body = { ...deliveryWith({ event_type, ...metadata }), payload: { transaction_id: 'krn:1' } };
      expect(read(body, signingKeyWith({ live: false }))).toEqual(unused(event_type));
    }
  });

  it('it needs no event id', () => {
    const body = deliveryWith({ event_type: 'payment.dispute.opened', event_id: undefined });
    expect(read(body)).toEqual({ ...unused('payment.dispute.opened'), eventId: undefined });
  });

  it.each([
    ['no state', { state: undefined }],
    ['a state that is null', { state: null }],
    ['no payload', undefined],
  ])('payment.request.updated with %s tells no state', (_, payload) => {
    const event_type = 'payment.request.updated';
    const body = deliveryWith({ event_type }, payload ?? {});
    expect(read(payload ? body : { ...body, payload: undefined })).toEqual({
      kind: 'unused',
      why: 'no_state',
      eventType: event_type,
      eventId,
    });
  });

  it('payment.request.updated without a state is quarantined where its key may not report it', () => {
    const body = deliveryWith({ event_type: 'payment.request.updated', live: true }, { state: undefined });
    expect(read(body, signingKeyWith({ live: false }))).toEqual(quarantined('other_environment'));
  });
});

describe('readDelivery, for the bindings of a key', () => {
  const bound = signingKeyWith({ recipientAccountId: recipient, webhookId, live: false });

  it('a delivery that matches the bindings of its key is accepted', () => {
    expect(read(deliveryWith(), bound)).toMatchObject({ kind: 'observation', key: { account } });
  });

  it.each([
    ['other_account', { subject_account_id: 'krn:partner:global:account:test:OTHER' }],
    ['other_account', { subject_account_id: '__proto__' }],
    ['other_account', { subject_account_id: '' }],
    ['other_recipient', { recipient_account_id: subject }],
    ['other_webhook', { webhook_id: `${webhookId}0` }],
    ['other_environment', { live: true }],
    ['malformed', { recipient_account_id: undefined }],
    ['malformed', { webhook_id: undefined }],
    ['malformed', { live: undefined }],
    ['malformed', { live: 'false' }],
    ['malformed', { live: 0 }],
  ])('a delivery against the bindings of its key is quarantined as %s: %o', (reason, metadata) => {
    // The quarantined delivery names no account, because its key may not speak for it.
    expect(read(deliveryWith(metadata), bound)).toEqual(quarantined(reason));
  });

  it('a key without accounts may deliver for no account', () => {
    expect(read(deliveryWith(), signingKeyWith({ accounts: new Map() }))).toEqual(
      quarantined('other_account'),
    );
  });

  it('the bindings of a key are checked before the type and the state', () => {
    const body = deliveryWith({ event_type: 'brand.new', live: true });
    expect(read(body, bound)).toEqual(quarantined('other_environment'));
  });
});

describe('readDelivery, for hostile JSON', () => {
  it('a doubled JSON key counts with its last value', () => {
    const body = JSON.stringify(deliveryWith()).replace(
      '"state":"CANCELED"',
      '"state":"COMPLETED","state":"CANCELED"',
    );
    expect(read(body)).toMatchObject({ observation: { state: 'CANCELED' } });
    const turned = body.replace(
      '"state":"COMPLETED","state":"CANCELED"',
      '"state":"CANCELED","state":"COMPLETED"',
    );
    expect(read(turned)).toEqual(quarantined('malformed'));
  });

  it('a doubled subject_account_id gives no access to another account', () => {
    const body = JSON.stringify(deliveryWith()).replace(
      `"subject_account_id":"${subject}"`,
      `"subject_account_id":"${subject}","subject_account_id":"krn:partner:global:account:test:OTHER"`,
    );
    expect(read(body)).toEqual(quarantined('other_account'));
  });

  it('__proto__ in a delivery changes nothing', () => {
    const polluting = JSON.stringify(deliveryWith()).replace(
      '"metadata":{',
      '"metadata":{"__proto__":{"live":true,"polluted":true},',
    );
    expect(read(polluting, signingKeyWith({ live: false })).kind).toBe('observation');
    expect({}).not.toHaveProperty('polluted');
  });

  it('a delivery of 64 KiB is read', () => {
    const short = deliveryWith({}, { padding: '' });
    const padding = 'x'.repeat(64 * 1024 - bytesOf(short).length);
    expect(bytesOf(deliveryWith({}, { padding }))).toHaveLength(64 * 1024);
    expect(read(deliveryWith({}, { padding })).kind).toBe('observation');
  });
});

describe('readDelivery, for arbitrary bytes', () => {
  it('readDelivery returns a result for arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        expect(readDelivery(bytes, signingKeyWith(), receivedAt)).toEqual(quarantined('malformed'));
      }),
    );
  });

  it('readDelivery returns a result for arbitrary JSON', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(read(json)).toEqual(quarantined('malformed'));
      }),
    );
  });

  it('readDelivery returns a result for arbitrary values of its fields', () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(subject, eventId, 'CANCELED', 'payment.request.updated'),
    );
    const members = (names: readonly string[]) =>
      fc.dictionary(fc.constantFrom(...names), value, { noNullPrototype: true });
    fc.assert(
      fc.property(
        members(['event_id', 'event_type', 'occurred_at', 'subject_account_id', 'live', 'webhook_id']),
        members(['payment_request_id', 'state', 'previous_state', 'state_reason']),
        (metadata, payload) => {
          const delivery = read(deliveryWith(metadata, payload));
          if (delivery.kind === 'observation') {
            expect(delivery.key).toEqual(paymentRequestKey);
            expect(paymentRequestStates).toContain(delivery.observation.state);
          } else {
            if (delivery.kind === 'onboarding' || delivery.kind === 'authorization')
              throw new Error('the key has no credential');
            if (delivery.kind === 'unused') return;
            expect(delivery.delivery.bodySha256).toMatch(/^[0-9a-f]{64}$/);
          }
        },
      ),
    );
  });
});

describe('readDelivery, with a key of an acquiring partner', () => {
  const partners = {
    credential: 'acquirer' as CredentialName,
    acquirerAccountId: recipient,
    subjects: '*',
    unknownSubject: 'accept',
  } as const;
  const acquirerKey = (fields: Partial<PartnerBinding> = {}) =>
    signingKeyWith({
      accounts: new Map(),
      recipientAccountId: recipient,
      partners: { ...partners, ...fields },
    });

  it('the account is named by the last segment of the subject', () => {
    expect(read(deliveryWith(), acquirerKey())).toMatchObject({
      kind: 'observation',
      key: { account: 'm4ciyh2n' },
    });
    expect(read(deliveryWith(), acquirerKey())).not.toHaveProperty('ifUnknown');
  });

  it('an account that the key names has that name', () => {
    const key = { ...acquirerKey(), accounts: new Map([[subject, account]]) };
    expect(read(deliveryWith(), key)).toMatchObject({ key: { account } });
  });

  it.each([
    ['of the other environment', subject.replace(':test:', ':live:')],
    ['of another kind', subject.replace(':account:', ':store:')],
    ['in lower case', subject.toLowerCase()],
    ['with an underscore', `${subject}_1`],
    ['without a segment', 'M4CIYH2N'],
  ])('a subject %s is quarantined', (_, subject_account_id) => {
    expect(read(deliveryWith({ subject_account_id }), acquirerKey())).toEqual(quarantined('other_account'));
  });

  it('a subject that is not on the list of the key is quarantined', () => {
    const key = acquirerKey({ subjects: new Set([`${subject}X`]) });
    expect(read(deliveryWith(), key)).toEqual(quarantined('other_account'));
    expect(read(deliveryWith({ subject_account_id: `${subject}X` }), key)).toMatchObject({
      key: { account: 'm4ciyh2nx' },
    });
  });

  it('a webhook for another acquiring partner is quarantined', () => {
    const body = deliveryWith({ recipient_account_id: `${recipient}X` });
    expect(read(body, acquirerKey())).toEqual(quarantined('other_recipient'));
  });

  it('a webhook of a key that quarantines unknown accounts comes with its quarantined form', () => {
    const judged = read(deliveryWith(), acquirerKey({ unknownSubject: 'quarantine' }));
    expect(judged).toMatchObject({
      kind: 'observation',
      ifUnknown: { reason: 'unknown_account', deliveryId: eventId },
    });
  });

  it('an operational account is onboarded on the credential of the key', () => {
    const event_type = 'partner.account.state-change.operational';
    const body = deliveryWith({ event_type, event_version: 'v1' }, { payment_request_id: undefined });
    expect(read(body, acquirerKey())).toEqual({
      kind: 'onboarding',
      account: 'm4ciyh2n',
      credential: 'acquirer',
      eventId,
      at: receivedAt,
    });
  });

  it('an operational account of a key without a credential is not onboarded', () => {
    const body = deliveryWith({ event_type: 'partner.account.state-change.operational' });
    expect(read(body).kind).toBe('unused');
  });

  it('an operational account that is not on the list of the key is not onboarded', () => {
    const body = deliveryWith({ event_type: 'partner.account.state-change.operational' });
    expect(read(body, acquirerKey({ subjects: new Set([`${subject}X`]) })).kind).toBe('unused');
  });

  it('an operational account of another environment than its key is quarantined', () => {
    const body = deliveryWith({ event_type: 'partner.account.state-change.operational', live: true });
    expect(read(body, { ...acquirerKey(), live: false })).toEqual(quarantined('other_environment'));
  });
});

it('readDelivery returns no customer data', () => {
  for (const metadata of [{}, { event_type: 'brand.new' }, { live: true }, { occurred_at: undefined }]) {
    const body = completedDelivery(metadata);
    expect(plantedIn(JSON.stringify(body))).toHaveLength(4);
    const delivery = read(body, signingKeyWith({ live: false }));
    expect(plantedIn(JSON.stringify(delivery))).toEqual([]);
  }
});
