import { describe, expect, it } from 'vitest';
import {
  type AwaitedReference,
  awaitedFacts,
  awaitedWord,
  keptCancelText,
} from '../../../local/front-page/browser/awaited-reference.ts';
import { timeText } from '../../../local/front-page/browser/time-text.ts';

const until = '2026-03-01T14:00:00Z';
const deadline = '2026-03-01T12:20:00Z';
const waiting: AwaitedReference = {
  reference: 'order-1',
  status: 'waiting',
  payment_request_id: null,
  session_id: null,
  deadline_at: deadline,
  on_timeout: 'cancel',
  cancellation: null,
  until,
};

describe('what the page says of a reference', () => {
  it.each([
    [
      'waits',
      {},
      'waiting',
      `Waits for its Payment Request until ${timeText(until)} · deadline ${timeText(deadline)}`,
    ],
    [
      'is only observed',
      { on_timeout: 'observe', session_id: 'cart-1', deadline_at: null },
      'waiting',
      `Waits for its Payment Request until ${timeText(until)} · session cart-1 · observed only`,
    ],
    [
      'was joined',
      { status: 'joined', payment_request_id: 'krn:payment:eu1:request:12345678', deadline_at: null },
      'joined',
      'Joined by …12345678',
    ],
    [
      'was never seen',
      { status: 'never_seen', deadline_at: null, on_timeout: null },
      'never seen',
      `No Payment Request until ${timeText(until)}`,
    ],
  ])('a reference that %s has its word and its facts', (_, change, word, facts) => {
    const awaited = { ...waiting, ...change };
    expect([awaitedWord(awaited), awaitedFacts(awaited)]).toEqual([word, facts]);
    expect(keptCancelText(awaited)).toBe('');
  });

  it('a kept cancel has its reason and who requested it', () => {
    const cancellation = { reason: 'cart emptied', requested_by: 'user:anna' };
    expect(keptCancelText({ ...waiting, cancellation })).toBe(
      'A cancel waits for the request: cart emptied, requested by user:anna',
    );
    const done = { ...waiting, status: 'joined', cancellation: { ...cancellation, reason: null } };
    expect(keptCancelText(done)).toBe('A cancel waited for the request: requested by user:anna');
  });
});
