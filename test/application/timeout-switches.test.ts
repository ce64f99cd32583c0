import { describe, expect, it } from 'vitest';
import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import type { Registration } from '../../functions/domain/registration.ts';
import { armedStage } from '../../functions/domain/timeout-switches.ts';
import { noon, registrationWith } from '../support/fixtures.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { afterNoon, minute } from '../support/sessions.ts';
import { World } from '../support/world.ts';

/** A registration that does not say what happens at the deadline. */
const unsaid = (fields: Partial<Registration> = {}): Registration =>
  registrationWith({ onTimeout: undefined, ...fields });

const switches: readonly (readonly [string, Partial<AccountSettings>])[] = [
  ['stage', { stage: { ...armedStage, observe: true } }],
  ['armed_from', { stage: { ...armedStage, armedFrom: afterNoon(10) } }],
  ['armed_from', { armedFrom: afterNoon(10) }],
  ['kind', { kinds: { invoice: 'observe' } }],
  ['account', { observe: true }],
];

const turn = (world: World, fields: Partial<AccountSettings>): void => {
  world.settings = { ...world.settings, ...fields };
};

describe.each(switches)('a session that the switch %s observes (%o)', (reason, fields) => {
  const registration = unsaid({ kind: 'invoice' });

  it('no call to Klarna is made at the deadline, and the record says why', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED'), fields);
    await world.register(registration);
    expect(world.record.session).toMatchObject({ onTimeout: 'observe', observedBy: reason });
    world.clock.advance(30 * minute);
    expect(await world.timerFires()).toEqual({ kind: 'observed' });
    expect(await world.timerFires()).toEqual({ kind: 'observed' });
    expect(world.klarna.calls).toEqual([]);
    expect(world.record).toMatchObject({
      timer: 'fired',
      wouldCancel: { at: afterNoon(30), reason },
      changes: [{ kind: 'would_cancel' }],
    });
  });

  it('a switch that is turned after the registration counts at the deadline, also for the sweep', async () => {
    for (const end of ['timerFires', 'sweep'] as const) {
      const world = new World(new ScriptedKlarna('SUBMITTED'));
      await world.register(registration);
      expect(world.record.session?.onTimeout).toBe('cancel');
      turn(world, fields);
      world.clock.advance(31 * minute);
      await world[end]();
      expect(world.klarna.calls).toEqual([]);
      expect(world.record).toMatchObject({
        session: { onTimeout: 'observe', observedBy: reason },
        wouldCancel: { reason },
      });
      world.clock.advance(10 * minute);
      await world.sweep();
      expect(world.klarna.calls).toEqual([]);
    }
  });

  it('a session that was registered in observation is not canceled after the switch is turned off', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED'), fields);
    await world.register(registration);
    turn(world, { observe: false, kinds: {}, armedFrom: undefined, stage: armedStage });
    world.clock.advance(31 * minute);
    expect((await world.timerFires()).kind).toBe('observed');
    await world.sweep();
    expect(world.klarna.cancels).toBe(0);
  });

  it('a cancel that the timer began before the switch was turned sends no DELETE after it', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED'));
    await world.register(registration);
    world.clock.advance(30 * minute);
    world.klarna.instead = () => unclear;
    await world.timerFires();
    expect(world.record.cancellation?.outcome).toBe('pending');
    expect(world.klarna.cancels).toBe(0);
    turn(world, fields);
    world.klarna.instead = undefined;
    for (let round = 0; round < 5; round += 1) {
      world.clock.advance(20 * minute);
      await world.sweep();
    }
    expect(world.klarna.cancels).toBe(0);
    expect(world.record.cancellation).toBeUndefined();
    expect(world.record).toMatchObject({ wouldCancel: { reason }, session: { observedBy: reason } });
  });
});

