import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { kilobytesOf } from '../../bench/cost/write-units.ts';
import { toItem } from '../../functions/adapters/dynamodb/stored-payment-request.ts';
import type { EventId, SessionId } from '../../functions/domain/identifiers.ts';
import { formatInstant, plusMillis } from '../../functions/domain/instant.ts';
import type { Observation } from '../../functions/domain/observation.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { key, noon, observed, registrationWith } from '../support/fixtures.ts';
import { nameOf } from '../support/in-memory-payment-request-store.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { hour, minute } from '../support/sessions.ts';
import { World } from '../support/world.ts';

/** The most kilobytes of an item, whatever arrives. */
const mostKilobytes = 16;
const toggles = 3_000;

/** Text of as many bytes as a caller can send: each character has four. */
const longest = '😀'.repeat(255);
const longestCaller = `arn:aws:iam::000000000000:user/${'x'.repeat(200)}`.slice(0, 200);

const kilobytesOfRecord = (record: PaymentRequest): number =>
  kilobytesOf(marshall(toItem(record, 90), { removeUndefinedValues: true }));

/** What the versions of a record have shown so far. */
class Watch {
  versions = 0;
  kilobytes = 0;
  readonly sequences: number[] = [];
  readonly told: string[] = [];

  /** Watches each version that the world stores. */
  constructor(world: World) {
    const { records } = world.store;
    const set = records.set.bind(records);
    records.set = (name, record) => {
      this.#see(record);
      return set(name, record);
    };
  }

  #see(record: PaymentRequest): void {
    const { sequence, changes } = record;
    this.versions += 1;
    this.kilobytes = Math.max(this.kilobytes, kilobytesOfRecord(record));
    for (const [index, { kind, eventId }] of changes.entries()) {
      this.sequences.push(sequence - changes.length + 1 + index);
      this.told.push(`${kind} ${eventId}`);
    }
  }
}

/** A webhook of a customer who opens or closes Klarna's window, with the longest ids and codes. */
const toggle = (number: number): Observation =>
  observed(number % 2 === 0 ? 'SUBMITTED' : 'IN_PROGRESS', formatInstant(plusMillis(noon, number * 100)), {
    eventId: `${String(number).padStart(8, '0')}-${'e'.repeat(119)}` as EventId,
    stateReason: 'r'.repeat(80),
    proof: { event_type: 't'.repeat(80), signing_key_id: 'k'.repeat(64), body_sha256: 'a'.repeat(64) },
  });

/** A session with the longest texts, and its record after all toggles. */
async function hostile(): Promise<{ readonly world: World; readonly watch: Watch }> {
  const world = new World(new ScriptedKlarna('IN_PROGRESS'));
  const watch = new Watch(world);
  await world.register(
    registrationWith({ sessionId: longest as SessionId, reference: longest, requestedBy: longestCaller }),
  );
  for (let number = 1; number <= toggles; number += 1) await world.webhook(toggle(number));
  return { world, watch };
}

