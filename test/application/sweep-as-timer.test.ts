import { describe, expect, it } from 'vitest';
import { repairs } from '../../functions/application/reconcile-payment-requests.ts';
import { sweepSessionTimer } from '../../functions/adapters/sweep/sweep-session-timer.ts';
import { key, noon, observed, registrationWith } from '../support/fixtures.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { type FaultInjector, World } from '../support/world.ts';

const minute = 60_000;

const worldOf = (
  klarna = new ScriptedKlarna('SUBMITTED'),
  settings: ConstructorParameters<typeof World>[1] = {},
  injectFault: FaultInjector = () => undefined,
) => new World(klarna, settings, injectFault, sweepSessionTimer);

/** Registered for half an hour; the sweep runs every minute from then on, until just past the minute named. */
async function sweptUntil(world: World, minutes: number): Promise<World> {
  for (let each = 0; each < minutes; each += 1) {
    await world.sweep();
    world.clock.advance(minute);
  }
  await world.sweep();
  return world;
}

describe('where the sweep is the only timer', () => {
  it('a session is due at its deadline, and nothing is armed', async () => {
    const world = worldOf();
    const { record } = await world.register(registrationWith());
    expect(record).toMatchObject({ timer: 'sweep', reconcileAfter: record?.deadlineAt });
    expect(world.timer.deadline).toBeUndefined();
  });

  it('there is nothing to arm, to remove or to list', async () => {
    await expect(sweepSessionTimer.arm(key, noon)).resolves.toBeUndefined();
    await expect(sweepSessionTimer.remove(key)).resolves.toBeUndefined();
  });

  it('an abandoned session is ended by the first sweep from its deadline on, and that is no repair', async () => {
    const world = worldOf();
    await world.register(registrationWith());
    await sweptUntil(world, 29);
    expect(world.klarna.calls).toEqual([]);
    world.clock.advance(minute);
    const report = await world.sweep();
    expect([report.expire, repairs(report)]).toEqual([1, 0]);
    expect(world.expiries).toEqual([{ kind: 'ended', lateness: 0 }]);
    expect(world.record).toMatchObject({
      state: 'CANCELED',
      timer: 'fired',
      cancellation: { cause: 'timeout', requestedBy: 'lapse:session-timer' },
      reconcileAfter: undefined,
    });
  });

  it('what was paid in time is spared, without asking Klarna, and the record says so', async () => {
    const world = worldOf(new ScriptedKlarna('COMPLETED'));
    await world.register(registrationWith());
    await world.webhook(observed('COMPLETED'));
    await sweptUntil(world, 31);
    expect(world.klarna.calls).toEqual([]);
    expect(world.record).toMatchObject({ state: 'COMPLETED', timer: 'fired', reconcileAfter: undefined });
    expect(world.record.history.at(-1)?.detail).toMatchObject({ outcome: 'spared' });
  });

  it('what was paid and of which no webhook has come is spared: Klarna is asked first', async () => {
    const world = worldOf(new ScriptedKlarna('COMPLETED'));
    await world.register(registrationWith());
    await sweptUntil(world, 31);
    expect(world.klarna.cancels).toBe(0);
    expect(world.record.state).toBe('COMPLETED');
  });

  it('a deadline that is moved is the one that counts', async () => {
    const world = worldOf();
    await world.register(registrationWith());
    const longer = { kind: 'session_timeout', millis: 40 * minute, given: 'PT40M' } as const;
    await world.extend(longer);
    await sweptUntil(world, 39);
    expect(world.klarna.calls).toEqual([]);
    world.clock.advance(minute);
    await world.sweep();
    expect(world.record.state).toBe('CANCELED');
  });

  it('an observed session is written down once, and then left alone', async () => {
    const world = worldOf();
    await world.register(registrationWith({ onTimeout: 'observe' }));
    await sweptUntil(world, 45);
    expect(world.klarna.calls).toEqual([]);
    expect(world.record.history.filter(({ detail }) => detail['outcome'] === 'would_cancel')).toHaveLength(1);
    expect(world.record.timer).toBe('fired');
    expect(world.expiries).toEqual([{ kind: 'observed', lateness: 0 }]);
  });

  it('a customer who is paying is given grace once', async () => {
    const world = worldOf(new ScriptedKlarna('IN_PROGRESS'), { inProgressGrace: 5 * minute });
    await world.register(registrationWith());
    await sweptUntil(world, 30);
    expect(world.record).toMatchObject({ timer: 'sweep', cancellation: undefined });
    expect(world.klarna.cancels).toBe(0);
    world.clock.advance(5 * minute);
    await world.sweep();
    expect(world.record.state).toBe('CANCELED');
  });

  it('a request that only a webhook told of gets the default timer where the account says so', async () => {
    const world = worldOf(undefined, { armOnSubmitted: true, defaultSessionTimeout: 20 * minute });
    await world.webhook(observed('SUBMITTED'));
    await sweptUntil(world, 21);
    expect(world.record).toMatchObject({ state: 'CANCELED', cancellation: { cause: 'timeout' } });
  });

  it('Klarna is asked again after it gave no answer', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('read', unclear, unclear, unclear, unclear);
    const world = worldOf(klarna);
    await world.register(registrationWith());
    await sweptUntil(world, 33);
    expect(world.record.state).toBe('CANCELED');
  });
});

describe('a crash before or after every call of a sweep that is the timer', () => {
  class Crash extends Error {}

  it.each([0, 1, 2, 3, 4, 5].flatMap((n) => [[n, 'before'] as const, [n, 'after'] as const]))(
    'call %i, %s',
    async (nth, moment) => {
      let armed = false;
      let seen = 0;
      const world = worldOf(new ScriptedKlarna('SUBMITTED'), {}, (_, when) => {
        if (!armed || when !== moment) return;
        seen += 1;
        if (seen === nth + 1) throw new Crash();
      });
      await world.register(registrationWith());
      world.clock.advance(30 * minute);
      armed = true;
      await world.sweep().catch((error: unknown) => {
        expect(error).toBeInstanceOf(Crash);
      });
      armed = false;
      await sweptUntil(world, 180);
      expect(world.klarna.state).toBe('CANCELED');
      expect(world.record).toMatchObject({ state: 'CANCELED', reconcileAfter: undefined });
      expect(world.klarna.cancels).toBeLessThanOrEqual(2);
    },
  );
});
