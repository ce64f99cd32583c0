import { afterEach, describe, expect, it } from 'vitest';
import { checkCredential } from '../../../functions/adapters/secrets/secret-credentials.ts';
import { accessOf } from '../../../operations/connect/connection.ts';
import { rotateApiKey } from '../../../operations/connect/rotate-api-key.ts';
import { retirement } from '../../../operations/connect/retirement.ts';
import { rotateSigningKey } from '../../../operations/connect/rotate-signing-key.ts';
import { statusOfKeys } from '../../../operations/connect/status-of-keys.ts';
import { type ConnectWorld, Killed, openConnectWorld } from '../../support/connect-world.ts';

let world: ConnectWorld;
afterEach(() => world.close());

const yes = () => Promise.resolve(true);
const hour = 3_600_000;
/** The last repetition of a delivery: 10 s, 2 min, 15 min, 3 h, 6 h and 12 h after the first attempt. */
const lastRepetition = 21 * hour + 20 * 60_000;

const entryIn = (of: ConnectWorld) => {
  const entry = checkCredential('acquirer', of.credential());
  if (!entry) throw new Error('not connected');
  return entry;
};

const opened = (of: ConnectWorld, isDryRun = false) => {
  const connection = of.connectionWith(isDryRun);
  const entry = entryIn(of);
  return { connection, entry, klarna: connection.klarnaWith('test', accessOf(entry)) };
};

function rotateSigning(of: ConnectWorld, isDryRun = false) {
  of.lines.splice(0);
  const { connection, klarna } = opened(of, isDryRun);
  return rotateSigningKey(connection, klarna, yes);
}

function rotateApi(of: ConnectWorld, keyId?: string, isDryRun = false) {
  of.lines.splice(0);
  const { connection, entry } = opened(of, isDryRun);
  return rotateApiKey(connection, entry, { keyId, confirm: yes });
}

async function connected() {
  const made = await openConnectWorld();
  await made.connect();
  made.killer.calls.splice(0);
  return made;
}

const usedKey = async ({ klarna }: ConnectWorld) => (await klarna.webhooks())[0]?.signing_key_id ?? '';
const keyIds = async ({ klarna }: ConnectWorld) =>
  (await klarna.signingKeys()).map((key) => key.signing_key_id).toSorted();

