import { describe, expect, it } from 'vitest';
import { plusMillis } from '../../functions/domain/instant.ts';
import type { SessionId } from '../../functions/domain/identifiers.ts';
import { noon, observed, registrationWith } from '../support/fixtures.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { afterNoon, minute } from '../support/sessions.ts';
import { World } from '../support/world.ts';

/** A world with a registered session whose calls so far are not counted. */
async function registeredWorld(klarna = new ScriptedKlarna('SUBMITTED')): Promise<World> {
  const world = new World(klarna);
  await world.register(registrationWith());
  world.awsCalls();
  return world;
}

/** What a call did to the table and the timer, and whether it wrote the record. */
async function traced(world: World, act: () => Promise<unknown>) {
  world.awsCalls();
  const before = world.store.records.size > 0 ? world.record.version : 0;
  await act();
  const after = world.store.records.size > 0 ? world.record.version : 0;
  return { calls: world.awsCalls(), writes: after - before };
}

describe('calls of AWS for a webhook', () => {
  it.each(['SUBMITTED', 'IN_PROGRESS', 'COMPLETED', 'EXPIRED', 'DECLINED'] as const)(
    'a new %s is one call, and its duplicate is another one, which writes nothing',
    async (state) => {
      for (const world of [new World(), await registeredWorld()]) {
        const webhook = () => world.webhook(observed(state));
        expect(await traced(world, webhook)).toEqual({ calls: ['store.observe'], writes: 1 });
        expect(await traced(world, webhook)).toEqual({ calls: ['store.observe'], writes: 0 });
      }
    },
  );

  it('a CANCELED that is news is two calls, and its duplicate is one read', async () => {
    for (const world of [new World(), await registeredWorld()]) {
      const webhook = () => world.webhook(observed('CANCELED'));
      expect(await traced(world, webhook)).toEqual({ calls: ['store.read', 'store.save'], writes: 1 });
      expect(await traced(world, webhook)).toEqual({ calls: ['store.read'], writes: 0 });
    }
  });

  it('a stale webhook is two calls', async () => {
    const world = await registeredWorld();
    await world.webhook(observed('IN_PROGRESS', '2026-03-01T12:05:00Z'));
    const webhook = () => world.webhook(observed('SUBMITTED', '2026-03-01T12:00:00Z'));
    expect(await traced(world, webhook)).toEqual({ calls: ['store.observe', 'store.noteStale'], writes: 1 });
    expect(await traced(world, webhook)).toEqual({ calls: ['store.observe'], writes: 0 });
  });

  it('a COMPLETED that settles a pending cancel is two calls', async () => {
    const world = await registeredWorld(
      new ScriptedKlarna('SUBMITTED').responses('read', unclear, unclear, unclear, unclear),
    );
    await world.cancel();
    const webhook = () => world.webhook(observed('COMPLETED', '2026-03-01T12:05:00Z'));
    expect(await traced(world, webhook)).toEqual({ calls: ['store.observe', 'store.save'], writes: 1 });
  });
});

