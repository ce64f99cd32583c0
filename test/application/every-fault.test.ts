import { describe, expect, it } from 'vitest';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import { noon, registrationWith } from '../support/fixtures.ts';
import { ScriptedKlarna } from '../support/scripted-klarna.ts';
import { World } from '../support/world.ts';

/** The end of the process during a call: no later call does anything. */
class Crash extends Error {}

const hour = 3_600_000;

/** Runs the sweep every minute for three hours, without faults. */
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

describe.each(cases)('a crash before or after each call of a $name', ({ name, act }) => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7].flatMap((n) => [[n, 'before'] as const, [n, 'after'] as const]))(
    `a ${name} that crashes at call %i (%s it) is completed by the sweep`,
    async (nth, moment) => {
      let armed = false;
      let seen = 0;
      const world = new World(new ScriptedKlarna('SUBMITTED'), {}, (_, when) => {
        if (!armed || when !== moment) return;
        seen += 1;
        if (seen > nth) throw new Crash();
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
      expect(world.record).toMatchObject({ state: 'CANCELED', dueAt: undefined });
      expect(world.record.cancellation).toMatchObject({ lease: undefined });
      expect(['canceled', 'already_canceled']).toContain(world.record.cancellation?.outcome);
      expect(world.klarna.cancels).toBeLessThanOrEqual(2);
    },
  );
});

describe('a crash before or after each call of a registration or an extension', () => {
  const longer = { kind: 'session_timeout', millis: hour, given: 'PT1H' } as const;

  it.each(
    (['registration', 'extension'] as const).flatMap((what) =>
      [0, 1, 2].flatMap((n) => [[what, n, 'before'] as const, [what, n, 'after'] as const]),
    ),
  )(
    'after a %s that crashes at call %i (%s it), the record has the timer of its deadline or the sweep is due',
    async (what, nth, moment) => {
      let armed = false;
      let seen = 0;
      const world = new World(new ScriptedKlarna('SUBMITTED'), {}, (_, when) => {
        if (!armed || when !== moment) return;
        seen += 1;
        if (seen > nth) throw new Crash();
      });
      if (what === 'extension') await world.register(registrationWith());
      armed = true;
      const act = () => (what === 'extension' ? world.extend(longer) : world.register(registrationWith()));
      await act().catch((error: unknown) => {
        expect(error).toBeInstanceOf(Crash);
      });
      armed = false;
      if (world.store.records.size === 0) {
        // Nothing was accepted. The caller repeats the call.
        await act();
      }
      const { deadlineAt = noon } = world.record;
      if (world.timer.deadline !== deadlineAt) {
        expect(world.record.dueAt && world.record.dueAt <= plusMillis(deadlineAt, 60_000)).toBe(true);
      }
      await recover(world);
      expect(world.record).toMatchObject({ state: 'CANCELED', timer: 'fired', dueAt: undefined });
      expect(world.record.session?.extensions).toBeLessThanOrEqual(1);
      const { requestedAt = noon } = world.record.cancellation ?? {};
      expect(requestedAt >= deadlineAt && requestedAt <= plusMillis(deadlineAt, 60_000)).toBe(true);
    },
  );
});

it('a cancel never ends an approved request, at whichever call the customer approves', async () => {
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
      // Klarna refuses to cancel a COMPLETED request. The record has to show which of the two was first.
      expect(world.record.state).toBe(klarna.state);
      if (klarna.state === 'COMPLETED')
        expect(outcome).toMatchObject({ outcome: 'already_final', state: 'COMPLETED' });
    }
  }
});

it('a registration is stored even if the timer cannot be armed, and the sweep arms it later', async () => {
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

it('the sweep ends a session whose timer was lost', async () => {
  const world = new World();
  await world.register(registrationWith());
  world.timer.deadline = undefined;
  world.clock.advance(hour / 2 + 60_000);
  const report = await world.sweep();
  expect(report.end).toBe(1);
  expect(world.record).toMatchObject({ state: 'CANCELED', cancellation: { cause: 'timeout' } });
});

it('the number of calls to Klarna stays bounded if Klarna is down until the request expires', async () => {
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
