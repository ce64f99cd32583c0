import { describe, expect, it } from 'vitest';
import { eventReceiver } from '../../client/lapse-client.ts';
import { eventSchemas } from '../support/event-contract.ts';

describe('eventReceiver', () => {
  const [schema] = eventSchemas.values();
  const [event] = (schema?.['examples'] ?? []) as readonly Readonly<Record<string, object>>[];
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
    ['a later schema', { ...event, detail: { ...event?.['detail'], schema_version: 2 } }],
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