describe('the webhook of our own cancel', () => {
  it.each<[string, (world: World) => Promise<unknown>]>([
    ['a caller', (world) => world.cancel()],
    [
      'the timer',
      (world) => {
        world.clock.advance(30 * minute);
        return world.timerFires();
      },
    ],
    [
      'the sweep',
      (world) => {
        world.clock.advance(31 * minute);
        return world.sweep();
      },
    ],
  ])(
    'the webhook of a cancel by %s costs one read and no write, however often it comes',
    async (_, cancel) => {
      const world = await registeredWorld();
      await cancel(world);
      const canceled = world.record;
      expect(canceled).toMatchObject({ state: 'CANCELED', cancellation: { outcome: 'canceled' } });
      const told = observed('CANCELED', '2026-03-01T12:00:30Z', { previousState: 'SUBMITTED' });
      for (let delivery = 0; delivery < 3; delivery += 1) {
        const webhook = () => world.webhook(told);
        expect(await traced(world, webhook)).toEqual({ calls: ['store.read'], writes: 0 });
      }
      expect(await world.webhook(told)).toBe('confirming');
      expect(world.record).toEqual(canceled);
    },
  );

  it('it is written where it tells that the customer had approved', async () => {
    const world = await registeredWorld();
    await world.cancel();
    const told = observed('CANCELED', '2026-03-01T12:00:30Z', { previousState: 'COMPLETED' });
    expect(await traced(world, () => world.webhook(told))).toEqual({
      calls: ['store.read', 'store.save'],
      writes: 1,
    });
    expect(world.record.attention).toBe('canceled_after_completed');
    expect(world.record.changes).toMatchObject([{ kind: 'needs_attention' }]);
    expect(await traced(world, () => world.webhook(told))).toEqual({ calls: ['store.read'], writes: 0 });
  });

  it('it is written where it arrives before the response of Klarna is stored', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED');
    const world: World = await registeredWorld(klarna);
    klarna.responses('cancel', (self) => {
      self.state = 'CANCELED';
      return unclear;
    });
    klarna.responses('read', (self) => self.shown(), unclear, unclear, unclear, unclear);
    expect((await world.cancel()).outcome).toBe('pending');
    const told = observed('CANCELED', '2026-03-01T12:00:30Z');
    expect((await traced(world, () => world.webhook(told))).writes).toBe(1);
    expect(world.record).toMatchObject({ state: 'CANCELED', evidence: { source: 'webhook' } });
    world.clock.advance(minute);
    await world.sweep();
    expect(world.record).toMatchObject({ dueAt: undefined, cancellation: { outcome: 'canceled' } });
  });

  it('a CANCELED of a request that another party canceled is written', async () => {
    const world = await registeredWorld(new ScriptedKlarna('CANCELED'));
    await world.cancel();
    expect(world.record.cancellation?.outcome).toBe('already_canceled');
    const told = observed('CANCELED', '2026-03-01T12:00:30Z');
    expect((await traced(world, () => world.webhook(told))).writes).toBe(1);
    expect(world.record.history.at(-1)).toMatchObject({ kind: 'webhook', effect: 'confirming' });
  });
});

describe('calls of AWS for a cancel', () => {
  const four = ['store.read', 'store.save', 'timer.remove', 'store.save'];

  it('a cancel of a registered session is four calls, with the removal of its timer', async () => {
    const world = await registeredWorld();
    const { calls, writes } = await traced(world, () => world.cancel());
    expect(calls.toSorted()).toEqual(four.toSorted());
    expect(writes).toBe(2);
  });

  it('a cancel of a request that was never registered is three calls', async () => {
    const world = new World();
    expect(await traced(world, () => world.cancel())).toEqual({
      calls: ['store.read', 'store.save', 'store.save'],
      writes: 2,
    });
  });

  it.each(['COMPLETED', 'EXPIRED', 'DECLINED'] as const)(
    'a cancel that finds %s in the record is two calls, of which none removes the timer',
    async (state) => {
      const world = await registeredWorld(new ScriptedKlarna(state));
      await world.webhook(observed(state));
      expect(await traced(world, () => world.cancel())).toEqual({
        calls: ['store.read', 'store.save'],
        writes: 1,
      });
    },
  );

  it('a repeated cancel is two calls', async () => {
    const world = await registeredWorld();
    await world.cancel();
    expect((await traced(world, () => world.cancel())).calls).toEqual(['store.read', 'store.save']);
  });

  it.each([
    ['timer', 30, (world: World) => world.timerFires()],
    ['sweep', 31, (world: World) => world.sweep()],
  ] as const)('the end of a session by the %s is four calls', async (_, minutes, end) => {
    const world = await registeredWorld();
    world.clock.advance(minutes * minute);
    const { calls, writes } = await traced(world, () => end(world));
    expect(world.record).toMatchObject({ state: 'CANCELED', timer: 'fired' });
    expect(calls.toSorted()).toEqual(four.toSorted());
    expect(writes).toBe(2);
  });

  it('a timer that finds the session paid is one read', async () => {
    const world = await registeredWorld(new ScriptedKlarna('COMPLETED'));
    await world.webhook(observed('COMPLETED'));
    world.clock.advance(30 * minute);
    expect(await traced(world, () => world.timerFires())).toEqual({ calls: ['store.read'], writes: 0 });
  });
});

