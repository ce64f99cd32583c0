import { describe, expect, it } from 'vitest';
import { repairs } from '../../functions/application/reconcile-payment-requests.ts';
import { sweepSessionTimer } from '../../functions/adapters/sweep/sweep-session-timer.ts';
import { shownTimer } from '../../functions/domain/session-timer.ts';
import { key, noon, observed, registrationWith } from '../support/fixtures.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { afterNoon } from '../support/sessions.ts';
import { type FaultInjector, World } from '../support/world.ts';

const minute = 60_000;

const worldOf = (
  klarna = new ScriptedKlarna('SUBMITTED'),
  settings: ConstructorParameters<typeof World>[1] = {},
  injectFault: FaultInjector = () => undefined,
) => new World(klarna, settings, injectFault, sweepSessionTimer);

/** Runs the sweep once a minute for so many minutes, and once more at the end. */
async function sweptUntil(world: World, minutes: number): Promise<World> {
  for (let each = 0; each < minutes; each += 1) {
    await world.sweep();
    world.clock.advance(minute);
  }
  await world.sweep();
  return world;
}

describe('the sweep as the only timer', () => {
  it('without a scheduler, a session is due at its deadline and no timer is armed', async () => {
    const world = worldOf();
    const { record } = await world.register(registrationWith());
    expect(record).toMatchObject({ timer: 'sweep', dueAt: record?.deadlineAt });
    expect(world.timer.deadline).toBeUndefined();
  });

  it('the timer of the sweep arms and removes nothing', async () => {
    await expect(sweepSessionTimer.arm(key, noon)).resolves.toBe(false);
    await expect(sweepSessionTimer.remove(key)).resolves.toBeUndefined();
  });

  it('the first sweep after the deadline ends an abandoned session and does not count it as a repair', async () => {
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
      dueAt: undefined,
    });
  });

  it('the sweep neither reads nor writes a session paid in time, and its timer is shown as fired', async () => {
    const world = worldOf(new ScriptedKlarna('COMPLETED'));
    await world.register(registrationWith());
    await world.webhook(observed('COMPLETED'));
    expect(shownTimer(world.record, world.clock.instant())).toBe('sweep');
    const paid = world.record;
    expect(paid).toMatchObject({ state: 'COMPLETED', dueAt: undefined });
    world.calls.splice(0);
    await sweptUntil(world, 31);
    expect(world.calls).toEqual([]);
    expect(world.record).toEqual(paid);
    expect(shownTimer(world.record, world.clock.instant())).toBe('fired');
  });

  it('the sweep reads Klarna first and spares a paid request without a webhook', async () => {
    const world = worldOf(new ScriptedKlarna('COMPLETED'));
    await world.register(registrationWith());
    await sweptUntil(world, 31);
    expect(world.klarna.cancels).toBe(0);
    expect(world.record.state).toBe('COMPLETED');
  });

  it('the sweep ends a session at its moved deadline', async () => {
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

  it('the sweep records once what it would have done to an observed session', async () => {
    const world = worldOf();
    await world.register(registrationWith({ onTimeout: 'observe' }));
    await sweptUntil(world, 45);
    expect(world.klarna.calls).toEqual([]);
    expect(world.record.history.filter(({ detail }) => detail['outcome'] === 'would_cancel')).toHaveLength(1);
    expect(world.record.timer).toBe('fired');
    expect(world.expiries).toEqual([{ kind: 'observed', lateness: 0 }]);
  });

  it('the sweep gives a paying customer grace once', async () => {
    const world = worldOf(new ScriptedKlarna('IN_PROGRESS'), { inProgressGrace: 5 * minute });
    await world.register(registrationWith());
    await sweptUntil(world, 30);
    expect(world.record).toMatchObject({ timer: 'sweep', cancellation: undefined });
    expect(world.klarna.cancels).toBe(0);
    world.clock.advance(5 * minute);
    await world.sweep();
    expect(world.record.state).toBe('CANCELED');
  });

  it('the sweep gives a request known only from a webhook the default timer if the account is configured so', async () => {
    const world = worldOf(undefined, { armOnSubmitted: true, defaultSessionTimeout: 20 * minute });
    await world.webhook(observed('SUBMITTED'));
    await world.sweep();
    expect(world.record).toMatchObject({ timer: 'sweep', deadlineAt: afterNoon(20), dueAt: afterNoon(20) });
    world.clock.advance(minute);
    await sweptUntil(world, 18);
    expect(world.record.state).toBe('SUBMITTED');
    world.clock.advance(minute);
    await world.sweep();
    expect(world.record).toMatchObject({ state: 'CANCELED', cancellation: { cause: 'timeout' } });
  });

  it('the sweep reads Klarna again after it did not respond', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('read', unclear, unclear, unclear, unclear);
    const world = worldOf(klarna);
    await world.register(registrationWith());
    await sweptUntil(world, 33);
    expect(world.record.state).toBe('CANCELED');
  });
});

describe('a crash before or after each call of the sweep as the only timer', () => {
  class Crash extends Error {}

  it.each([0, 1, 2, 3, 4, 5].flatMap((n) => [[n, 'before'] as const, [n, 'after'] as const]))(
    'a sweep that crashes at call %i (%s it) is completed by the next sweeps',
    async (nth, moment) => {
      let armed = false;
      let seen = 0;
      const world = worldOf(new ScriptedKlarna('SUBMITTED'), {}, (_, when) => {
        if (!armed || when !== moment) return;
        seen += 1;
        if (seen > nth) throw new Crash();
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
      expect(world.record).toMatchObject({ state: 'CANCELED', dueAt: undefined });
      expect(world.klarna.cancels).toBeLessThanOrEqual(2);
    },
  );
});
