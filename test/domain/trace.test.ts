import { describe, expect, it } from 'vitest';
import type { PaymentRequestId } from '../../functions/domain/identifiers.ts';
import { callerTraceIdIn, traceIdOf, traceparentOf } from '../../functions/domain/trace.ts';

const idWith = (end: string) => `krn:payment:eu1:request:${end}` as PaymentRequestId;
const traceId = '552603c0fe8b4ab1aacb41d55fafbdb4';

describe('the trace id of a Payment Request', () => {
  it.each([
    ['552603c0-fe8b-4ab1-aacb-41d55fafbdb4', traceId],
    ['552603C0-FE8B-4AB1-AACB-41D55FAFBDB4', traceId],
    ['552603c0fe8b4ab1aacb41d55fafbdb4', traceId],
  ])('%s has the trace id of its UUID', (end, expected) => {
    expect(traceIdOf(idWith(end))).toBe(expected);
  });

  it.each([
    '',
    '1',
    'order-1',
    'zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz',
    '00000000-0000-0000-0000-000000000000',
  ])('an id that ends with "%s" has a legal trace id', (end) => {
    expect(traceIdOf(idWith(end))).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
  });

  it('two ids that are not UUIDs have different trace ids', () => {
    expect(traceIdOf(idWith('order-1'))).not.toBe(traceIdOf(idWith('order-2')));
  });
});

describe('the traceparent of a caller', () => {
  it.each([`00-${traceId}-00f067aa0ba902b7-00`, `cc-${traceId}-00f067aa0ba902b7-01-more`])(
    '%s names its trace',
    (header) => {
      expect(callerTraceIdIn(header)).toBe(traceId);
    },
  );

  it.each([
    undefined,
    '',
    'no trace',
    `ff-${traceId}-00f067aa0ba902b7-00`,
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-00`,
    `00-${traceId}-0000000000000000-00`,
    `00-${traceId.toUpperCase()}-00f067aa0ba902b7-00`,
    `00-${traceId}-00f067aa0ba902b7-00-more`,
    `00-${traceId}-00f067aa0ba902b7-00\n`,
    `00-${traceId.slice(1)}-00f067aa0ba902b7-00`,
  ])('%s names none', (header) => {
    expect(callerTraceIdIn(header)).toBeUndefined();
  });

  it('a call to Klarna names the trace and itself', () => {
    const header = traceparentOf(traceId, '00f067aa0ba902b7');
    expect(header).toBe(`00-${traceId}-00f067aa0ba902b7-01`);
    expect(callerTraceIdIn(header)).toBe(traceId);
  });
});
