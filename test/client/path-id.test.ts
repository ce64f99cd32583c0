import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LapseClient, LapseProblem } from '../../client/lapse-client.ts';
import { requirePathId } from '../../client/path-id.ts';
import { pathIdPattern } from '../../functions/domain/identifiers.ts';

function isAccepted(text: string): boolean {
  try {
    requirePathId('session_id', text);
    return true;
  } catch {
    return false;
  }
}

const refused = ['', '.', '..', 'a/b', 'a\\b', 'a?b', 'a#b', 'a%2Fb', 'a\nb', 'x'.repeat(256)];

const sent: string[] = [];
const client = () =>
  new LapseClient({
    url: 'http://127.0.0.1:1',
    account: 'demo',
    authorization: 'none',
    fetch: (request) => {
      sent.push(request.url);
      return Promise.resolve(new Response('{}', { status: 200 }));
    },
  });

const id = 'krn:payment:eu1:request:552603c0-fe8b-4ab1-aacb-41d55fafbdb4';
const session_timeout = 'PT20M';

describe('an id that a path cannot carry', () => {
  it.each(refused)('the client refuses %j before it sends a call', async (text) => {
    const lapse = client();
    const calls: readonly [string, () => Promise<unknown>][] = [
      ['payment_request_id', () => lapse.get(text)],
      ['session_id', () => lapse.session(text)],
      ['session_id', () => lapse.cancelSession(text)],
      ['session_id', () => lapse.register(id, { session_timeout, session_id: text })],
      ['reference', () => lapse.register(id, { session_timeout, reference: text })],
      ['session_id', () => lapse.startCancelJob('job', { session_id: text })],
      ['job_id', () => lapse.cancelJob(text)],
      ['job_id', () => lapse.cancelJobReport(text).next()],
    ];
    for (const [field, call] of calls) {
      const error: unknown = await call().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(LapseProblem);
      expect(error).toMatchObject({ type: 'invalid-request', status: 400, errors: [{ field }] });
    }
    expect(sent).toEqual([]);
  });

  it('the client and the API have the same rule for every text', () => {
    const part = fc.constantFrom(
      '.',
      '/',
      '\\',
      '?',
      '#',
      '%',
      '\u200c',
      '\u200d',
      '\u200b',
      '👩',
      'å',
      ' ',
      '\ud800',
    );
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: part, maxLength: 4 }), fc.string({ unit: 'binary' })),
        (text) => {
          expect(isAccepted(text)).toBe(pathIdPattern.test(text));
        },
      ),
    );
  });
});

it.each(['👩\u200d👧', 'می\u200cخواهم', 'a b:c', '...'])(
  'the client sends the id %j as one segment, which decodes to the same text',
  async (text) => {
    sent.length = 0;
    await client().session(text);
    const [, encoded = ''] = /\/sessions\/([^/?#]*)$/.exec(sent[0] ?? '') ?? [];
    expect(decodeURIComponent(encoded)).toBe(text);
  },
);
