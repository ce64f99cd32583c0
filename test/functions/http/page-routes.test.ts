import { expect, it } from 'vitest';
import type { PageKeys, PageTokenKeys } from '../../../functions/application/ports.ts';
import type { SessionId } from '../../../functions/domain/identifiers.ts';
import { pageReadRoutes } from '../../../functions/http/page-routes.ts';
import { signPageToken } from '../../../functions/http/page-token-signature.ts';
import { Problem } from '../../../functions/http/problem.ts';
import { account, at, noon, recordWith } from '../../support/fixtures.ts';
import { apiEvent } from '../../support/lambda-events.ts';

const sessionId = 'cart-17' as SessionId;
const [old, next] = ['o'.repeat(64), 'n'.repeat(64)];
const claims = { account, sessionId, expiresAt: at('2099-03-01T12:30:00Z') };

/** A process that knows these keys, and reads others when it looks again. */
function read(authorization: string, known: PageTokenKeys, refreshed: PageTokenKeys | undefined) {
  let refreshes = 0;
  const keys: PageKeys = {
    known: () => Promise.resolve(known),
    refreshed: () => {
      refreshes += 1;
      return Promise.resolve(refreshed);
    },
  };
  const { handlers } = pageReadRoutes({
    readSession: () => Promise.resolve([recordWith({ sessionId })]),
    clock: { instant: () => noon },
    page: { origins: new Set(), keys },
  });
  const event = apiEvent({ method: 'GET', route: '/page/session', headers: { authorization } });
  const outcome = handlers['GET /page/session'](event).then(
    ({ statusCode }) => statusCode,
    (error: unknown) => (error instanceof Problem ? error.type : String(error)),
  );
  return outcome.then((response) => ({ response, refreshes }));
}

it('a token of a key that this process has not read yet is accepted after another read of the secret', async () => {
  const token = `Bearer ${signPageToken(claims, next)}`;
  expect(await read(token, [old], [next, old])).toEqual({ response: 200, refreshes: 1 });
});

it('a token that no key has signed is refused, whether the secret was read again or not', async () => {
  const token = `Bearer ${signPageToken(claims, 'x'.repeat(64))}`;
  expect(await read(token, [old], [next, old])).toEqual({ response: 'invalid-page-token', refreshes: 1 });
  expect(await read(token, [old], undefined)).toEqual({ response: 'invalid-page-token', refreshes: 1 });
});

it('the secret is not read again for a token that is valid, or that is not one', async () => {
  const token = `Bearer ${signPageToken(claims, old)}`;
  expect(await read(token, [old], [next, old])).toEqual({ response: 200, refreshes: 0 });
  expect(await read('Bearer none', [old], [next])).toEqual({ response: 'invalid-page-token', refreshes: 0 });
});
