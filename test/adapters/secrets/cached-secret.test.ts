import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { CachedSecret, parsedOnce } from '../../../functions/adapters/secrets/cached-secret.ts';
import { planted } from '../../support/planted-secrets.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const client = new SecretsManagerClient({ region: 'eu-north-1' });
const manager = mockClient(client);
let clock: VirtualClock;
let secret: CachedSecret;

const holds = (value: unknown) => {
  manager
    .on(GetSecretValueCommand)
    .resolves({ SecretString: typeof value === 'string' ? value : JSON.stringify(value) });
};
const reads = () => manager.calls().length;
const down = new Error('Secrets Manager is down');

beforeEach(() => {
  manager.reset();
  clock = new VirtualClock();
  secret = new CachedSecret({ client, clock, secretId: 'lapse/test', cacheSeconds: 300 });
  holds({ a: 1 });
});

describe('a secret with the name', () => {
  it('a secret is read once for the cache time', async () => {
    expect(await secret.entry('a')).toBe(1);
    clock.advance(299_999);
    expect(await secret.entry('a')).toBe(1);
    expect(reads()).toBe(1);
    expect(manager.commandCalls(GetSecretValueCommand)[0]?.args[0].input).toEqual({ SecretId: 'lapse/test' });
  });

  it('a secret has its new value after the cache time, and a removed name is gone', async () => {
    await secret.entry('a');
    holds({ a: 2 });
    clock.advance(300_000);
    expect(await secret.entry('a')).toBe(2);
    holds({});
    clock.advance(300_000);
    expect(await secret.entry('a')).toBeUndefined();
    expect(reads()).toBe(3);
  });

  it('simultaneous finds share one call, cold or expired', async () => {
    expect(await Promise.all(Array.from({ length: 20 }, () => secret.entry('a')))).toEqual(Array(20).fill(1));
    expect(reads()).toBe(1);
    clock.advance(300_000);
    await Promise.all(Array.from({ length: 20 }, () => secret.entry('a')));
    expect(reads()).toBe(2);
  });
});

describe('a secret without the name', () => {
  it('unknown names cause at most one read a minute', async () => {
    await secret.entry('a');
    for (let second = 0; second < 120; second += 1) {
      expect(await secret.entry(`unknown-${second}`)).toBeUndefined();
      clock.advance(1000);
    }
    expect(reads()).toBe(1 + 2);
  });

  it('unknown names cause a read more often where the secret says so', async () => {
    secret = new CachedSecret({
      client,
      clock,
      secretId: 'lapse/test',
      cacheSeconds: 300,
      refreshSeconds: 5,
    });
    await secret.entry('a');
    for (let second = 0; second < 120; second += 1) {
      expect(await secret.entry(`unknown-${second}`)).toBeUndefined();
      clock.advance(1000);
    }
    expect(reads()).toBe(1 + 24);
  });

  it('a new name is found by the read that an unknown name causes', async () => {
    await secret.entry('a');
    holds({ a: 1, b: 2 });
    expect(await secret.entry('b')).toBe(2);
    expect(reads()).toBe(2);
  });

  it('simultaneous finds of a new name share the read', async () => {
    await secret.entry('a');
    holds({ a: 1, b: 2, c: 3 });
    expect(await Promise.all(['b', 'c', 'b', 'd'].map((name) => secret.entry(name)))).toEqual([
      2,
      3,
      2,
      undefined,
    ]);
    expect(reads()).toBe(2);
  });

  it('an unknown name right after a read causes no second read', async () => {
    expect(await secret.entry('unknown')).toBeUndefined();
    expect(reads()).toBe(1);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])(
    'the name %j is unknown',
    async (name) => {
      expect(await secret.entry(name)).toBeUndefined();
    },
  );
});

it('each read tells how much of the longest secret is used, in bytes and not in characters', async () => {
  const told: number[] = [];
  const watched = new CachedSecret({
    client,
    clock,
    secretId: 'lapse/test',
    cacheSeconds: 300,
    onRead: (percent) => void told.push(percent),
  });
  holds(JSON.stringify({ a: 'é'.repeat(16_380) }));
  await watched.entry('a');
  await watched.entry('a');
  expect(told).toEqual([50]);
});

it('a name like __proto__ is an entry like any other', async () => {
  holds('{"__proto__":{"b":2},"a":1}');
  expect(await secret.entry('b')).toBeUndefined();
  expect(await secret.entry('__proto__')).toEqual({ b: 2 });
});

