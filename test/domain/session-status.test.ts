import { describe, expect, it } from 'vitest';
import {
  type PaymentRequestState,
  paymentRequestStates,
} from '../../functions/domain/payment-request-state.ts';
import { type SessionStatus, sessionStatusOf } from '../../functions/domain/session-status.ts';

const partIn = (state: PaymentRequestState | undefined) => ({ state, isLapsed: false });

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
    expect(sessionStatusOf(states.map(partIn))).toBe(status);
  });

  it('a session is paid if one of its requests is COMPLETED', () => {
    for (const other of [undefined, ...paymentRequestStates]) {
      expect(sessionStatusOf([partIn(other), partIn('COMPLETED')])).toBe('paid');
      expect(sessionStatusOf([partIn('COMPLETED'), partIn(other)])).toBe('paid');
    }
  });

  it('a payment that lapsed does not make a session paid, and hides no other request', () => {
    const lapsed = { state: 'COMPLETED', isLapsed: true } as const;
    expect(sessionStatusOf([lapsed])).toBe('ended');
    expect(sessionStatusOf([lapsed, partIn('SUBMITTED')])).toBe('open');
    expect(sessionStatusOf([lapsed, partIn('COMPLETED')])).toBe('paid');
  });
});
