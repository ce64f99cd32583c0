import { describe, expect, it } from 'vitest';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import { registrationWith } from '../support/fixtures.ts';
import { ScriptedKlarna } from '../support/scripted-klarna.ts';
import { World } from '../support/world.ts';

/** A process that ends in mid-flight: nothing after the call is run. */
class Crash extends Error {}

const hour = 3_600_000;

/** Lets time pass and the sweep run, as they do once faults have stopped. */
async function recover(world: World): Promise<void> {
  for (let minute = 0; minute < 3 * 60; minute += 1) {
    world.clock.advance(60_000);
    await world.sweep();
  }
}

interface Case {
  readonly name: string;
  readonly act: (world: World) => Promise<unknown>;
}

const cases: readonly Case[] = [
  { name: 'cancel', act: (world) => world.cancel() },
  { name: 'timer', act: (world) => world.timerFires() },
  { name: 'sweep', act: (world) => world.sweep() },
];

describe.each(cases)('a crash before or after every call of $name', ({ act }) => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7].flatMap((n) => [[n, 'before'] as const, [n, 'after'] as const]))(
    'call %i, %s',
    async (nth, moment) => {
      let armed = false;
      let seen = 0;
      const world = new World(new ScriptedKlarna('SUBMITTED'), {}, (_, when) => {
        if (!armed || when !== moment) return;
        seen += 1;
        if (seen === nth + 1) throw new Crash();
      });
      await world.register(registrationWith());
      world.clock.advance(hour);
      armed = true;
      await act(world).catch((error: unknown) => {
        expect(error).toBeInstanceOf(Crash);
      });
      armed = false;
      if (world.klarna.state === 'SUBMITTED') expect(world.record.state).not.toBe('CANCELED');
      await recover(world);

      expect(world.klarna.state).toBe('CANCELED');
      expect(world.record).toMatchObject({ state: 'CANCELED', reconcileAfter: undefined });
      expect(world.record.cancellation).toMatchObject({ lease: undefined });
      expect(['canceled', 'already_canceled']).toContain(world.record.cancellation?.outcome);
      expect(world.klarna.cancels).toBeLessThanOrEqual(2);
    },
  );
});

it('never cancels what was approved, wherever the approval falls between two calls', async () => {
  for (let nth = 0; nth < 8; nth += 1) {
    for (const moment of ['before', 'after'] as const) {
      let seen = 0;
      const klarna = new ScriptedKlarna('IN_PROGRESS');
      const world = new World(klarna, {}, (_, when) => {
        if (when !== moment) return;
        if (seen === nth && klarna.state === 'IN_PROGRESS') klarna.state = 'COMPLETED';
        seen += 1;
      });
      const outcome = await world.cancel();
      // Klarna refuses to cancel what is COMPLETED, so whoever came first has won, and the record says who.
      expect(world.record.state).toBe(klarna.state);
      if (klarna.state === 'COMPLETED')
        expect(outcome).toMatchObject({ outcome: 'already_final', state: 'COMPLETED' });
    }
  }
});

it('registers durably whatever happens to the timer: the sweep arms it', async () => {
  let down = true;
  const world = new World(new ScriptedKlarna('SUBMITTED'), {}, (call, moment) => {
    if (down && call === 'timer.arm' && moment === 'before') throw new Error('Scheduler is down');
  });
  const { outcome, record } = await world.register(registrationWith());
  expect(outcome.kind).toBe('registered');
  expect(record?.timer).toBe('pending');
  expect(world.faults).toEqual([new Error('Scheduler is down')]);
  world.clock.advance(61_000);
  await world.sweep();
  expect(world.timer.deadline).toBeUndefined();
  down = false;
  world.clock.advance(61_000);
  await world.sweep();
  expect(world.record.timer).toBe('armed');
  expect(world.timer.deadline).toBe(world.record.deadlineAt);
});

it('works with the sweep as the only timer', async () => {
  const world = new World();
  await world.register(registrationWith());
  world.timer.deadline = undefined;
  world.clock.advance(hour / 2 + 60_000);
  const report = await world.sweep();
  expect(report.end).toBe(1);
  expect(world.record).toMatchObject({ state: 'CANCELED', cancellation: { cause: 'timeout' } });
});

it('bounds the calls to Klarna while it is down for the whole life of the request', async () => {
  const down: KlarnaResponse = { kind: 'unclear', retryAfterMillis: undefined, proof: {} };
  const klarna = new ScriptedKlarna('SUBMITTED').responses(
    'read',
    ...Array.from({ length: 5_000 }, () => down),
  );
  const world = new World(klarna);
  await world.register(registrationWith());
  for (let minute = 0; minute < 48 * 60; minute += 1) {
    world.clock.advance(60_000);
    await world.sweep();
  }
  expect(klarna.cancels).toBe(0);
  expect(klarna.calls.length).toBeLessThan(250);
});