describe('a registration that says cancel', () => {
  it.each<[string, Partial<AccountSettings>, boolean]>([
    ['the account observes', { observe: true }, true],
    ['a rule observes its kind', { kinds: { invoice: 'observe' } }, true],
    ['the account has a cut-off', { armedFrom: afterNoon(10) }, false],
    ['the stage observes', { stage: { ...armedStage, observe: true } }, false],
  ])('where %s, the session is canceled or not as the switch ranks', async (_, fields, isCanceled) => {
    const world = new World(new ScriptedKlarna('SUBMITTED'), fields);
    await world.register(registrationWith({ onTimeout: 'cancel', kind: 'invoice' }));
    world.clock.advance(30 * minute);
    await world.timerFires();
    expect(world.klarna.cancels).toBe(isCanceled ? 1 : 0);
    expect(world.record.state).toBe(isCanceled ? 'CANCELED' : undefined);
  });

  it('the same registration again changes nothing, also after a switch has observed the session', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED'), { stage: { ...armedStage, observe: true } });
    const registration = registrationWith({ onTimeout: 'cancel' });
    await world.register(registration);
    expect((await world.register(registration)).outcome).toEqual({ kind: 'unchanged' });
    world.clock.advance(30 * minute);
    await world.timerFires();
    turn(world, { stage: armedStage });
    const { version } = world.record;
    expect((await world.register(registration)).outcome).toEqual({ kind: 'unchanged' });
    // Another field, and the same word again: the session that is over does not begin to cancel.
    const more = registrationWith({ onTimeout: 'cancel', deadline: undefined, reference: 'order 17' });
    expect((await world.register(more)).outcome).toEqual({ kind: 'changed' });
    expect(world.record).toMatchObject({ version: version + 1, session: { onTimeout: 'observe' } });
    await world.sweep();
    expect(world.klarna.cancels).toBe(0);
  });

  it('a new deadline arms a session again that was observed', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED'), { stage: { ...armedStage, observe: true } });
    await world.register(unsaid());
    turn(world, { stage: armedStage });
    world.clock.advance(31 * minute);
    await world.timerFires();
    const again = registrationWith({
      onTimeout: 'cancel',
      deadline: { kind: 'session_timeout', millis: 5 * minute, given: 'PT5M' },
    });
    expect((await world.register(again)).outcome).toEqual({ kind: 'changed' });
    world.clock.advance(5 * minute);
    await world.timerFires();
    expect(world.record).toMatchObject({ state: 'CANCELED', wouldCancel: { at: afterNoon(31) } });
  });

  it('cancel by name is news for a session that did not say, and wins over the account from then on', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED'));
    await world.register(unsaid());
    const named = registrationWith({ onTimeout: 'cancel', deadline: undefined });
    expect((await world.register(named)).outcome).toEqual({ kind: 'changed' });
    expect((await world.register(named)).outcome).toEqual({ kind: 'unchanged' });
    turn(world, { observe: true });
    world.clock.advance(30 * minute);
    await world.timerFires();
    expect(world.record.state).toBe('CANCELED');
  });
});

it('a session that is registered at the cut-off or after it is canceled', async () => {
  const world = new World(new ScriptedKlarna('SUBMITTED'), { armedFrom: noon });
  await world.register(unsaid());
  world.clock.advance(30 * minute);
  await world.timerFires();
  expect(world.record.state).toBe('CANCELED');
});

it('a caller cancels a request whatever the switches say', async () => {
  const world = new World(new ScriptedKlarna('SUBMITTED'), { stage: { ...armedStage, observe: true } });
  await world.register(unsaid());
  expect((await world.cancel()).outcome).toBe('canceled');
});

it('a kind is kept, changed, and left alone where a registration leaves it out', async () => {
  const world = new World();
  await world.register(unsaid({ kind: 'invoice' }));
  await world.register(unsaid({ deadline: undefined, reference: 'order 17' }));
  expect(world.record.session?.kind).toBe('invoice');
  await world.register(unsaid({ deadline: undefined, kind: 'pay-link' }));
  expect(world.record.session?.kind).toBe('pay-link');
});

it("a session that a switch observes at its registration gets no Klarna expiry of Lapse's", async () => {
  const world = new World(new ScriptedKlarna('SUBMITTED'), {
    syncKlarnaExpiry: true,
    stage: { ...armedStage, observe: true },
  });
  await world.register(registrationWith({ onTimeout: 'cancel' }));
  expect(world.klarna.calls).toEqual([]);
});
