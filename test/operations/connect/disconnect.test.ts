import { afterEach, describe, expect, it } from 'vitest';
import { disconnect } from '../../../operations/connect/disconnect.ts';
import { type ConnectWorld, openConnectWorld } from '../../support/connect-world.ts';
import { planted } from '../../support/planted-secrets.ts';

let world: ConnectWorld;
afterEach(() => world.close());

const run = (
  of: ConnectWorld,
  options: { leavesKlarna?: boolean; says?: boolean; isDryRun?: boolean } = {},
) =>
  disconnect(of.connectionWith(options.isDryRun), {
    leavesKlarna: options.leavesKlarna ?? false,
    confirm: () => Promise.resolve(options.says ?? true),
  });

async function connected() {
  const made = await openConnectWorld();
  await made.connect();
  made.killer.calls.splice(0);
  return made;
}

async function expectNothing({ klarna, entries, credential, names }: ConnectWorld) {
  expect(await klarna.webhooks()).toEqual([]);
  expect(await klarna.signingKeys()).toEqual([]);
  expect(entries()).toEqual({});
  expect(credential()).toEqual({});
  expect(names).toEqual([]);
}

describe('lapse disconnect', () => {
  it('the webhook and the key are deleted at Klarna, and the entries taken out', async () => {
    world = await connected();
    await run(world);
    await expectNothing(world);
    expect(world.lines.join('\n')).not.toContain(planted.apiKey);
  });

  it('a second run changes nothing, and a connection can be made again', async () => {
    world = await connected();
    await run(world);
    world.killer.calls.splice(0);
    await run(world);
    expect(world.killer.calls).toEqual([]);
    expect(world.steps.at(-1)).toEqual({ step: 'credential', result: 'unchanged' });
    expect(await world.connect()).toBe(true);
    expect(await world.klarna.webhooks()).toHaveLength(1);
  });

  it.each(['before', 'after'] as const)(
    'a run that is killed %s each call in turn is completed by the next run',
    async (when) => {
      for (let call = 1; ; call += 1) {
        world = await connected();
        world.killer.killAt(call, when);
        const error: unknown = await run(world).catch((thrown: unknown) => thrown);
        world.killer.spare();
        await run(world);
        await expectNothing(world);
        if (error === undefined) break;
        await world.close();
      }
    },
    60_000,
  );

  it('a question that is declined, and a dry run, change nothing', async () => {
    world = await connected();
    await expect(run(world, { says: false })).rejects.toThrow('Nothing was changed');
    await run(world, { isDryRun: true });
    expect(world.killer.calls.filter((call) => !call.startsWith('GET '))).toEqual([]);
    expect(await world.klarna.webhooks()).toHaveLength(1);
  });

  it('what other accounts and systems use stays', async () => {
    world = await connected();
    const [id, entry] = Object.entries(world.entries())[0] ?? ['', {}];
    const shared = {
      ...entry,
      credential: undefined,
      subjects: undefined,
      accounts: { a: 'acquirer', b: 'shop' },
    };
    world.secrets.put(
      'signing-keys',
      JSON.stringify({ [id]: shared, other: { key: 'k', accounts: { c: 'shop' } } }),
    );
    await run(world);
    expect(world.entries()).toEqual({
      [id]: {
        key: entry['key'],
        live: false,
        recipient_account_id: entry['recipient_account_id'],
        accounts: { b: 'shop' },
      },
      other: { key: 'k', accounts: { c: 'shop' } },
    });
    expect(await world.klarna.webhooks()).toHaveLength(1);
    expect(await world.klarna.signingKeys()).toHaveLength(1);
    expect(world.credential()).toEqual({});
  });

  it('with --leave-klarna the entries are taken out, and Klarna is not called', async () => {
    world = await connected();
    await run(world, { leavesKlarna: true });
    expect(world.killer.calls.filter((call) => call.includes(' /v2/'))).toEqual([]);
    expect(world.entries()).toEqual({});
    expect(await world.klarna.webhooks()).toHaveLength(1);
  });
});
