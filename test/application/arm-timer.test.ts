import { describe, expect, it } from 'vitest';
import { armTimer } from '../../functions/application/arm-timer.ts';
import { sweepSessionTimer } from '../../functions/adapters/sweep/sweep-session-timer.ts';
import { dueIn } from '../../functions/application/reconcile-payment-requests.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { recordWith, registrationWith, versioned } from '../support/fixtures.ts';
import { afterNoon, minute, registered } from '../support/sessions.ts';
import { ScriptedKlarna } from '../support/scripted-klarna.ts';
import { World } from '../support/world.ts';

/** A world with this record. `fails` tells whether a call fails, and `arming` is called before a timer is armed. */
async function worldWith(
  record: PaymentRequest,
  {
    fails = () => false,
    arming = () => undefined,
  }: { readonly fails?: (call: string) => boolean; readonly arming?: (world: World) => void } = {},
) {
  const world: World = new World(new ScriptedKlarna('SUBMITTED'), {}, (call, moment) => {
    if (moment === 'after') return;
    if (call === 'timer.arm') arming(world);
    if (fails(call)) throw new Error(`${call} fails`);
  });
  await world.store.save(undefined, record);
  return world;
}

const armed = registered();
const pending = registered({ timer: 'pending' });
const isArming = (call: string): boolean => call === 'timer.arm';

describe('arming a timer', () => {
  it('a record that says armed is not written again once its timer is armed', async () => {
    const world = await worldWith(armed);
    expect(await armTimer(world.dependencies)(armed)).toBe(armed);
    expect(world.timer.deadline).toBe(afterNoon(30));
    expect(world.awsCalls()).toEqual(['timer.arm']);
  });

  it('a record that says pending says armed once its timer is armed', async () => {
    const world = await worldWith({ ...pending, attempts: 3, retryAt: afterNoon(15) });
    const record = await armTimer(world.dependencies)(world.record);
    expect(world.timer.deadline).toBe(afterNoon(30));
    expect(record).toMatchObject({ timer: 'armed', dueAt: afterNoon(31), attempts: 0, version: 2 });
    expect(record.retryAt).toBeUndefined();
    expect(record).toEqual(world.record);
    expect(world.awsCalls()).toEqual(['timer.arm', 'store.save']);
  });

  it('no timer is armed for a record without a deadline', async () => {
    const record = recordWith();
    const world = await worldWith(record);
    expect(await armTimer(world.dependencies)(record)).toBe(record);
    expect(world.calls).toEqual([]);
  });

  it('a timer that cannot be armed is reported, and the record says pending and is due a minute later', async () => {
    const world = await worldWith(armed, { fails: isArming });
    const record = await armTimer(world.dependencies)(armed);
    expect(world.faults).toEqual([new Error('timer.arm fails')]);
    expect(record).toMatchObject({ timer: 'pending', dueAt: afterNoon(1), version: 2 });
    expect(record).toEqual(world.record);
  });

  it('a pending timer that cannot be armed again is reported, and its record is not written', async () => {
    const world = await worldWith(pending, { fails: isArming });
    expect(await armTimer(world.dependencies)(pending)).toBe(pending);
    expect(world.faults).toEqual([new Error('timer.arm fails')]);
    expect(world.awsCalls()).toEqual(['timer.arm']);
  });

  it('arming does not fail if neither the timer nor the record can be reached', async () => {
    const world = await worldWith(armed, { fails: () => true });
    expect(await armTimer(world.dependencies)(armed)).toBe(armed);
    expect(world.faults).toEqual([new Error('timer.arm fails'), new Error('store.save fails')]);
    expect(world.record).toEqual(armed);
  });

  it('arming does not fail if the timer is armed and the record cannot be written', async () => {
    const world = await worldWith(pending, { fails: (call) => call === 'store.save' });
    expect(await armTimer(world.dependencies)(pending)).toBe(pending);
    expect(world.faults).toEqual([new Error('store.save fails')]);
    expect(world.timer.deadline).toBe(afterNoon(30));
  });

  it.each<[string, boolean, Partial<PaymentRequest>]>([
    ['has another deadline by now stays armed, although arming for the earlier one failed', true, {}],
    ['has another deadline by now stays pending until its own timer is armed', false, { timer: 'pending' }],
  ])('a record that %s', async (_, isDown, fields) => {
    const known = registered(fields);
    const moved = versioned({ ...known, deadlineAt: afterNoon(50) }, known);
    const world = await worldWith(known, {
      fails: (call) => isDown && isArming(call),
      arming: ({ store }) => void store.save(known, moved),
    });
    expect(await armTimer(world.dependencies)(known)).toEqual(moved);
    expect(world.record).toEqual(moved);
  });

  it.each([true, false])(
    'a record whose request ended meanwhile keeps its removed timer (arming fails: %s)',
    async (isDown) => {
      const known = isDown ? armed : pending;
      const ended = versioned({ ...known, state: 'CANCELED', timer: 'removed' }, known);
      const world = await worldWith(known, {
        fails: (call) => isDown && isArming(call),
        arming: ({ store }) => void store.save(known, ended),
      });
      expect(await armTimer(world.dependencies)(known)).toEqual(ended);
      expect(world.record).toEqual(ended);
    },
  );

  it('the last deadline is armed, although arming for an older one was the last call', async () => {
    const moved = versioned({ ...armed, deadlineAt: afterNoon(20) }, armed);
    const world = await worldWith(armed);
    await world.store.save(armed, moved);
    await armTimer(world.dependencies)(moved);
    expect(await armTimer(world.dependencies)(armed)).toEqual(moved);
    expect(world.timer.deadline).toBe(afterNoon(20));
    expect(world.record).toEqual(moved);
  });

  it('the last deadline stays pending where its timer cannot be armed after that for an older one', async () => {
    const moved = versioned({ ...armed, deadlineAt: afterNoon(20) }, armed);
    let arms = 0;
    const world = await worldWith(armed, { fails: (call) => isArming(call) && (arms += 1) === 3 });
    await world.store.save(armed, moved);
    await armTimer(world.dependencies)(moved);
    expect(await armTimer(world.dependencies)(armed)).toMatchObject({
      timer: 'pending',
      deadlineAt: afterNoon(20),
      dueAt: afterNoon(1),
    });
  });

  it('arming ends while other callers move the deadline without a pause', async () => {
    let minutes = 30;
    const world = await worldWith(armed, {
      arming: (its) => {
        const { record } = its;
        minutes += 1;
        void its.store.save(record, versioned({ ...record, deadlineAt: afterNoon(minutes) }, record));
      },
    });
    world.timer.deadline = afterNoon(29);
    await armTimer(world.dependencies)(armed);
    expect(world.awsCalls().filter(isArming)).toHaveLength(5);
  });

  it('a timer that was moved for a deleted record does not make the record again', async () => {
    const world = await worldWith(armed);
    world.timer.deadline = afterNoon(20);
    world.store.records.clear();
    expect(await armTimer(world.dependencies)(armed)).toBe(armed);
    expect(world.store.records.size).toBe(0);
  });

  it.each([
    ['sweep', 'armed', false],
    ['armed', 'sweep', true],
  ] as const)(
    'a record that says %s says %s once the deployment has another timer',
    async (before, after, sweepDriven) => {
      const record = registered({ timer: before });
      const world = await worldWith(record);
      const timer = sweepDriven ? sweepSessionTimer : world.timer;
      const written = await armTimer({ ...world.dependencies, timer })(record);
      expect(written).toMatchObject({ timer: after, dueAt: afterNoon(sweepDriven ? 30 : 31), version: 2 });
      expect(written).toEqual(world.record);
      expect(world.timer.deadline).toBe(sweepDriven ? undefined : afterNoon(30));
    },
  );

  it('a record that says sweep stays so if the new timer of the deployment cannot be armed', async () => {
    const record = registered({ timer: 'sweep' });
    const world = await worldWith(record, { fails: isArming });
    expect(await armTimer(world.dependencies)(record)).toBe(record);
    expect(world.record).toEqual(record);
    expect(world.faults).toEqual([new Error('timer.arm fails')]);
  });

  it.each([armed, pending])('a deleted record is not made again (it said $timer)', async (record) => {
    const world = await worldWith(record, { fails: (call) => record === armed && isArming(call) });
    world.store.records.clear();
    expect(await armTimer(world.dependencies)(record)).toBe(record);
    expect(world.store.records.size).toBe(0);
  });
});

