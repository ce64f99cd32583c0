import { afterEach, describe, expect, it } from 'vitest';
import { checkCredential } from '../../../functions/adapters/secrets/secret-credentials.ts';
import { accessOf } from '../../../operations/connect/connection.ts';
import { rotateSigningKey } from '../../../operations/connect/rotate-signing-key.ts';
import { type ConnectWorld, Killed, openConnectWorld } from '../../support/connect-world.ts';
import { acquirer } from '../../support/credentials.ts';
import { planted, plantedIn } from '../../support/planted-secrets.ts';

let world: ConnectWorld;
afterEach(() => world.close());

const partner = 'krn:partner:global:account:test:M48JWZF8';

/** What must be so after every way to a finished connection: one webhook, one key that is in use and stored, and nothing left over. */
async function expectConnected(
  { klarna, entries, credential, names, note, refused }: ConnectWorld,
  lost?: string,
) {
  const [webhooks, keys] = [await klarna.webhooks(), await klarna.signingKeys()];
  expect(webhooks).toEqual([
    expect.objectContaining({
      url: world.webhookUrl,
      status: 'ENABLED',
      event_version: 'v2',
      event_types: ['payment.request.*', 'payment.transaction.state-change.*', 'partner.account.*'],
    }),
  ]);
  const [used] = webhooks.map((webhook) => webhook.signing_key_id);
  expect(keys.map((key) => key.signing_key_id)).toEqual([used]);
  expect(Object.entries(entries())).toEqual([
    [
      used,
      {
        key: expect.any(String) as string,
        live: false,
        recipient_account_id: acquirer,
        credential: 'acquirer',
        subjects: '*',
      },
    ],
  ]);
  expect(credential()).toMatchObject({
    environment: 'test',
    api_key: planted.apiKey,
    acquirer_account_id: acquirer,
  });
  expect(names).toEqual(['acquirer']);
  expect(note()).toBeUndefined();
  // A test delivery with a lost key may still be on its way.
  expect(refused.filter((id) => id !== lost)).toEqual([]);
}

/** No line has the API key or a signing key. */
function expectNoSecrets({ lines, entries }: ConnectWorld) {
  const text = lines.join('\n');
  for (const { key } of Object.values(entries())) expect(text).not.toContain(key);
  expect(text).not.toContain(planted.apiKey);
}

const effects = ({ killer }: ConnectWorld) =>
  killer.calls.filter((call) => !call.startsWith('GET ') && !call.endsWith('/simulate'));

describe('lapse connect', () => {
  it('a first run makes a key, stores it, subscribes, writes the credential and sees a delivery', async () => {
    world = await openConnectWorld();
    expect(await world.connect()).toBe(true);
    await expectConnected(world);
    expectNoSecrets(world);
    expect(effects(world)).toEqual([
      'begin note',
      'POST /v2/notification/signing-keys',
      'write signing-keys',
      'POST /v2/notification/webhooks',
      'end note',
      'create Lapse/credentials/acquirer',
      'add name',
    ]);
    expect(world.steps.at(-1)).toEqual({ step: 'delivery', result: 'done' });
  });

  it('a second run changes nothing, with the key or without it', async () => {
    world = await openConnectWorld();
    await world.connect();
    for (const request of [{}, { apiKey: undefined }, { acquirerAccountId: undefined }]) {
      world.killer.calls.splice(0);
      expect(await world.connect(request)).toBe(true);
      expect(world.killer.calls.filter((call) => !call.startsWith('GET '))).toEqual([]);
      expect(world.steps.every(({ result }) => result === 'unchanged')).toBe(true);
    }
    await expectConnected(world);
  });

  it('a dry run changes nothing, and says what it would do', async () => {
    world = await openConnectWorld();
    expect(await world.connect({}, true)).toBe(true);
    expect(world.killer.calls.filter((call) => !call.startsWith('GET '))).toEqual([]);
    expect(world.steps.filter(({ result }) => result === 'would_do').map(({ step }) => step)).toEqual([
      'signing_key',
      'webhook',
      'credential',
    ]);
    expectNoSecrets(world);
  });
});

