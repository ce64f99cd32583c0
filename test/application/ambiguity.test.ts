import { describe, expect, it } from 'vitest';
import { observed, registrationWith } from '../support/fixtures.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { World } from '../support/world.ts';

const minute = 60_000;
const later = '2026-03-01T12:00:30Z';

it('a second contradiction is a question for a read, and asks for no attention again', async () => {
  const world = new World(new ScriptedKlarna('CANCELED'));
  await world.webhook(observed('CANCELED', '2026-03-01T12:00:00Z'));
  await world.webhook(observed('EXPIRED', '2026-03-01T12:01:00Z'));
  world.clock.advance(2 * minute);
  await world.sweep();
  expect(world.klarna.calls).toEqual(['read']);
  await world.webhook(observed('DECLINED', '2026-03-01T12:03:00Z'));
  const contradictions = world.record.history.filter(({ effect }) => effect === 'contradicting');
  expect(contradictions.map(({ attention }) => attention)).toEqual(['contradiction', undefined]);
  world.clock.advance(2 * minute);
  await world.sweep();
  expect(world.klarna.calls).toEqual(['read', 'read']);
});

describe('two webhooks with the same time and different states', () => {
  it.each([
    ['SUBMITTED', 'IN_PROGRESS'],
    ['IN_PROGRESS', 'SUBMITTED'],
  ] as const)(
    'after %s and %s of the same time, the sweep reads Klarna and records its state',
    async (first, second) => {
      for (const truth of ['SUBMITTED', 'IN_PROGRESS'] as const) {
        const world = new World(new ScriptedKlarna(truth));
        await world.register(registrationWith());
        const { dueAt } = world.record;
        await world.webhook(observed(first));
        await world.webhook(observed(second));
        expect((await world.sweep()).ask).toBe(1);
        expect(world.record).toMatchObject({ state: truth, dueAt });
        expect(world.klarna.calls).toEqual(['read']);
        await world.sweep();
        expect(world.klarna.calls).toEqual(['read']);
      }
    },
  );

  it('after one read for two webhooks of the same time, an unregistered request is not read again', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED'));
    await world.webhook(observed('SUBMITTED'));
    await world.webhook(observed('IN_PROGRESS'));
    await world.sweep();
    await world.sweep();
    expect(world.record.state).toBe('SUBMITTED');
    expect(world.klarna.calls).toEqual(['read']);
    world.clock.advance(24 * 60 * minute);
    await world.sweep();
    expect(world.klarna.calls).toEqual(['read']);
  });
});

describe('webhooks that contradict each other', () => {
  const contradicted = async (klarna: ScriptedKlarna) => {
    const world = new World(klarna);
    await world.webhook(observed('CANCELED'));
    await world.webhook(observed('EXPIRED', later));
    world.clock.advance(minute);
    return world;
  };

  it.each(['CANCELED', 'EXPIRED', undefined] as const)(
    'contradicting webhooks cause one read, and attention stays whatever Klarna says (%s)',
    async (truth) => {
      const world = await contradicted(new ScriptedKlarna(truth));
      expect((await world.sweep()).ask).toBe(1);
      for (let each = 0; each < 120; each += 1) {
        world.clock.advance(minute);
        await world.sweep();
      }
      expect(world.klarna.calls).toEqual(['read']);
      expect(world.record).toMatchObject({
        state: 'CANCELED',
        attention: 'contradiction',
        dueAt: undefined,
      });
      expect(world.record.history.at(-1)).toMatchObject({
        kind: 'sweep',
        detail: { looked_into: 'contradiction', response: truth ? 'refreshed' : 'not_found' },
      });
    },
  );

  it('the sweep reads contradicting webhooks again at growing intervals until Klarna responds', async () => {
    const world = await contradicted(
      new ScriptedKlarna('CANCELED').responses('read', ...Array.from({ length: 4 }, () => unclear)),
    );
    for (let each = 0; each < 120; each += 1) {
      await world.sweep();
      world.clock.advance(minute);
    }
    expect(world.klarna.calls).toHaveLength(5);
    expect(world.record.dueAt).toBeUndefined();
  });
});