describe('calls of AWS for a registration', () => {
  it('a registration of an unseen request is two calls', async () => {
    const world = new World();
    expect(await traced(world, () => world.register(registrationWith()))).toEqual({
      calls: ['store.register', 'timer.arm'],
      writes: 1,
    });
  });

  it('a registration after a webhook is two calls', async () => {
    const world = new World();
    await world.webhook(observed('SUBMITTED'));
    expect(await traced(world, () => world.register(registrationWith()))).toEqual({
      calls: ['store.register', 'timer.arm'],
      writes: 1,
    });
  });

  it('a registration with a session counts the requests of the session in one call more', async () => {
    const world = new World();
    const registration = registrationWith({ sessionId: 'cart-1' as SessionId });
    expect((await traced(world, () => world.register(registration))).calls).toEqual([
      'sessions.ofSession',
      'store.register',
      'timer.arm',
    ]);
  });

  it('the same registration again writes nothing and arms the timer again', async () => {
    const world = await registeredWorld();
    expect(await traced(world, () => world.register(registrationWith()))).toEqual({
      calls: ['store.register', 'timer.arm'],
      writes: 0,
    });
  });

  it('an extension is four calls: the last reads whether the deadline that it moved was an older one', async () => {
    const world = await registeredWorld();
    const at = plusMillis(noon, 60 * minute);
    const deadline = { kind: 'deadline_at', at, given: '2026-03-01T13:00:00Z' } as const;
    expect(await traced(world, () => world.extend(deadline))).toEqual({
      calls: ['store.read', 'store.save', 'timer.arm', 'store.read'],
      writes: 1,
    });
    expect(world.timer.deadline).toBe(afterNoon(60));
  });
});

it('a sequence counts every event, and a consumer that keeps the highest one ends equal to the record', async () => {
  const world = new World();
  const versions: World['record'][] = [];
  const { records } = world.store;
  const set = records.set.bind(records);
  records.set = (name, record) => {
    versions.push(record);
    return set(name, record);
  };
  await world.webhook(observed('SUBMITTED', '2026-03-01T11:59:00Z'));
  await world.register(registrationWith());
  await world.webhook(observed('IN_PROGRESS', '2026-03-01T12:00:10Z'));
  await world.webhook(observed('SUBMITTED', '2026-03-01T12:00:05Z'));
  world.clock.advance(minute);
  world.klarna.state = 'COMPLETED';
  await world.cancel();
  await world.webhook(observed('COMPLETED', '2026-03-01T12:00:40Z'));
  await world.cancel();
  const events = versions.flatMap(({ sequence, changes, version }) =>
    changes.map((change, index) => ({ ...change, version, sequence: sequence - changes.length + 1 + index })),
  );
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
  expect(events.map(({ kind, state }) => [kind, state])).toEqual([
    ['state_changed', 'SUBMITTED'],
    ['registered', 'SUBMITTED'],
    ['state_changed', 'IN_PROGRESS'],
    ['state_changed', 'COMPLETED'],
    ['cancel_refused', 'COMPLETED'],
    ['cancel_refused', 'COMPLETED'],
  ]);
  expect(events.at(-1)).toMatchObject({ state: world.record.state, sequence: world.record.sequence });
  expect(versions.map(({ version }) => version)).toEqual(versions.map((_, index) => index + 1));
});