describe('lapse connect, killed at a call', () => {
  it.each(['before', 'after'] as const)(
    'a run that is killed %s each call in turn is repaired by the next run',
    async (when) => {
      let killedAt = 0;
      for (let call = 1; ; call += 1) {
        world = await openConnectWorld();
        world.killer.killAt(call, when);
        const outcome = await world.connect().catch((error: unknown) => error);
        if (outcome === true) break;
        expect(outcome).toBeInstanceOf(Killed);
        killedAt = call;
        world.killer.spare();
        expect(await world.connect(), `after call ${call}`).toBe(true);
        await expectConnected(world);
        expectNoSecrets(world);
        await world.close();
      }
      expect(killedAt).toBeGreaterThan(15);
    },
    60_000,
  );

  it('two kills one after the other are repaired', async () => {
    for (const [first, second] of [
      [8, 9],
      [8, 8],
      [9, 14],
      [14, 20],
      [10, 12],
    ] as const) {
      world = await openConnectWorld();
      world.killer.killAt(first, 'after');
      await expect(world.connect()).rejects.toBeInstanceOf(Killed);
      world.killer.killAt(second, 'after');
      await world.connect().catch(() => undefined);
      world.killer.spare();
      expect(await world.connect()).toBe(true);
      await expectConnected(world);
      await world.close();
    }
    world = await openConnectWorld();
  });
});

describe('lapse connect, run twice at once', () => {
  it('the next run leaves one webhook and one key in use, and a surplus key is deleted when it is due', async () => {
    for (let round = 0; round < 8; round += 1) {
      world = await openConnectWorld();
      const turns = Array.from({ length: round }, () => world.clock.wait(0));
      await Promise.allSettled([world.connect(), Promise.all(turns).then(() => world.connect())]);
      expect(await world.connect()).toBe(true);
      const [webhook, ...others] = await world.klarna.webhooks();
      expect(others).toEqual([]);
      const entries = world.entries();
      expect(entries).toHaveProperty([webhook?.signing_key_id ?? '']);
      const atKlarna = (await world.klarna.signingKeys()).map((key) => key.signing_key_id);
      expect(atKlarna.toSorted()).toEqual(Object.keys(entries).toSorted());
      const surplus = Object.entries(entries).filter(([id]) => id !== webhook?.signing_key_id);
      for (const [, entry] of surplus) expect(entry['retire_after']).toMatch(/Z$/);
      world.pass(25 * 3_600_000);
      if (surplus.length > 0) {
        const { connectionWith } = world;
        const access = accessOf(checkCredential('acquirer', world.credential()) as never);
        const klarna = connectionWith().klarnaWith('test', access);
        await rotateSigningKey(connectionWith(), klarna, () => Promise.resolve(true));
      }
      await expectConnected(world);
      await world.close();
    }
    world = await openConnectWorld();
  });
});

