import { describe, expect, it } from 'vitest';
import {
  notFoundObservationOf,
  emptyResponse,
  withEmptyRead,
  withRead,
} from '../../functions/domain/klarna-read.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { eventsOf } from '../../functions/domain/state-change-event.ts';
import { noon, observed, recordWith } from '../support/fixtures.ts';
import { afterNoon, cancellationWith, registered } from '../support/sessions.ts';

const proof = { status: '404', correlation_id: 'c1' };
const entry = emptyResponse({ kind: 'read', distinction: '1', response: 'not_found', proof }, noon);

it('an answer that is no evidence is an entry with its proof, and has no state', () => {
  expect(entry).toEqual({
    eventId: 'read:1',
    kind: 'read',
    recordedAt: noon,
    effect: 'noted',
    detail: { response: 'not_found', ...proof },
  });
});

describe('a 404', () => {
  it.each<[PaymentRequest['state'], number, boolean]>([
    ['SUBMITTED', 14.999, false],
    ['SUBMITTED', 15, true],
    [undefined, 16, true],
    ['COMPLETED', 16, false],
    ['CANCELED', 16, false],
  ])('of what is %s, %f minutes after noon, means that it has expired: %s', (state, minutes, hasExpired) => {
    const record = recordWith({ state, klarnaExpiresAt: afterNoon(15) });
    expect(notFoundObservationOf(record, 'a1', proof, afterNoon(minutes))).toEqual(
      hasExpired
        ? {
            state: 'EXPIRED',
            occurredAt: afterNoon(15),
            eventId: 'not_found:a1',
            source: 'not_found',
            observedAt: afterNoon(minutes),
            proof,
          }
        : undefined,
    );
  });
});

describe('a read that says what is so', () => {
  it.each<[PaymentRequest['attention'], PaymentRequest['attention']]>([
    ['not_found', undefined],
    ['klarna_denied', 'klarna_denied'],
    ['contradiction', 'contradiction'],
    [undefined, undefined],
  ])('of a request with the attention %s leaves %s', (attention, left) => {
    const record = withRead(registered({ attention }), observed('SUBMITTED'), afterNoon(1));
    expect(record).toMatchObject({ state: 'SUBMITTED', version: 2, updatedAt: afterNoon(1) });
    expect(record.attention).toBe(left);
  });
});

describe('a read that says nothing', () => {
  const before = registered({ state: 'SUBMITTED' });

  it('is noted, and nothing else changes', () => {
    expect(withEmptyRead(before, entry, false, afterNoon(1))).toEqual({
      ...before,
      history: [entry],
      version: 2,
      updatedAt: afterNoon(1),
    });
  });

  it.each<[string, Partial<PaymentRequest>]>([
    ['is paid', { state: 'COMPLETED' }],
    ['has ended', { state: 'CANCELED' }],
    ['is to be looked at already', { attention: 'not_found' }],
    ['is to be looked at for another reason', { attention: 'klarna_denied' }],
  ])('is no more than noted, where Klarna does not know what %s', (_, fields) => {
    const record = registered(fields);
    expect(withEmptyRead(record, entry, true, afterNoon(1))).toEqual({
      ...record,
      history: [entry],
      version: 2,
      updatedAt: afterNoon(1),
    });
  });

  it('is for a person to see where Klarna does not know what is open, and the sweep looks again', () => {
    const record = withEmptyRead(before, entry, true, afterNoon(1));
    const attention = 'not_found';
    expect(record).toEqual({
      ...before,
      history: [{ ...entry, attention }],
      attention,
      reconcileAfter: afterNoon(1),
      version: 2,
      updatedAt: afterNoon(1),
    });
    expect(eventsOf(before, record).map(({ type, detail }) => [type, detail.cause])).toEqual([
      ['Payment Request Needs Attention', attention],
    ]);
  });

  it.each<[string, Partial<PaymentRequest>, PaymentRequest['reconcileAfter']]>([
    ['is not due', { reconcileAfter: undefined }, afterNoon(1)],
    ['is due already', { reconcileAfter: noon }, noon],
    ['somebody cancels', { cancellation: cancellationWith(), reconcileAfter: afterNoon(2) }, afterNoon(2)],
  ])('has the sweep look at what %s in its time', (_, fields, due) => {
    expect(withEmptyRead(registered(fields), entry, true, afterNoon(1)).reconcileAfter).toBe(due);
  });
});
