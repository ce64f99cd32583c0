import { describe, expect, it } from 'vitest';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import {
  afterCall,
  type AttemptTerms,
  callLimit,
  nextCall,
  noCalls,
  type Progress,
} from '../../functions/domain/next-call.ts';
import type { paymentRequestStates } from '../../functions/domain/payment-request-state.ts';

const began = 1_000_000;

const terms: AttemptTerms = {
  allowCompleted: false,
  recorded: 'SUBMITTED',
  grace: undefined,
  until: began + 12_000,
};

const shown = (state: (typeof paymentRequestStates)[number]): KlarnaResponse => ({
  kind: 'payment_request',
  state,
  proof: {},
});

const unclear: KlarnaResponse = { kind: 'unclear', retryAfterMillis: undefined, proof: {} };
const limited: KlarnaResponse = { kind: 'rate_limited', retryAfterMillis: 3_000, proof: {} };

const after = (last: 'read' | 'cancel', fields: Partial<Progress> = {}): Progress => ({
  reads: 1,
  cancels: last === 'cancel' ? 1 : 0,
  isRefused: false,
  last,
  respondedAt: began,
  ...fields,
});

const decided = (
  progress: Progress,
  response: KlarnaResponse,
  its: Partial<AttemptTerms> = {},
  { now = began, chance = 0.5 } = {},
) => {
  const next = nextCall(progress, response, { ...terms, ...its }, { now, chance });
  switch (next.kind) {
    case 'read':
      return `read after ${next.pause}`;
    case 'delete':
      return 'delete';
    case 'conclude':
      return next.conclusion.kind;
  }
};

describe('nextCall after a read', () => {
  it.each([
    ['SUBMITTED', {}, 'delete'],
    ['IN_PROGRESS', {}, 'delete'],
    ['IN_PROGRESS', { grace: 60_000 }, 'grace'],
    ['SUBMITTED', { grace: 60_000 }, 'delete'],
    ['COMPLETED', {}, 'known'],
    ['COMPLETED', { allowCompleted: true }, 'delete'],
    ['CANCELED', {}, 'known'],
    ['CANCELED', { allowCompleted: true }, 'known'],
    ['EXPIRED', { allowCompleted: true }, 'known'],
    ['DECLINED', {}, 'known'],
    ['SUBMITTED', { recorded: 'COMPLETED' }, 'known'],
    ['SUBMITTED', { recorded: 'COMPLETED', allowCompleted: true }, 'delete'],
    ['SUBMITTED', { recorded: 'EXPIRED', allowCompleted: true }, 'known'],
    ['SUBMITTED', { recorded: undefined }, 'delete'],
    ['SUBMITTED', { until: began + callLimit / 2 - 1 }, 'unknown'],
    ['SUBMITTED', { until: began + callLimit / 2 }, 'delete'],
  ] as const)('a read of %s with %o is followed by %s', (state, its, expected) => {
    expect(decided(after('read'), shown(state), its)).toBe(expected);
  });

  it('a read that is older than a second is repeated before a DELETE', () => {
    expect(decided(after('read'), shown('SUBMITTED'), {}, { now: began + 1_000 })).toBe('delete');
    expect(decided(after('read'), shown('SUBMITTED'), {}, { now: began + 1_001 })).toBe('read after 0');
  });

  it('a third DELETE is never sent', () => {
    expect(decided(after('read', { cancels: 1 }), shown('SUBMITTED'))).toBe('delete');
    expect(decided(after('read', { cancels: 2 }), shown('SUBMITTED'))).toBe('unknown');
  });

  it('COMPLETED after a refused DELETE that was allowed is the end', () => {
    const its = { allowCompleted: true };
    expect(decided(after('read', { cancels: 1, isRefused: true }), shown('COMPLETED'), its)).toBe('known');
    expect(decided(after('read', { cancels: 1 }), shown('COMPLETED'), its)).toBe('delete');
  });

  it.each(['not_found', 'denied', 'unknown_state'] as const)('%s concludes the attempt', (kind) => {
    expect(decided(after('read'), { kind, proof: {} })).toBe(kind);
  });

  it.each([
    [unclear, 1, 'read after 200'],
    [unclear, 2, 'read after 400'],
    [unclear, 3, 'read after 800'],
    [unclear, 4, 'unknown'],
    [limited, 1, 'read after 3000'],
    [{ kind: 'refused', proof: {} }, 1, 'read after 0'],
    [{ kind: 'refused', proof: {} }, 4, 'unknown'],
  ] as const)('%o as read number %i is followed by: %s', (response, reads, expected) => {
    expect(decided(after('read', { reads }), response)).toBe(expected);
  });

  it('no read begins that could not end in time', () => {
    const until = began + 3_000 + callLimit / 4;
    expect(decided(after('read'), limited, { until: until + 1 })).toBe('read after 3000');
    expect(decided(after('read'), limited, { until })).toBe('unknown');
  });
});

describe('nextCall after a DELETE', () => {
  it.each([
    [shown('CANCELED'), 'known'],
    [shown('SUBMITTED'), 'read after 0'],
    [shown('COMPLETED'), 'read after 0'],
    [{ kind: 'denied', proof: {} }, 'denied'],
    [{ kind: 'refused', isConflict: true, proof: {} }, 'read after 0'],
    [{ kind: 'not_found', proof: {} }, 'read after 0'],
    [{ kind: 'unknown_state', proof: {} }, 'read after 0'],
    [unclear, 'read after 200'],
    [limited, 'read after 3000'],
  ] as const)('%o is followed by: %s', (response, expected) => {
    expect(decided(after('cancel'), response)).toBe(expected);
  });

  it('the pause doubles with the number of DELETEs', () => {
    expect(decided(after('cancel', { cancels: 2 }), unclear)).toBe('read after 400');
  });

  it('the end is unknown where no time is left', () => {
    expect(decided(after('cancel'), unclear, { until: began + 1_200 })).toBe('unknown');
  });
});

describe('afterCall', () => {
  it('counts reads and DELETEs, and remembers whether the last DELETE was refused', () => {
    const read = afterCall(noCalls, 'read', { response: shown('SUBMITTED'), respondedAt: 5 });
    expect(read).toEqual({ reads: 1, cancels: 0, isRefused: false, last: 'read', respondedAt: 5 });
    const refused = afterCall(read, 'cancel', { response: { kind: 'refused', proof: {} }, respondedAt: 6 });
    expect(refused).toEqual({ reads: 1, cancels: 1, isRefused: true, last: 'cancel', respondedAt: 6 });
    const again = afterCall(refused, 'read', { response: unclear, respondedAt: 7 });
    expect(again).toMatchObject({ reads: 2, cancels: 1, isRefused: true });
    const answered = afterCall(again, 'cancel', { response: unclear, respondedAt: 8 });
    expect(answered).toMatchObject({ cancels: 2, isRefused: false });
  });
});
