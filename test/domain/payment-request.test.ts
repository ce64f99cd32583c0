import { describe, expect, it } from 'vitest';
import { attentionAfterEnd } from '../../functions/domain/attention.ts';
import {
  isKlarnaExpiryEarly,
  isUnsettled,
  longestExpiry,
  type PaymentRequest,
  unknownPaymentRequest,
} from '../../functions/domain/payment-request.ts';
import { key, noon, recordWith } from '../support/fixtures.ts';
import { afterNoon, registered, session } from '../support/sessions.ts';

it('an unknown request has version 0 and no contents', () => {
  expect(unknownPaymentRequest(key, noon)).toEqual({
    ...key,
    timer: 'undecided',
    attempts: 0,
    history: [],
    version: 0,
    sequence: 0,
    changes: [],
    writes: [],
    createdAt: noon,
    updatedAt: noon,
  });
});

it.each([
  [undefined, false],
  ['claimed', true],
  ['pending', true],
  ['canceled', false],
  ['already_canceled', false],
  ['refused', false],
  ['not_found', false],
] as const)('a cancel that is %s is unsettled: %s', (outcome, unsettled) => {
  const cancellation = outcome && {
    outcome,
    cause: 'api' as const,
    requestedBy: 'someone',
    requestedAt: noon,
    allowCompleted: false,
    sentBefore: false,
  };
  expect(isUnsettled(recordWith({ cancellation }))).toBe(unsettled);
});

describe('isKlarnaExpiryEarly', () => {
  const withNet = (minutes: number, fields: Partial<PaymentRequest> = {}, onTimeout = session.onTimeout) => {
    const askedFor = afterNoon(minutes);
    return registered({
      session: { ...session, onTimeout, klarnaExpiry: { askedFor, shown: askedFor } },
      ...fields,
    });
  };

  it.each<[string, PaymentRequest, boolean]>([
    ['is before the deadline', withNet(29), true],
    ['is at the deadline', withNet(30), false],
    ['was never set', registered(), false],
    ['belongs to a session without a deadline', withNet(29, { deadlineAt: undefined }), false],
    ['cannot move because the customer has started to pay', withNet(29, { state: 'IN_PROGRESS' }), false],
    ['is before the longest time of an observed session', withNet(30, {}, 'observe'), true],
    ['is at the longest time of an observed session', withNet(48 * 60, {}, 'observe'), false],
  ])('isKlarnaExpiryEarly compares an expiry that %s', (_, record, early) => {
    expect(isKlarnaExpiryEarly(record)).toBe(early);
  });
});

it.each([
  ['not_found', undefined],
  ['klarna_denied', undefined],
  ['unknown_state', undefined],
  ['contradiction', 'contradiction'],
  ['canceled_after_completed', 'canceled_after_completed'],
  [undefined, undefined],
] as const)('the attention %s becomes %s once the request has ended', (attention, left) => {
  expect(attentionAfterEnd(attention)).toBe(left);
});

it('the longest expiry is 48 hours after the registration', () => {
  expect(longestExpiry(session)).toBe(afterNoon(48 * 60));
});