describe('a registration whose timer cannot be armed', () => {
  it('the record is pending until a sweep arms the timer, at growing intervals', async () => {
    let isDown = true;
    const world = new World(new ScriptedKlarna('SUBMITTED'), {}, (call, moment) => {
      if (isDown && isArming(call) && moment === 'before') throw new Error('Scheduler is down');
    });
    const { record } = await world.register(registrationWith());
    expect(record).toMatchObject({
      timer: 'pending',
      deadlineAt: afterNoon(30),
      dueAt: afterNoon(1),
      version: 2,
    });
    world.clock.advance(minute - 1);
    expect(dueIn(await world.sweep())).toBe(0);
    world.clock.advance(1);
    world.faults.splice(0);
    expect(await world.sweep()).toMatchObject({ failed: 1, arm: 0 });
    expect(world.faults).toEqual([new Error('Scheduler is down')]);
    expect(world.record).toMatchObject({ timer: 'pending', attempts: 1, dueAt: afterNoon(1) });
    expect((await world.sweep()).failed).toBe(1);
    expect(world.record).toMatchObject({ timer: 'pending', attempts: 2, dueAt: afterNoon(2) });
    isDown = false;
    world.clock.advance(minute);
    expect((await world.sweep()).arm).toBe(1);
    expect(world.record).toMatchObject({ timer: 'armed', attempts: 0, dueAt: afterNoon(31) });
    expect(world.timer.deadline).toBe(afterNoon(30));
    expect(dueIn(await world.sweep())).toBe(0);
  });

  it('the same registration again arms the timer, and the record says armed', async () => {
    let isDown = true;
    const world = new World(new ScriptedKlarna('SUBMITTED'), {}, (call, moment) => {
      if (isDown && isArming(call) && moment === 'before') throw new Error('Scheduler is down');
    });
    await world.register(registrationWith());
    isDown = false;
    const { outcome, record } = await world.register(registrationWith());
    expect(outcome.kind).toBe('unchanged');
    expect(record).toMatchObject({ timer: 'armed', dueAt: afterNoon(31) });
    expect(world.timer.deadline).toBe(afterNoon(30));
  });

  it('a session with a pending timer ends at the latest a minute after its deadline', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED'), {}, (call, moment) => {
      if (isArming(call) && moment === 'before') throw new Error('Scheduler is down');
    });
    await world.register(registrationWith());
    for (let minutes = 0; minutes < 31; minutes += 1) {
      expect(world.record.state).toBeUndefined();
      world.clock.advance(minute);
      await world.sweep();
    }
    expect(world.record).toMatchObject({ state: 'CANCELED', timer: 'fired', dueAt: undefined });
  });
});
