import { describe, expect, it } from 'vitest';
import { UpdateVerbs } from '../../../functions/adapters/klarna/update-verbs.ts';
import type { UpdateVerb } from '../../../functions/application/ports.ts';
import type { KlarnaResponse } from '../../../functions/domain/klarna-response.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const done: KlarnaResponse = { kind: 'payment_request', state: 'SUBMITTED', proof: { status: '200' } };
const begun: KlarnaResponse = { kind: 'refused', isConflict: true, proof: { status: '409' } };
const silent: KlarnaResponse = {
  kind: 'unclear',
  retryAfterMillis: undefined,
  proof: { error: 'ETIMEDOUT' },
};
const limited: KlarnaResponse = { kind: 'rate_limited', retryAfterMillis: 1, proof: { status: '429' } };
const refused = (status: string, error_code?: string): KlarnaResponse => {
  const proof = { status, ...(error_code !== undefined && { error_code }) };
  if (status === '404') return { kind: 'not_found', proof };
  return status === '403' ? { kind: 'denied', proof } : { kind: 'refused', proof };
};

/** A Klarna that takes one verb, and processes that share their notes. */
function klarnaThatTakes(takes: UpdateVerb | undefined, other: KlarnaResponse, response = done) {
  const sent: UpdateVerb[] = [];
  const notes = new Map<string, UpdateVerb>();
  const faults: unknown[] = [];
  const clock = new VirtualClock();
  const open = (isDown = false) => {
    const stored = {
      updateVerb: (name: string) =>
        isDown ? Promise.reject(new Error('down')) : Promise.resolve(notes.get(name)),
      noteUpdateVerb: (name: string, verb: UpdateVerb) =>
        isDown ? Promise.reject(new Error('down')) : Promise.resolve(void notes.set(name, verb)),
    };
    const verbs = new UpdateVerbs({ notes: stored, clock, onFault: (error) => void faults.push(error) });
    return (credential = 'acquirer') =>
      verbs.send(credential, (verb) => {
        sent.push(verb);
        return Promise.resolve(verb === takes ? response : other);
      });
  };
  return { sent, notes, faults, clock, open };
}

describe('UpdateVerbs', () => {
  it('PUT is sent first, and alone where Klarna takes it', async () => {
    const { sent, notes, open } = klarnaThatTakes('PUT', refused('405'));
    const send = open();
    expect([await send(), await send()]).toEqual([done, done]);
    expect([sent, [...notes]]).toEqual([['PUT', 'PUT'], [['acquirer', 'PUT']]]);
  });

  it.each([
    ['405', refused('405')],
    ['400 without a code', refused('400')],
    ['404 without a code', refused('404')],
    ['403 without a code', refused('403')],
    ['400 with a code', refused('400', 'VALIDATION_ERROR')],
    ['404 with a code', refused('404', 'RESOURCE_NOT_FOUND')],
  ])('after a %s the other verb is sent once, and then alone', async (_, other) => {
    const { sent, open } = klarnaThatTakes('PATCH', other);
    const send = open();
    expect([await send(), await send(), await send()]).toEqual([done, done, done]);
    expect(sent).toEqual(['PUT', 'PATCH', 'PATCH', 'PATCH']);
  });

  it('another process sends the verb that one has found out', async () => {
    const { sent, open } = klarnaThatTakes('PATCH', refused('405'));
    await open()();
    await open()();
    expect(sent).toEqual(['PUT', 'PATCH', 'PATCH']);
  });

  it('each credential has a verb of its own', async () => {
    const { notes, open } = klarnaThatTakes('PATCH', refused('405'));
    const send = open();
    await send('a');
    expect([...notes.keys()]).toEqual(['a']);
    await send('b');
    expect([...notes]).toEqual([
      ['a', 'PATCH'],
      ['b', 'PATCH'],
    ]);
  });

  it('a request whose state forbids the update shows the verb, too', async () => {
    const { sent, notes, open } = klarnaThatTakes('PATCH', refused('404', 'RESOURCE_NOT_FOUND'), begun);
    expect(await open()()).toEqual(begun);
    expect([sent, notes.get('acquirer')]).toEqual([['PUT', 'PATCH'], 'PATCH']);
  });

  it('where Klarna changes its verb, the other one is found out again', async () => {
    const { sent, notes, open } = klarnaThatTakes('PUT', refused('405'));
    notes.set('acquirer', 'PATCH');
    const send = open();
    expect([await send(), await send()]).toEqual([done, done]);
    expect([sent, notes.get('acquirer')]).toEqual([['PATCH', 'PUT', 'PUT'], 'PUT']);
  });

  it.each([
    ['an unknown request', refused('404', 'RESOURCE_NOT_FOUND')],
    ['a refused expiry', refused('400', 'VALIDATION_ERROR')],
    ['a refusal of the credentials', refused('403', 'OPERATION_FORBIDDEN')],
    ['an invalid key', { kind: 'denied', proof: { status: '401' } } as const],
    ['no response', silent],
    ['the rate limit', limited],
  ])('%s does not put the verb in doubt that Klarna has taken before', async (_, response) => {
    const { sent, notes, open } = klarnaThatTakes('PUT', refused('405'), response);
    notes.set('acquirer', 'PUT');
    expect(await open()()).toEqual(response);
    expect(sent).toEqual(['PUT']);
  });

  it('a verb that was taken before is doubted after three refusals in a row', async () => {
    const { sent, notes, open } = klarnaThatTakes('PATCH', refused('404', 'RESOURCE_NOT_FOUND'));
    notes.set('acquirer', 'PUT');
    const send = open();
    for (let update = 0; update < 4; update += 1) await send();
    expect(sent).toEqual(['PUT', 'PUT', 'PUT', 'PATCH', 'PATCH']);
    expect(notes.get('acquirer')).toBe('PATCH');
  });

  it('an unknown request is told as such, whichever verb finds its route', async () => {
    const unknown = refused('404', 'RESOURCE_NOT_FOUND');
    const { notes, open } = klarnaThatTakes('PATCH', refused('405'), unknown);
    expect(await open()()).toEqual(unknown);
    expect(notes.get('acquirer')).toBe('PATCH');
  });

  it('where neither verb is taken, the other one is tried a few times, and then once in ten minutes', async () => {
    const { sent, notes, clock, open } = klarnaThatTakes(undefined, refused('400', 'VALIDATION_ERROR'));
    const send = open();
    for (let update = 0; update < 20; update += 1)
      expect(await send()).toEqual(refused('400', 'VALIDATION_ERROR'));
    expect(sent.filter((verb) => verb === 'PATCH')).toHaveLength(3);
    clock.advance(600_000);
    await send();
    await send();
    expect(sent.filter((verb) => verb === 'PATCH')).toHaveLength(4);
    expect(notes.size).toBe(0);
  });

  it('a silent Klarna is not tried with the other verb, and teaches nothing', async () => {
    const { sent, notes, open } = klarnaThatTakes('PUT', refused('405'), silent);
    expect(await open()()).toEqual(silent);
    expect([sent, notes.size]).toEqual([['PUT'], 0]);
  });

  it('a table that does not respond costs the shared knowledge only', async () => {
    const { sent, faults, open } = klarnaThatTakes('PATCH', refused('405'));
    const send = open(true);
    expect([await send(), await send()]).toEqual([done, done]);
    expect(sent).toEqual(['PUT', 'PATCH', 'PATCH']);
    expect(faults).toHaveLength(2);
  });
});
