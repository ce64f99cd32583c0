import { describe, expect, it } from 'vitest';
import {
  eventReceiver,
  isLapseEvent,
  isLapseEventOf,
  type LapseEvent,
  type LapseEventType,
} from '../../client/lapse-client.ts';
import { eventTypes } from '../../functions/contract/event-types.ts';
import { eventSchemas } from '../support/event-contract.ts';

interface Example {
  readonly source: string;
  readonly 'detail-type': LapseEventType;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** One example of each type, from the published schemas. */
const examples = [...eventSchemas.values()].map((schema) => (schema['examples'] as readonly Example[])[0]);
const cases = examples.flatMap((each) => (each ? [[each['detail-type'], each] as const] : []));

describe('isLapseEvent', () => {
  it('the client knows every type of event that Lapse publishes', () => {
    expect(cases.map(([type]) => type).toSorted()).toEqual([...eventTypes].toSorted());
  });

  it.each(cases)('the example of %s is an event of its type, and of no other', (type, example) => {
    expect(isLapseEvent(example)).toBe(true);
    expect(eventTypes.filter((each) => isLapseEventOf(example, each))).toEqual([type]);
  });

  it.each(cases)(
    '%s with the envelope of EventBridge, new fields and new values is an event',
    (_, example) => {
      const detail = { ...example.detail, state: 'A_NEW_STATE', new_field: 1 };
      expect(isLapseEvent({ ...example, detail, version: '0', id: 'x', region: 'eu-north-1' })).toBe(true);
    },
  );

  it.each(cases)(
    '%s without one of its fields, or with another kind of value, is not an event',
    (_, example) => {
      for (const field of Object.keys(example.detail)) {
        const { [field]: value, ...rest } = example.detail;
        expect(isLapseEvent({ ...example, detail: rest })).toBe(false);
        expect(isLapseEvent({ ...example, detail: { ...rest, [field]: [value] } })).toBe(false);
      }
    },
  );

  it.each([
    undefined,
    null,
    'text',
    [],
    {},
    { source: 'lapse', 'detail-type': 'Payment Request Registered' },
    { source: 'lapse', 'detail-type': 'toString', detail: {} },
  ])('%j is not an event', (value) => {
    expect(isLapseEvent(value)).toBe(false);
  });

  it('an event of another source or a later schema is not an event that the client knows', () => {
    const [, example] = cases[0] ?? [];
    expect(isLapseEvent({ ...example, source: 'shop' })).toBe(false);
    expect(isLapseEvent({ ...example, detail: { ...example?.detail, schema_version: 2 } })).toBe(false);
  });

  it('the compiler knows the fields of a type', () => {
    const causeOf = (event: LapseEvent): string | null =>
      event['detail-type'] === 'Payment Request Needs Attention' ? event.detail.cause : null;
    const attention = cases.find(([type]) => type === 'Payment Request Needs Attention')?.[1] as LapseEvent;
    expect(causeOf(attention)).toBe(attention.detail.cause);
  });
});

describe('eventReceiver', () => {
  const [, event] = cases[0] ?? [];
  const body = JSON.stringify(event);
  const receive = eventReceiver({ keys: ['new-key', 'old-key'] });

  it.each<[string, Parameters<typeof receive>[0]]>([
    ['the headers of fetch', { headers: new Headers({ 'X-Api-Key': 'new-key' }), body }],
    ['the headers of Node', { headers: { 'x-api-key': 'new-key' }, body }],
    ['a body that is parsed', { headers: { 'x-api-key': 'new-key' }, body: event }],
    ['the older of two keys', { headers: { 'x-api-key': 'old-key' }, body }],
  ])('an event with %s is received', async (_, delivery) => {
    expect(await receive(delivery)).toEqual({ outcome: 'event', status: 200, event });
  });

  it.each<[string, Parameters<typeof receive>[0]['headers']]>([
    ['no key', {}],
    ['an empty key', { 'x-api-key': '' }],
    ['another key', { 'x-api-key': 'new-kez' }],
    ['the start of a key', { 'x-api-key': 'new-ke' }],
    ['a key with more after it', { 'x-api-key': 'new-key2' }],
    ['the key in another header', { authorization: 'new-key' }],
    ['two headers', { 'x-api-key': 'new-key', 'X-Api-Key': 'new-key' }],
    ['a list of keys', { 'x-api-key': ['new-key', 'old-key'] }],
  ])('a delivery with %s is refused, whatever its body', async (_, headers) => {
    for (const each of [body, '{', undefined])
      expect(await receive({ headers, body: each })).toEqual({ outcome: 'refused', status: 401 });
  });

  const headers = { 'x-api-key': 'new-key' };

  it.each(['', '{', 'null', '"text"', '{}', JSON.stringify({ ...event, detail: {} })])(
    'the body %j is malformed',
    async (text) => {
      expect(await receive({ headers, body: text })).toEqual({ outcome: 'malformed', status: 400 });
    },
  );

  it.each<[string, object]>([
    ['another type', { ...event, 'detail-type': 'Payment Request Repriced' }],
    ['a later schema', { ...event, detail: { ...event?.detail, schema_version: 2 } }],
  ])('an event of %s gets 200, so that it is not sent again', async (_, later) => {
    expect(await receive({ headers, body: later })).toMatchObject({ outcome: 'unknown_event', status: 200 });
  });

  it('the header has another name where the options say so', async () => {
    const own = eventReceiver({ keys: ['k'], headerName: 'Authorization' });
    expect(await own({ headers: { authorization: 'k' }, body })).toMatchObject({ outcome: 'event' });
    expect(await own({ headers: { 'x-api-key': 'k' }, body })).toMatchObject({ outcome: 'refused' });
  });

  it.each([[[]], [['']], [[' ']], [['key', undefined as never]]])('the keys %j are refused', (keys) => {
    expect(() => eventReceiver({ keys })).toThrow(
      'keys has no key or an empty one; allowed: at least one key,',
    );
  });
});
