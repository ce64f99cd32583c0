import { describe, expect, it } from 'vitest';
import {
  type PaymentRequestState,
  paymentRequestStates,
} from '../../functions/domain/payment-request-state.ts';
import { type SessionStatus, sessionStatusOf } from '../../functions/domain/session-status.ts';

describe('sessionStatusOf', () => {
  it.each<[SessionStatus, readonly (PaymentRequestState | undefined)[]]>([
    ['open', [undefined]],
    ['open', ['SUBMITTED']],
    ['open', ['IN_PROGRESS', 'CANCELED']],
    ['open', ['EXPIRED', undefined, 'DECLINED']],
    ['paid', ['COMPLETED']],
    ['paid', ['EXPIRED', 'COMPLETED', 'SUBMITTED']],
    ['ended', ['CANCELED']],
    ['ended', ['EXPIRED', 'DECLINED', 'CANCELED']],
  ])('a session is %s if its requests are %j', (status, states) => {
    expect(sessionStatusOf(states)).toBe(status);
  });

  it('a session is paid if one of its requests is COMPLETED', () => {
    for (const other of [undefined, ...paymentRequestStates]) {
      expect(sessionStatusOf([other, 'COMPLETED'])).toBe('paid');
      expect(sessionStatusOf(['COMPLETED', other])).toBe('paid');
    }
  });
});