describe('a secret whose read fails', () => {
  it('a failed read rejects all waiting finds, and the next find reads again', async () => {
    manager.on(GetSecretValueCommand).rejectsOnce(down);
    const asked = await Promise.allSettled([secret.entry('a'), secret.entry('a')]);
    expect(asked.map((each) => each.status)).toEqual(['rejected', 'rejected']);
    expect(reads()).toBe(1);
    holds({ a: 1 });
    expect(await secret.entry('a')).toBe(1);
  });

  it('a value is not used after its cache time', async () => {
    await secret.entry('a');
    manager.on(GetSecretValueCommand).rejects(down);
    clock.advance(300_000);
    await expect(secret.entry('a')).rejects.toBe(down);
    await expect(secret.entry('a')).rejects.toBe(down);
  });

  it('a failed read for an unknown name does not affect a known one', async () => {
    await secret.entry('a');
    manager.on(GetSecretValueCommand).rejects(down);
    await expect(secret.entry('unknown')).rejects.toBe(down);
    expect(await secret.entry('a')).toBe(1);
    expect(await secret.entry('unknown')).toBeUndefined();
    expect(reads()).toBe(2);
    clock.advance(300_000);
    await expect(secret.entry('a')).rejects.toBe(down);
  });
});

describe('while Secrets Manager fails, a secret with a stale time', () => {
  const served: unknown[] = [];

  beforeEach(async () => {
    served.length = 0;
    const stale = { seconds: 900, onServed: (error: unknown) => served.push(error) };
    secret = new CachedSecret({ client, clock, secretId: 'lapse/test', cacheSeconds: 300, stale });
    await secret.entry('a');
    manager.on(GetSecretValueCommand).rejects(down);
  });

  it('a stale secret serves its last known value and reports each failed read', async () => {
    clock.advance(300_000);
    expect(await secret.entry('a')).toBe(1);
    expect(served).toEqual([down]);
  });

  it('a stale secret is read at most every 10 seconds', async () => {
    clock.advance(300_000);
    for (let call = 0; call < 5; call += 1) {
      expect(await secret.entry('a')).toBe(1);
      clock.advance(4_000);
    }
    expect(reads()).toBe(1 + 2);
  });

  it('a stale secret rejects after the stale time', async () => {
    clock.advance(1_199_999);
    expect(await secret.entry('a')).toBe(1);
    clock.advance(1);
    await expect(secret.entry('a')).rejects.toBe(down);
  });

  it('a stale secret takes the new value when a read succeeds', async () => {
    clock.advance(300_000);
    await secret.entry('a');
    holds({ a: 2 });
    clock.advance(10_000);
    expect(await secret.entry('a')).toBe(2);
  });

  it('a secret that becomes malformed serves its last known value', async () => {
    clock.advance(300_000);
    holds('not JSON');
    expect(await secret.entry('a')).toBe(1);
    expect(String(served[0])).toBe('ConfigurationError: The secret lapse/test must be a JSON object.');
  });
});

it.each([
  ['cut off', `{"a":"${planted.apiKey}"`],
  ['a bare key', planted.apiKey],
  ['a JSON text', JSON.stringify(planted.apiKey)],
  ['an array', JSON.stringify([planted.apiKey])],
  ['null', 'null'],
  ['empty', ''],
])('a secret that is %s is an error without its content', async (_, text) => {
  holds(text);
  await expect(secret.entry('a')).rejects.toThrow(/^The secret lapse\/test must be a JSON object\.$/);
});

describe('an entry of a secret', () => {
  const entry = { a: 1 };
  const parsing = () => {
    const names: string[] = [];
    const parsed = parsedOnce((name) => {
      names.push(name);
      if (name === 'bad') throw new Error('malformed');
      return { name };
    });
    return { names, parsed };
  };

  it('an entry is parsed once after each read', () => {
    const { names, parsed } = parsing();
    expect(parsed('a', entry)).toEqual({ name: 'a' });
    expect(parsed('a', entry)).toBe(parsed('a', entry));
    parsed('a', { ...entry });
    expect(names).toEqual(['a', 'a']);
  });

  it('a malformed entry throws at every find', () => {
    const { names, parsed } = parsing();
    for (let time = 0; time < 2; time += 1) {
      expect(() => parsed('bad', entry)).toThrow('malformed');
      for (const value of [null, 'text']) parsed('a', value);
    }
    expect(names).toHaveLength(6);
  });
});