describe('lapse connect, for what is there already', () => {
  it('a key whose secret was lost is replaced, and deleted, after every kill', async () => {
    for (const when of ['before', 'after'] as const) {
      for (let call = 1; ; call += 1) {
        world = await openConnectWorld();
        await world.connect();
        world.secrets.put('signing-keys', '{}');
        const [lost] = await world.klarna.signingKeys();
        world.killer.killAt(call, when);
        const outcome = await world.connect().catch((error: unknown) => error);
        world.killer.spare();
        if (outcome !== true) expect(await world.connect()).toBe(true);
        await expectConnected(world, lost?.signing_key_id);
        expect(await world.klarna.signingKeys()).not.toContainEqual(lost);
        if (outcome === true) break;
        await world.close();
      }
      if (when === 'before') await world.close();
    }
  }, 60_000);

  it('a disabled webhook with fewer types is enabled, and gets the types that it lacks', async () => {
    world = await openConnectWorld();
    const { signing_key_id } = await world.klarna.createSigningKey();
    await world.klarna.subscribe({
      url: world.webhookUrl,
      event_types: ['payment.request.*'],
      event_version: 'v2',
      signing_key_id,
      status: 'DISABLED',
    });
    expect(await world.connect()).toBe(true);
    await expectConnected(world);
  });

  it('a webhook of another address, and signing keys of other systems, stay', async () => {
    world = await openConnectWorld();
    const [other, unused] = [await world.klarna.createSigningKey(), await world.klarna.createSigningKey()];
    await world.klarna.subscribe({
      url: 'https://other.example/hook',
      event_types: ['payment.*'],
      event_version: 'v2',
      signing_key_id: other.signing_key_id,
      status: 'ENABLED',
    });
    world.killer.killAt(9, 'after');
    await world.connect().catch(() => undefined);
    world.killer.spare();
    expect(await world.connect()).toBe(true);
    expect(await world.klarna.webhooks()).toHaveLength(2);
    const keys = (await world.klarna.signingKeys()).map((key) => key.signing_key_id);
    expect(keys).toEqual(expect.arrayContaining([other.signing_key_id, unused.signing_key_id]));
    expect(keys).toHaveLength(3);
  });

  it('policies that the credential has stay', async () => {
    world = await openConnectWorld();
    await world.connect();
    world.secrets.put(
      'Lapse/credentials/acquirer',
      JSON.stringify({ ...world.credential(), rate_share: 0.25 }),
    );
    expect(await world.connect()).toBe(true);
    expect(world.credential()).toMatchObject({ rate_share: 0.25, api_key: planted.apiKey });
  });

  it('a webhook that belongs to another credential is left alone', async () => {
    world = await openConnectWorld();
    await world.connect();
    const [id = ''] = Object.keys(world.entries());
    const entry = { ...world.entries()[id], credential: 'first' };
    world.secrets.put('signing-keys', JSON.stringify({ [id]: entry }));
    await expect(world.connect()).rejects.toThrow('belongs to the credential first');
    expect(world.entries()).toEqual({ [id]: entry });
  });

  it('an account with a key of its own is bound by its id', async () => {
    world = await openConnectWorld();
    expect(await world.connect({ acquirerAccountId: undefined, partnerAccountId: partner })).toBe(true);
    expect(Object.values(world.entries())).toEqual([
      { key: expect.any(String) as string, live: false, accounts: { [partner]: 'acquirer' } },
    ]);
    expect(world.credential()).not.toHaveProperty('acquirer_account_id');
    const [webhook] = await world.klarna.webhooks();
    expect(webhook?.event_types).toEqual(['payment.request.*', 'payment.transaction.state-change.*']);
    world.killer.calls.splice(0);
    expect(await world.connect({ acquirerAccountId: undefined, partnerAccountId: partner })).toBe(true);
    expect(effects(world)).toEqual([]);
  });
});

