import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { CachedSecret } from '../../../functions/adapters/secrets/cached-secret.ts';
import {
  pageKeyRefreshSeconds,
  SecretPageKeys,
} from '../../../functions/adapters/secrets/secret-page-keys.ts';
import { planted, plantedIn } from '../../support/planted-secrets.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const client = new SecretsManagerClient({ region: 'eu-north-1' });
const manager = mockClient(client);
const next = 'n'.repeat(64);

const holds = (secret: unknown): void => {
  manager.resolves({ SecretString: JSON.stringify(secret) });
};

function open(secret: unknown) {
  manager.reset();
  holds(secret);
  const clock = new VirtualClock();
  const options = {
    client,
    clock,
    secretId: 'lapse/page-keys',
    cacheSeconds: 120,
    refreshSeconds: pageKeyRefreshSeconds,
  };
  return { clock, keys: new SecretPageKeys(new CachedSecret(options)) };
}

describe('the keys of page tokens', () => {
  it('the current key is first, and the previous one is valid too', async () => {
    expect(await open({ current: planted.pageKey }).keys.known()).toEqual([planted.pageKey]);
    const rotated = { current: next, previous: planted.pageKey, rotated_at: '2026-03-01T12:00:00Z' };
    expect(await open(rotated).keys.known()).toEqual([next, planted.pageKey]);
  });

  it('a rotation is known after the cache time', async () => {
    const { clock, keys } = open({ current: planted.pageKey });
    await keys.known();
    holds({ current: next, previous: planted.pageKey });
    clock.advance(119_000);
    expect(await keys.known()).toEqual([planted.pageKey]);
    clock.advance(1_000);
    expect(await keys.known()).toEqual([next, planted.pageKey]);
  });

  it('the secret is read again for an unknown key, at most every five seconds', async () => {
    const { clock, keys } = open({ current: planted.pageKey });
    await keys.known();
    holds({ current: next, previous: planted.pageKey });
    expect(await keys.refreshed()).toEqual([next, planted.pageKey]);
    expect(await keys.known()).toEqual([next, planted.pageKey]);
    clock.advance(4_999);
    expect(await keys.refreshed()).toBeUndefined();
    clock.advance(1);
    expect(await keys.refreshed()).toEqual([next, planted.pageKey]);
    expect(manager.calls()).toHaveLength(3);
  });

  it.each<[object, string]>([
    [{}, 'The secret page-keys: current is missing.'],
    [{ current: 'short' }, 'The secret page-keys: current must have at least 32 characters.'],
    [{ current: '' }, 'must have at least'],
    [{ current: planted.pageKey, previous: 'short' }, 'previous must have at least 32 characters'],
    [{ current: planted.pageKey, prevous: next }, 'prevous is not a setting; did you mean previous'],
    [{ current: [planted.pageKey] }, 'current must be a text'],
  ])('%j is refused, and no value is repeated', async (secret, sentence) => {
    const refusal = await open(secret)
      .keys.known()
      .catch((error: unknown) => String(error));
    expect(refusal).toContain(sentence);
    expect(plantedIn(String(refusal))).toEqual([]);
  });
});