describe('lapse keys rotate signing', () => {
  it('the new key is stored before the webhook is moved, and both stay longer than Klarna repeats', async () => {
    world = await connected();
    const old = await usedKey(world);
    expect(await rotateSigning(world)).toBe('waiting');
    const next = await usedKey(world);
    expect(next).not.toBe(old);
    const { [old]: replaced, [next]: current } = world.entries();
    expect(replaced).toMatchObject({ replaced_by: next });
    expect(current).toEqual({
      ...replaced,
      key: current?.['key'],
      replaced_by: undefined,
      retire_after: undefined,
    });
    expect(current?.['key']).not.toBe(replaced?.['key']);
    expect(Date.parse(String(replaced?.['retire_after'])) - world.clock.now()).toBeGreaterThan(
      lastRepetition,
    );
    const order = world.killer.calls.filter((call) => !call.startsWith('GET '));
    expect(order.indexOf('write signing-keys')).toBeLessThan(
      order.findIndex((call) => call.startsWith('PATCH ')),
    );
  });

  it('a run before the old key is due says how long to wait, and changes nothing', async () => {
    world = await connected();
    await rotateSigning(world);
    world.pass(2 * hour);
    world.killer.calls.splice(0);
    expect(await rotateSigning(world)).toBe('waiting');
    expect(world.lines.join('\n')).toContain('Run the command again in 22 h.');
    expect(world.killer.calls.filter((call) => !call.startsWith('GET '))).toEqual([]);
  });

  it('a run after that deletes the old key at Klarna and in the secret, and a later one begins again', async () => {
    world = await connected();
    const old = await usedKey(world);
    await rotateSigning(world);
    world.pass(retirement + 1);
    expect(await rotateSigning(world)).toBe('done');
    const next = await usedKey(world);
    expect(await keyIds(world)).toEqual([next]);
    expect(Object.keys(world.entries())).toEqual([next]);
    expect(world.entries()).not.toHaveProperty(old);
    await rotateSigning(world);
    expect(await usedKey(world)).not.toBe(next);
  });

  it.each(['before', 'after'] as const)(
    'a run that is killed %s each call in turn goes on with the next run',
    async (when) => {
      for (let call = 1; ; call += 1) {
        world = await connected();
        const old = await usedKey(world);
        world.killer.killAt(call, when);
        const outcome = await rotateSigning(world).catch((error: unknown) => error);
        world.killer.spare();
        if (outcome !== 'waiting') {
          expect(outcome).toBeInstanceOf(Killed);
          await rotateSigning(world);
        }
        world.pass(retirement + 1);
        await rotateSigning(world);
        const next = await usedKey(world);
        expect(next, `after call ${call}`).not.toBe(old);
        expect(await keyIds(world), `after call ${call}`).toEqual([next]);
        expect(Object.keys(world.entries())).toEqual([next]);
        expect(world.note()).toBeUndefined();
        if (outcome === 'waiting') break;
        await world.close();
      }
    },
    60_000,
  );

  it.each(['before', 'after'] as const)(
    'a deletion that is killed %s each call is completed',
    async (when) => {
      for (let call = 1; ; call += 1) {
        world = await connected();
        await rotateSigning(world);
        world.pass(retirement + 1);
        world.killer.killAt(call, when);
        const outcome = await rotateSigning(world).catch((error: unknown) => error);
        world.killer.spare();
        const next = await usedKey(world);
        // A run after the deletion would begin another rotation.
        if (outcome !== 'done' && Object.keys(world.entries()).length > 1) await rotateSigning(world);
        expect(await keyIds(world)).toEqual([next]);
        expect(Object.keys(world.entries())).toEqual([next]);
        if (outcome === 'done') break;
        await world.close();
      }
    },
  );

  it('an old key that a webhook uses again is not deleted', async () => {
    world = await connected();
    const old = await usedKey(world);
    await rotateSigning(world);
    const [webhook] = await world.klarna.webhooks();
    await world.klarna.changeWebhook(webhook?.webhook_id ?? '', { signing_key_id: old });
    world.pass(retirement + 1);
    await expect(rotateSigning(world)).rejects.toThrow('still uses the old signing key');
    expect(world.entries()).toHaveProperty([old]);
  });

  it('a new key that was deleted at Klarna before the webhook was moved is made again', async () => {
    world = await connected();
    const old = await usedKey(world);
    world.killer.killAt(999, 'before');
    const { connection, klarna } = opened(world);
    const wait = () => Promise.reject(new Killed('while waiting'));
    await expect(
      rotateSigningKey({ ...connection, clock: { ...connection.clock, wait } }, klarna, yes),
    ).rejects.toBeInstanceOf(Killed);
    const [vanished] = (await keyIds(world)).filter((id) => id !== old);
    await world.klarna.deleteSigningKey(vanished ?? '');
    expect(await rotateSigning(world)).toBe('waiting');
    expect(await usedKey(world)).not.toBe(old);
    expect(world.entries()).not.toHaveProperty([vanished ?? '']);
  });

  it('connect in the middle of a rotation changes nothing', async () => {
    world = await connected();
    await rotateSigning(world);
    world.killer.calls.splice(0);
    expect(await world.connect()).toBe(true);
    expect(world.killer.calls.filter((call) => /^(?:write|POST \S+keys|DELETE|PATCH)/.test(call))).toEqual(
      [],
    );
  });

  it('a dry run changes nothing', async () => {
    world = await connected();
    await rotateSigning(world, true);
    expect(world.killer.calls.filter((call) => !call.startsWith('GET '))).toEqual([]);
    expect(world.lines.join('\n')).toContain('would be replaced');
  });
});