describe('lapse connect, for what cannot be right', () => {
  it.each([
    [
      'a key of the other environment',
      { apiKey: 'klarna_live_api_x' },
      'of the environment live; --env is test',
    ],
    ['a client id', { apiKey: 'klarna_test_client_x' }, 'client id'],
    ['a key with a space', { apiKey: 'klarna_test_api_x y' }, 'has a character that no key has'],
    ['no key', { apiKey: undefined }, 'The API key is missing'],
    ['an unknown key', { apiKey: 'klarna_test_api_unknown' }, 'does not accept the API key'],
    [
      'an account whose name cannot be made from its id',
      { acquirerAccountId: 'krn:partner:global:account:test:m48jwzf8' },
      'ends in capital letters',
    ],
    ['no account', { acquirerAccountId: undefined }, 'Give --acquirer-account KRN'],
    [
      'an account of the other environment',
      { acquirerAccountId: acquirer.replace(':test:', ':live:') },
      'is an account of the environment live',
    ],
  ])('%s is refused before anything is changed', async (_, request, sentence) => {
    world = await openConnectWorld();
    const error: unknown = await world.connect(request).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).name).toBe('UsageError');
    expect((error as Error).message).toContain(sentence);
    expect((error as Error).message).not.toContain('klarna_live_api_x');
    expect(effects(world)).toEqual([]);
  });

  it('another environment or account than that of the credential is refused', async () => {
    world = await openConnectWorld();
    await world.connect();
    world.killer.calls.splice(0);
    await expect(world.connect({ environment: 'live' })).rejects.toThrow('is of the environment test');
    await expect(world.connect({ acquirerAccountId: partner })).rejects.toThrow(acquirer);
    await expect(world.connect({ acquirerAccountId: undefined, partnerAccountId: partner })).rejects.toThrow(
      'is for the acquiring partner',
    );
    expect(world.killer.calls).toEqual([]);
  });

  it('another API key replaces the stored one only after a question', async () => {
    const other = 'klarna_test_api_other';
    world = await openConnectWorld({ apiKeys: { [planted.apiKey]: {}, [other]: {} } });
    await world.connect();
    await expect(world.connect({ apiKey: other, confirm: () => Promise.resolve(false) })).rejects.toThrow(
      'Nothing was changed',
    );
    expect(world.credential()['api_key']).toBe(planted.apiKey);
    expect(await world.connect({ apiKey: other })).toBe(true);
    expect(world.credential()['api_key']).toBe(other);
    expect(world.lines.join('\n')).toContain('~ api_key');
    expect(world.lines.join('\n')).not.toContain(other);
  });

  it('a full secret and a malformed user name are found before anything is changed at Klarna', async () => {
    world = await openConnectWorld();
    await expect(world.connect({ username: 'a:b' })).rejects.toThrow('--username has a colon');
    const entry = { key: 'x'.repeat(65_300), accounts: { 'krn:partner:1': 'shop' } };
    world.secrets.put('signing-keys', JSON.stringify({ 'key-1': entry }));
    await expect(world.connect()).rejects.toThrow('allowed: at most 65536');
    expect(await world.klarna.signingKeys()).toEqual([]);
    expect(effects(world)).toEqual([]);
  });

  it('a malformed entry in signing-keys is named before anything is subscribed', async () => {
    world = await openConnectWorld();
    world.secrets.put('signing-keys', JSON.stringify({ 'key-1': { kee: planted.signingKey } }));
    const error: unknown = await world.connect().catch((thrown: unknown) => thrown);
    expect((error as Error).message).toContain('entry key-1');
    expect((error as Error).message).toContain('did you mean key');
    expect((error as Error).message).not.toContain(planted.signingKey);
    expect(await world.klarna.webhooks()).toEqual([]);
  });
});

describe('lapse connect, where Klarna refuses', () => {
  it('no error and no line repeats what Klarna quotes, at whichever call it refuses', async () => {
    for (let call = 1; ; call += 1) {
      world = await openConnectWorld();
      world.killer.refusesFrom = call;
      const outcome: unknown = await world.connect().catch((error: unknown) => error);
      const shown = [...world.lines, outcome instanceof Error ? String(outcome.stack) : ''].join('\n');
      expect(plantedIn(shown), `refused from call ${call}`).toEqual([]);
      if (outcome === true) break;
      world.killer.refusesFrom = Number.POSITIVE_INFINITY;
      expect(await world.connect()).toBe(true);
      await expectConnected(world);
      await world.close();
    }
  }, 60_000);
});

describe('lapse connect, for the way to send the key', () => {
  it('a user name that Klarna wants is found, and stored', async () => {
    world = await openConnectWorld({ apiKeys: { [planted.apiKey]: { username: 'shop' } } });
    expect(await world.connect({ username: 'shop' })).toBe(true);
    expect(world.credential()).toMatchObject({ username: 'shop' });
    expect(world.lines[0]).toContain('base64 of the user name and the key');
  });

  it.each([
    ['key', 'the key as it is'],
    ['colon-key', 'base64 of a colon and the key'],
  ])('the only way that Klarna accepts is found: %s', async (encoding, words) => {
    world = await openConnectWorld();
    await fetch(`${world.simulator.url}/_simulator/settings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ keyEncodings: [encoding] }),
    });
    expect(await world.connect()).toBe(true);
    expect(world.lines[0]).toContain(words);
    expect(world.credential()['username']).toBe(encoding === 'key' ? undefined : '');
  });
});
