import { describe, expect, it } from 'vitest';
import { formatInstant } from '../../functions/domain/instant.ts';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import { at, observed, registrationWith } from '../support/fixtures.ts';
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

describe('a webhook with a time in the far future', () => {
  const untimed = '1970-01-01T00:00:00Z';

  it.each([
    ['SUBMITTED', 'IN_PROGRESS'],
    ['IN_PROGRESS', 'SUBMITTED'],
  ] as const)('%s does not keep a later %s out, and the sweep reads once', async (first, second) => {
    const world = new World(new ScriptedKlarna(second));
    await world.webhook(observed(first, untimed));
    expect(world.record).toMatchObject({ state: first, question: { about: 'time' } });
    await world.webhook(observed(second, later));
    expect(world.record).toMatchObject({ state: second, question: { about: 'time' } });
    await world.sweep();
    await world.sweep();
    expect(world.record).toMatchObject({ state: second, question: undefined });
    expect(world.klarna.calls).toEqual(['read']);
  });

  it('an open state that arrives late replaces no other, and the sweep reads which is the latest', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED'));
    await world.webhook(observed('IN_PROGRESS'));
    await world.webhook(observed('SUBMITTED', untimed));
    expect(world.record).toMatchObject({ state: 'IN_PROGRESS', question: { about: 'time' } });
    await world.sweep();
    expect(world.record).toMatchObject({ state: 'SUBMITTED', question: undefined });
  });

  it.each(['COMPLETED', 'EXPIRED'] as const)(
    '%s answers which of two open states is the latest',
    async (end) => {
      const world = new World(new ScriptedKlarna(end));
      await world.webhook(observed('SUBMITTED', untimed));
      await world.webhook(observed(end, later));
      await world.sweep();
      expect(world.record).toMatchObject({ state: end, question: undefined });
      expect(world.klarna.calls).toEqual([]);
    },
  );

  it('an open state of a paid request asks nothing', async () => {
    const world = new World(new ScriptedKlarna('COMPLETED'));
    await world.webhook(observed('COMPLETED'));
    await world.webhook(observed('SUBMITTED', untimed));
    await world.sweep();
    expect(world.record).toMatchObject({ state: 'COMPLETED', question: undefined, dueAt: undefined });
    expect(world.klarna.calls).toEqual([]);
  });

  it('the same delivery again, and after its history entry is gone, changes nothing', async () => {
    const world = new World(new ScriptedKlarna('IN_PROGRESS'));
    const fact = observed('SUBMITTED', untimed);
    await world.webhook(fact);
    await world.webhook(observed('IN_PROGRESS', later));
    await world.sweep();
    expect(await world.webhook(fact)).toBe('duplicate');
    const [[key, record] = []] = [...world.store.records];
    if (key === undefined || !record) throw new Error('there is no record');
    world.store.records.set(key, { ...record, history: record.history.slice(-1) });
    expect(await world.webhook(fact)).toBe('stale');
    expect(world.record.state).toBe('IN_PROGRESS');
  });

  it('a read whose time is in the far future counts from the moment of the call', async () => {
    const farAhead: KlarnaResponse = {
      kind: 'payment_request',
      state: 'IN_PROGRESS',
      updatedAt: at('2999-01-01T00:00:00Z'),
      proof: {},
    };
    const world = new World(new ScriptedKlarna('IN_PROGRESS').responses('read', farAhead));
    await world.webhook(observed('SUBMITTED', untimed));
    await world.sweep();
    expect(world.record.state).toBe('IN_PROGRESS');
    world.clock.advance(minute);
    await world.webhook(observed('SUBMITTED', formatInstant(world.clock.instant())));
    expect(world.record.state).toBe('SUBMITTED');
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
