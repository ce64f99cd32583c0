import { describe, expect, it } from 'vitest';
import {
  notFoundObservationOf,
  emptyResponse,
  withEmptyRead,
  withRead,
} from '../../functions/domain/klarna-read.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { eventsOf } from '../../functions/domain/state-change-event.ts';
import { noon, observed, recordWith, versioned } from '../support/fixtures.ts';
import { afterNoon, cancellationWith, registered, settledWith } from '../support/sessions.ts';

const proof = { status: '404', correlation_id: 'c1' };
const entry = emptyResponse({ kind: 'read', distinction: '1', response: 'not_found', proof }, noon);

it('a response without a state becomes an entry with its proof and without a state', () => {
  expect(entry).toEqual({
    eventId: 'read:1',
    kind: 'read',
    recordedAt: noon,
    effect: 'noted',
    detail: { response: 'not_found', ...proof },
  });
});

describe('notFoundObservationOf', () => {
  it.each<[PaymentRequest['state'], number, boolean]>([
    ['SUBMITTED', 14.999, false],
    ['SUBMITTED', 15, true],
    [undefined, 16, true],
    ['COMPLETED', 16, false],
    ['CANCELED', 16, false],
  ])(
    'a 404 for a %s request, %f minutes after noon, means that it has expired: %s',
    (state, minutes, hasExpired) => {
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
    },
  );
});

describe('withRead', () => {
  it.each<[PaymentRequest['attention'], PaymentRequest['attention']]>([
    ['not_found', undefined],
    ['klarna_denied', 'klarna_denied'],
    ['contradiction', 'contradiction'],
    [undefined, undefined],
  ])('a read with a state changes the attention %s to %s', (attention, left) => {
    const record = withRead(registered({ attention }), observed('SUBMITTED'));
    expect(record.state).toBe('SUBMITTED');
    expect(record.attention).toBe(left);
  });
});

describe('withEmptyRead', () => {
  const before = registered({ state: 'SUBMITTED' });

  it('a read without a state is noted and changes nothing else', () => {
    expect(withEmptyRead(before, entry, false)).toEqual({ ...before, history: [entry] });
  });

  it.each<[string, Partial<PaymentRequest>]>([
    ['is paid', { state: 'COMPLETED' }],
    ['has ended', { state: 'CANCELED' }],
    ['has that attention already', { attention: 'not_found' }],
    ['has another attention', { attention: 'klarna_denied' }],
  ])('a 404 is only noted for a request that %s', (_, fields) => {
    const record = registered(fields);
    expect(withEmptyRead(record, entry, true)).toEqual({ ...record, history: [entry] });
  });

  it('a 404 for an open request sets attention and makes the record due', () => {
    const waiting = { ...before, attempts: 3, retryAt: afterNoon(15) };
    const record = withEmptyRead(waiting, entry, true);
    const attention = 'not_found';
    expect(record).toEqual({
      ...before,
      history: [{ ...entry, attention }],
      attention,
      attempts: 0,
      retryAt: undefined,
    });
    const written = versioned(record, waiting, afterNoon(1));
    expect(written).toMatchObject({ dueAt: afterNoon(1), attentionSince: afterNoon(1) });
    expect(eventsOf(written).map(({ type, detail }) => [type, detail.cause])).toEqual([
      ['Payment Request Needs Attention', attention],
    ]);
  });

  it('a 404 does not try a cancel under way earlier', () => {
    const waiting = registered({ attempts: 3, retryAt: afterNoon(15) });
    const dueOf = (cancellation: PaymentRequest['cancellation']) =>
      versioned(withEmptyRead({ ...waiting, cancellation }, entry, true), waiting, afterNoon(1)).dueAt;
    const lease = { id: 'lease-1', until: afterNoon(2) };
    expect(dueOf(cancellationWith({ lease }))).toBe(afterNoon(2));
    expect(dueOf(settledWith({ outcome: 'pending' }))).toBe(afterNoon(15));
    expect(dueOf(undefined)).toBe(afterNoon(1));
  });
});
