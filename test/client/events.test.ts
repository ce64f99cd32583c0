import { expect, it } from 'vitest';
import { isLapseEvent, type LapseEvent, lapseEventTypes } from '../../client/lapse-client.ts';
import { eventSchemas } from '../support/event-contract.ts';

const event = (type: string, detail: object = { schema_version: 1, state: 'CANCELED' }): unknown => ({
  source: 'lapse',
  'detail-type': type,
  detail,
});

it('the client knows every event that has a schema', () => {
  expect([...lapseEventTypes].toSorted()).toEqual([...eventSchemas.keys()].toSorted());
});

it('isLapseEvent recognises each event, and its type', () => {
  for (const type of lapseEventTypes) {
    expect(isLapseEvent(event(type))).toBe(true);
    for (const other of lapseEventTypes) expect(isLapseEvent(event(type), other)).toBe(type === other);
  }
});

it('isLapseEvent narrows to the fields of the event', () => {
  const received = event('Payment Request State Changed');
  if (!isLapseEvent(received, 'Payment Request State Changed')) throw new Error('not recognised');
  const { state }: LapseEvent['detail'] = received.detail;
  expect(state).toBe('CANCELED');
});

it.each([
  ['another source', { ...(event('Payment Request Registered') as object), source: 'shop' }],
  ['another type', event('Order Placed')],
  ['another version', event('Payment Request Registered', { schema_version: 2 })],
  ['no detail', { source: 'lapse', 'detail-type': 'Payment Request Registered' }],
  ['null', null],
  ['a text', 'lapse'],
])('isLapseEvent refuses %s', (_, value) => {
  expect(isLapseEvent(value)).toBe(false);
});