describe('a request after three thousand toggles of its customer', () => {
  let stored: PaymentRequest;
  let flood: Watch;

  beforeAll(async () => {
    const { world, watch } = await hostile();
    [stored, flood] = [world.record, watch];
  });

  /** The request as the toggles left it, ten minutes after noon, in a world of its own. */
  function toggled(klarna = new ScriptedKlarna('IN_PROGRESS')) {
    const world = new World(klarna);
    world.store.records.set(nameOf(key), stored);
    world.clock.advance(10 * minute);
    return { world, watch: new Watch(world) };
  }

  it('each toggle changed the state and made one event, in a gapless sequence', () => {
    expect(stored).toMatchObject({ state: 'SUBMITTED', sequence: 1 + toggles });
    expect(flood.sequences).toEqual(Array.from({ length: 1 + toggles }, (_, index) => index + 1));
    expect(new Set(flood.told).size).toBe(1 + toggles);
    expect(stored.version).toBe(flood.versions);
    expect(stored.history.length + (stored.dropped?.count ?? 0)).toBe(1 + toggles);
  });

  it('no version of the item had more than 16 KB', () => {
    expect(flood.kilobytes).toBeLessThanOrEqual(mostKilobytes);
    // The item has the long texts: the limit is not kept by having nothing.
    expect(flood.kilobytes).toBeGreaterThan(8);
  });

  it('the history keeps the registration and the newest toggles', () => {
    expect(stored.history[0]).toMatchObject({ kind: 'register', effect: 'accepted' });
    const kept = stored.history.slice(1).map(({ eventId }) => Number(eventId.slice(0, 8)));
    expect(kept.at(-1)).toBe(toggles);
    expect(kept).toEqual(Array.from(kept, (_, index) => toggles - kept.length + 1 + index));
    expect(kept.length).toBeGreaterThanOrEqual(12);
  });

  it.each(['first', 'newest'] as const)('the %s toggle again makes no event', async (which) => {
    const { world, watch } = toggled();
    await world.webhook(toggle(which === 'first' ? 1 : toggles));
    expect(watch.told).toEqual([]);
    expect(world.record).toMatchObject({ state: stored.state, sequence: stored.sequence });
  });

  it('a cancel works and is recorded', async () => {
    const { world, watch } = toggled();
    const command = { reason: longest, requestedBy: longestCaller };
    expect((await world.cancel(command)).outcome).toBe('canceled');
    expect(world.record).toMatchObject({
      state: 'CANCELED',
      timer: 'removed',
      dueAt: undefined,
      cancellation: { outcome: 'canceled', reason: longest },
    });
    expect(world.record.history.at(-1)).toMatchObject({
      kind: 'cancel',
      effect: 'applied',
      state: 'CANCELED',
    });
    expect(world.record.history.at(-3)).toMatchObject({ kind: 'cancel_request', effect: 'accepted' });
    expect(watch.kilobytes).toBeLessThanOrEqual(mostKilobytes);
    expect(watch.sequences[0]).toBe(stored.sequence + 1);
    expect(watch.told.at(-1)).toContain('state_changed cancel:');
  });

  it('a cancel is continued by the sweep if Klarna does not respond', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('read', unclear, unclear, unclear, unclear);
    const { world, watch } = toggled(klarna);
    expect((await world.cancel({ reason: longest })).outcome).toBe('pending');
    world.clock.advance(minute);
    expect((await world.sweep()).resume).toBe(1);
    expect(world.record).toMatchObject({ state: 'CANCELED', cancellation: { outcome: 'canceled' } });
    expect(watch.kilobytes).toBeLessThanOrEqual(mostKilobytes);
  });

  it.each([
    ['timer', 30, (world: World) => world.timerFires()],
    ['sweep', 31, (world: World) => world.sweep()],
  ] as const)('the session ends by the %s', async (_, minutes, end) => {
    const { world, watch } = toggled();
    world.clock.advance((minutes - 10) * minute);
    await end(world);
    expect(world.faults).toEqual([]);
    expect(world.record).toMatchObject({
      state: 'CANCELED',
      timer: 'fired',
      dueAt: undefined,
      cancellation: { cause: 'timeout', outcome: 'canceled' },
    });
    expect(watch.kilobytes).toBeLessThanOrEqual(mostKilobytes);
  });

  it.each(['COMPLETED', 'CANCELED', 'EXPIRED', 'DECLINED'] as const)(
    'a webhook that says %s is recorded and published',
    async (state) => {
      const { world, watch } = toggled(new ScriptedKlarna(state));
      const told = observed(state, '2026-03-01T12:10:00Z');
      expect(await world.webhook(told)).toBe('superseding');
      expect(world.record).toMatchObject({ state, dueAt: undefined, sequence: stored.sequence + 1 });
      expect(watch.told).toEqual([`state_changed ${told.eventId}`]);
      expect(world.record.history.at(-1)).toMatchObject({ effect: 'applied', state });
      world.clock.advance(20 * minute);
      expect((await world.timerFires()).kind).toBe('spared');
      expect(world.klarna.calls).toEqual([]);
      expect(watch.kilobytes).toBeLessThanOrEqual(mostKilobytes);
    },
  );

  it('an extension is counted and recorded, and the timer follows', async () => {
    const { world, watch } = toggled();
    const { outcome } = await world.extend({ kind: 'session_timeout', millis: hour, given: 'PT1H' });
    expect(outcome.kind).toBe('changed');
    expect(world.record).toMatchObject({ timer: 'armed', session: { extensions: 1 } });
    expect(world.record.history.at(-1)).toMatchObject({ kind: 'extend', effect: 'accepted' });
    expect(world.timer.deadline).toBe(world.record.deadlineAt);
    expect(watch.kilobytes).toBeLessThanOrEqual(mostKilobytes);
  });

  it('stale webhooks without end are counted, and the record stays within its size', async () => {
    const { world, watch } = toggled();
    const known = stored.history.length + (stored.dropped?.count ?? 0);
    for (let number = 0; number < 500; number += 1) {
      const late = toggle(number);
      expect(await world.webhook({ ...late, eventId: `late-${late.eventId.slice(0, 123)}` as EventId })).toBe(
        'stale',
      );
    }
    const { history, dropped } = world.record;
    expect(history.length + (dropped?.count ?? 0)).toBe(known + 500);
    expect(dropped?.last).toBe(world.clock.instant());
    expect([watch.told, world.record.state]).toEqual([[], stored.state]);
    expect(watch.kilobytes).toBeLessThanOrEqual(mostKilobytes);
    expect((await world.cancel()).outcome).toBe('canceled');
  });

  it('refused cancels without end with the longest reasons stay within the size, and each is published', async () => {
    const { world, watch } = toggled(new ScriptedKlarna('COMPLETED'));
    await world.webhook(observed('COMPLETED', '2026-03-01T12:10:00Z'));
    for (let time = 0; time < 300; time += 1) {
      world.clock.advance(1_000);
      const refused = await world.cancel({ reason: longest, requestedBy: longestCaller });
      expect(refused.outcome).toBe('already_final');
    }
    expect(watch.told.filter((told) => told.startsWith('cancel_refused'))).toHaveLength(300);
    expect(watch.kilobytes).toBeLessThanOrEqual(mostKilobytes);
    expect(world.record.history.filter(({ effect }) => effect === 'refused').length).toBeGreaterThan(8);
    expect(world.record.history).toContainEqual(
      expect.objectContaining({ state: 'COMPLETED', kind: 'webhook' }),
    );
  });

  it('contradictions without end stay within the size, and attention is asked for once', async () => {
    const { world, watch } = toggled(new ScriptedKlarna('CANCELED'));
    await world.webhook(observed('CANCELED', '2026-03-01T12:10:00Z'));
    for (let number = 0; number < 300; number += 1) {
      const state = number % 2 === 0 ? 'EXPIRED' : 'DECLINED';
      await world.webhook({
        ...toggle(number + 10_000),
        state,
        eventId: `${number}-${'c'.repeat(120)}` as EventId,
      });
    }
    expect(world.record).toMatchObject({ state: 'CANCELED', attention: 'contradiction' });
    expect(watch.told.filter((told) => told.startsWith('needs_attention'))).toHaveLength(1);
    expect(watch.kilobytes).toBeLessThanOrEqual(mostKilobytes);
    world.clock.advance(minute);
    expect((await world.sweep()).ask).toBe(1);
    expect(world.record.question).toBeUndefined();
  });
});
