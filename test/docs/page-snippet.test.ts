/** Runs the page of docs/guides/show-the-time-left.md as it is printed. */
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';

const guide = readFileSync('docs/guides/show-the-time-left.md', 'utf8');
const [, snippet = ''] = /<script type="module">\n(.*?)<\/script>/s.exec(guide) ?? [];

/** A response to the page; `down` is a network error. A text is the status of the session, a number its seconds. */
type Reply = 'down' | number | { readonly status: string; readonly seconds_left: number | null };

const open = { status: 'open', seconds_left: 90 };
const paid = { status: 'paid', seconds_left: null };

/** What the page shows after each reading, and what it sent. Time passes by 15 seconds after each reading but the last. */
async function play(replies: readonly Reply[], renewals: readonly number[] = []) {
  const left = { textContent: '' };
  const data = { textContent: JSON.stringify({ url: 'https://api.example/page/session', token: 'first' }) };
  const [waiting, renewing] = [[...replies], [...renewals]];
  const shown: string[] = [];
  const sent: string[] = [];
  let now = 0;
  let tick: () => void = () => undefined;
  const fetchOf = (url: string, { headers }: { readonly headers?: Readonly<Record<string, string>> }) => {
    if (url === '/page-token') {
      sent.push('renewal');
      const status = renewing.shift() ?? 500;
      return Promise.resolve(Response.json({ token: `token ${renewing.length}` }, { status }));
    }
    sent.push(`${headers?.['authorization']} ${headers?.['if-none-match'] ?? ''}`.trim());
    const reply = waiting.shift();
    if (reply === undefined)
      return Promise.reject(new Error('the page reads more often than the test expects'));
    if (reply === 'down') return Promise.reject(new TypeError('Failed to fetch'));
    return Promise.resolve(
      typeof reply === 'number'
        ? new Response(null, { status: reply })
        : Response.json(reply, { headers: { etag: 'W/"1"' } }),
    );
  };
  const ended = runInNewContext(`(async () => {${snippet}})()`, {
    document: { getElementById: (id: string) => (id === 'left' ? left : data) },
    fetch: fetchOf,
    performance: { now: () => now },
    setInterval: (show: () => void) => {
      tick = show;
    },
    setTimeout: (done: () => void, millis: number) => {
      shown.push(left.textContent);
      now += millis;
      tick();
      // A page that goes on after the last reply stays open.
      if (waiting.length > 0) setImmediate(done);
      else stays();
    },
  }) as Promise<void>;
  let stays: () => void = () => undefined;
  const staysOpen = new Promise<void>((done) => {
    stays = done;
  });
  const end = await Promise.race([ended.then(() => 'stops'), staysOpen.then(() => 'goes on')]);
  if (end === 'stops') shown.push(left.textContent);
  return { end, shown, sent };
}

it.each<[string, readonly Reply[], string, readonly string[]]>([
  ['a payment', [open, 304, paid], 'stops', ['90 seconds left', '75 seconds left', 'paid']],
  ['an end that is not known', [{ ...open, seconds_left: null }], 'goes on', ['']],
  [
    'an end that has passed',
    [{ ...open, seconds_left: 10 }, 304],
    'goes on',
    ['10 seconds left', '0 seconds left'],
  ],
  ['503 at first', [503, open], 'goes on', ['', '90 seconds left']],
  ['500 at first', [500, open], 'goes on', ['', '90 seconds left']],
  ['a network error', [open, 'down', paid], 'stops', ['90 seconds left', '75 seconds left', 'paid']],
  ['503 in between', [open, 503, 304], 'goes on', ['90 seconds left', '75 seconds left', '60 seconds left']],
  ['an unknown session', [404], 'stops', ['']],
  ['a session that is erased', [open, 404], 'stops', ['90 seconds left', '']],
])('the page of the guide shows the right thing after %s', async (_, replies, end, shown) => {
  expect(await play(replies)).toMatchObject({ end, shown });
});

it('the page of the guide gets a new token after a 401, and goes on', async () => {
  const { end, shown, sent } = await play([open, 401, 304, 401, paid], [200, 200]);
  expect([end, shown]).toEqual(['stops', ['90 seconds left', '75 seconds left', 'paid']]);
  expect(sent).toEqual([
    'Bearer first',
    'Bearer first W/"1"',
    'renewal',
    'Bearer token 1 W/"1"',
    'Bearer token 1 W/"1"',
    'renewal',
    'Bearer token 0 W/"1"',
  ]);
});

it.each([
  ['the new token is refused', [200]],
  ['the back end gives none', [403]],
])('the page of the guide stops where %s', async (_, renewals) => {
  const { end, shown, sent } = await play([open, 401, 401], renewals);
  expect([end, shown]).toEqual(['stops', ['90 seconds left', '']]);
  expect(sent.filter((call) => call === 'renewal')).toHaveLength(1);
});