describe('lapse keys rotate api', () => {
  it('the new key is written after Klarna accepts it, and the old one is disabled a day later', async () => {
    world = await connected();
    const before = entryIn(world);
    expect(before.api_key_id).toBeDefined();
    expect(await rotateApi(world)).toBe('waiting');
    const after = entryIn(world);
    expect(after.api_key).not.toBe(before.api_key);
    expect(after.old_api_key_id).toBe(before.api_key_id);
    expect(world.lines.join('\n')).not.toContain(after.api_key);
    world.pass(hour);
    expect(await rotateApi(world)).toBe('waiting');
    expect(world.lines.join('\n')).toContain('Run the command again in 23 h.');
    world.pass(retirement);
    expect(await rotateApi(world)).toBe('done');
    const done = entryIn(world);
    expect(done).toMatchObject({ api_key: after.api_key, api_key_id: after.api_key_id });
    expect(done).not.toHaveProperty('old_api_key_id');
    const active = (await opened(world).klarna.apiKeys()).filter(({ state }) => state === 'ACTIVE');
    expect(active.map(({ credential_id }) => credential_id)).toEqual([after.api_key_id]);
  });

  it.each(['before', 'after'] as const)(
    'a run that is killed %s each call in turn leaves one key that is used',
    async (when) => {
      for (let call = 1; ; call += 1) {
        world = await connected();
        world.killer.killAt(call, when);
        const outcome = await rotateApi(world).catch((error: unknown) => error);
        world.killer.spare();
        for (let run = 0; run < 2; run += 1) {
          if (entryIn(world).old_api_key_id === undefined) await rotateApi(world);
        }
        world.pass(retirement + 1);
        await rotateApi(world);
        const { api_key_id, old_api_key_id } = entryIn(world);
        expect(old_api_key_id).toBeUndefined();
        const active = (await opened(world).klarna.apiKeys()).filter(({ state }) => state === 'ACTIVE');
        expect(
          active.map(({ credential_id }) => credential_id),
          `after call ${call}`,
        ).toEqual([api_key_id]);
        if (outcome === 'waiting') break;
        await world.close();
      }
    },
    60_000,
  );

  it('where the account has several keys, the id of the used one must be given', async () => {
    world = await connected();
    const { api_key_id: used = '', ...rest } = entryIn(world);
    await world.klarna.createApiKey('of another system');
    world.secrets.put('Lapse/credentials/acquirer', JSON.stringify(rest));
    await expect(rotateApi(world)).rejects.toThrow('Give --key-id');
    expect(await rotateApi(world, used)).toBe('waiting');
    expect(entryIn(world).old_api_key_id).toBe(used);
    const others = (await opened(world).klarna.apiKeys()).filter(
      ({ description }) => description === 'of another system',
    );
    expect(others).toEqual([expect.objectContaining({ state: 'ACTIVE' })]);
  });

  it('connect with the old key in the middle of a rotation is refused', async () => {
    world = await connected();
    await rotateApi(world);
    await expect(world.connect()).rejects.toThrow('is being rotated');
    expect(await world.connect({ apiKey: undefined })).toBe(true);
  });

  it('a question that is declined changes nothing', async () => {
    world = await connected();
    const { connection, entry, klarna } = opened(world);
    const no = () => Promise.resolve(false);
    await expect(rotateApiKey(connection, entry, { keyId: undefined, confirm: no })).rejects.toThrow(
      'Nothing',
    );
    await expect(rotateSigningKey(connection, klarna, no)).rejects.toThrow('Nothing');
    expect(world.killer.calls.filter((call) => !call.startsWith('GET '))).toEqual([]);
  });
});

describe('lapse keys status', () => {
  it('the keys of a finished connection are in use, and there is no problem', async () => {
    world = await connected();
    const { rows, problems } = await statusOfKeys(opened(world));
    expect(problems).toEqual([]);
    expect(rows).toEqual([
      expect.objectContaining({
        kind: 'signing',
        state: 'in use',
        last_used_at: expect.any(String) as string,
      }),
      expect.objectContaining({ kind: 'api', state: 'in use' }),
    ]);
    expect(JSON.stringify(rows)).not.toContain(entryIn(world).api_key);
  });

  it('a key that is at Klarna and not in the secret is a problem, and so is the reverse', async () => {
    world = await connected();
    const [id, entry] = Object.entries(world.entries())[0] ?? ['', {}];
    world.secrets.put('signing-keys', JSON.stringify({ 'krn:gone': entry }));
    const { rows, problems } = await statusOfKeys(opened(world));
    expect(rows.map(({ id: shown, state }) => [shown, state])).toContainEqual(['krn:gone', 'not at Klarna']);
    expect(rows.map(({ id: shown, state }) => [shown, state])).toContainEqual([
      id,
      'in use, not in the secret',
    ]);
    expect(problems).toEqual([expect.stringContaining(id)]);
  });

  it('the old key of a rotation has the time when it is due', async () => {
    world = await connected();
    await rotateSigning(world);
    await rotateApi(world);
    const { rows } = await statusOfKeys(opened(world));
    const old = rows.filter(({ state }) => state === 'replaced');
    expect(old.map(({ kind }) => kind)).toEqual(['signing', 'api']);
    for (const { retire_after } of old) expect(retire_after).toMatch(/^\d{4}-.*Z$/);
  });
});
