import { describe, expect, it } from 'vitest';
import { callLimit } from '../../functions/domain/next-call.ts';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import { extendSession } from '../../functions/application/register-session.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import { key, observed, registrationWith } from '../support/fixtures.ts';
import { afterNoon, registered } from '../support/sessions.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { type FaultInjector, World } from '../support/world.ts';

const minute = 60_000;
const timeout = (minutes: number) =>
  ({ kind: 'session_timeout', millis: minutes * minute, given: `PT${minutes}M` }) as const;

const worldOf = (klarna = new ScriptedKlarna('SUBMITTED'), injectFault?: FaultInjector) =>
  new World(klarna, { syncKlarnaExpiry: true }, injectFault);

describe('an account with syncKlarnaExpiry', () => {
  it("a registration sets Klarna's expiry to the deadline once", async () => {
    const world = worldOf();
    const { record } = await world.register(registrationWith());
    expect(world.klarna.expiresAt).toBe(record?.deadlineAt);
    expect(record).toMatchObject({ timer: 'armed', klarnaExpiresAt: record?.deadlineAt });
    expect(record).toEqual(world.record);
    expect(record?.history.map(({ kind }) => kind)).toEqual(['register', 'read', 'klarna_expiry']);
    expect(record?.history.slice(1).map(({ eventId }) => eventId.split(':')[0])).toEqual(['read', 'expiry']);
    await world.register(registrationWith());
    expect(world.klarna.calls).toEqual(['expiry']);
  });

  it('the write of the deadline notes which expiry Klarna may have, before the call to Klarna', async () => {
    const mayBe: unknown[] = [];
    const world = worldOf(undefined, (call, moment) => {
      if (call === 'klarna.moveExpiry' && moment === 'before')
        mayBe.push(world.record.session?.klarnaExpiryMayBe);
    });
    await world.register(registrationWith());
    expect(mayBe).toEqual([afterNoon(30)]);
    // The registration, and Klarna's response.
    expect(world.record).toMatchObject({ version: 2, session: { klarnaExpiryMayBe: undefined } });
  });

  it('the possible expiry is noted again before each call that asks for a later one', async () => {
    const noted: (string | undefined)[] = [];
    const world = worldOf(undefined, (call, moment) => {
      if (call === 'klarna.moveExpiry' && moment === 'before')
        noted.push(world.record.session?.klarnaExpiryMayBe);
    });
    await world.register(registrationWith());
    world.klarna.responses('expiry', unclear).responses('expiry', unclear);
    world.clock.advance(29 * minute);
    await world.extend(timeout(12));
    world.clock.advance(minute);
    expect(await world.sweep()).toMatchObject({ arm: 1 });
    const nearestAt = (minutes: number) => plusMillis(afterNoon(minutes + 15), 15_000);
    expect(noted).toEqual([afterNoon(30), nearestAt(29), nearestAt(30)]);
  });

  it('Klarna is not called if the record is deleted before', async () => {
    const world = worldOf();
    const record = registered();
    expect(await world.dependencies.syncExpiry(record, world.settings)).toEqual(record);
    expect([world.klarna.calls, world.faults]).toEqual([[], []]);
  });

  it('a 404 does not end a request before the possible expiry, even if the caller crashed', async () => {
    const world = worldOf();
    await world.register(registrationWith());
    const { syncExpiry: _, ...others } = world.dependencies;
    const crashed = { ...others, syncExpiry: () => Promise.reject(new Error('crashed')) };
    world.clock.advance(29 * minute);
    await expect(
      extendSession(crashed)(key, { deadline: timeout(5), requestedBy: 'test' }, world.settings),
    ).rejects.toThrow('crashed');
    world.clock.advance(5 * minute);
    world.klarna.responses('read', { kind: 'not_found', proof: { status: '404' } });
    await world.timerFires();
    expect(world.record).toMatchObject({ state: 'SUBMITTED', attention: 'not_found' });
  });

  it("Klarna's expiry is set again if the deadline moved during the call", async () => {
    const world = worldOf();
    world.klarna.responses('expiry', (klarna) => {
      const { record } = world;
      void world.store.save(record, { ...record, deadlineAt: afterNoon(40), version: record.version + 1 });
      klarna.expiresAt = afterNoon(30);
      return klarna.shown();
    });
    await world.register(registrationWith());
    expect(world.klarna.calls).toEqual(['expiry', 'expiry']);
    expect(world.klarna.expiresAt).toBe(afterNoon(40));
    expect(world.record.klarnaExpiresAt).toBe(afterNoon(40));
  });

  it("Klarna's expiry follows the deadline, later and earlier", async () => {
    const world = worldOf();
    await world.register(registrationWith());
    for (const minutes of [60, 20]) {
      const { outcome } = await world.extend(timeout(minutes));
      expect(outcome.kind).toBe('changed');
      expect(world.klarna.expiresAt).toBe(world.record.deadlineAt);
    }
  });

  it("Klarna's expiry is set to the nearest time that Klarna accepts if the deadline is nearer", async () => {
    const world = worldOf();
    await world.register(registrationWith());
    world.clock.advance(29 * minute);
    const { outcome } = await world.extend(timeout(5));
    expect(outcome.kind).toBe('changed');
    expect(world.record.deadlineAt).toBe(afterNoon(34));
    expect(world.klarna.expiresAt).toBe(plusMillis(afterNoon(44), 5_000));
  });

  it("the sweep moves Klarna's expiry if Klarna did not respond, until it does", async () => {
    const world = worldOf();
    await world.register(registrationWith());
    world.klarna.responses('expiry', unclear).responses('expiry', unclear);
    world.clock.advance(5 * minute);
    await world.extend(timeout(40));
    expect([world.klarna.expiresAt, world.record.deadlineAt]).toEqual([afterNoon(30), afterNoon(45)]);
    world.clock.advance(minute);
    expect(await world.sweep()).toMatchObject({ arm: 1 });
    expect(world.klarna.expiresAt).toBe(afterNoon(30));
    world.clock.advance(minute);
    expect(await world.sweep()).toMatchObject({ arm: 1 });
    expect(world.klarna.expiresAt).toBe(afterNoon(45));
    expect(world.record.dueAt).toBe(afterNoon(46));
  });

  it("the sweep moves Klarna's expiry if the caller crashed before", async () => {
    const world = worldOf();
    await world.register(registrationWith());
    const { syncExpiry: _, ...others } = world.dependencies;
    const crashed = { ...others, syncExpiry: () => Promise.reject(new Error('crashed')) };
    await expect(
      extendSession(crashed)(key, { deadline: timeout(40), requestedBy: 'test' }, world.settings),
    ).rejects.toThrow('crashed');
    world.clock.advance(minute);
    expect(await world.sweep()).toMatchObject({ arm: 1 });
    expect(world.klarna.expiresAt).toBe(afterNoon(40));
  });

  it("the sweep retries at growing intervals if the account no longer syncs Klarna's expiry", async () => {
    const world = worldOf();
    await world.register(registrationWith());
    world.klarna.responses('expiry', unclear);
    await world.extend(timeout(40));
    Object.assign(world.settings, { syncKlarnaExpiry: false });
    for (const minutes of [1, 1, 5]) {
      world.clock.advance(minutes * minute);
      expect(await world.sweep()).toMatchObject({ arm: 1 });
    }
    expect(world.record.dueAt).toBe(afterNoon(12));
    expect(world.klarna.calls).toEqual(['expiry', 'expiry']);
  });

  it('the sweep retries at growing intervals while Klarna does not respond', async () => {
    const world = worldOf();
    await world.register(registrationWith());
    for (let call = 0; call < 5; call += 1) world.klarna.responses('expiry', unclear);
    await world.extend(timeout(40));
    for (const minutes of [1, 1, 5]) {
      world.clock.advance(minutes * minute);
      expect(await world.sweep()).toMatchObject({ arm: 1 });
    }
    expect(world.record).toMatchObject({ attempts: 3, dueAt: afterNoon(12) });
  });

  it("Klarna's expiry of a session that became observe while the customer paid moves once the customer steps back", async () => {
    const world = worldOf();
    await world.register(registrationWith());
    const observe = registrationWith({ onTimeout: 'observe' });
    world.klarna.state = 'IN_PROGRESS';
    await world.webhook(observed('IN_PROGRESS', '2026-03-01T12:00:10Z'));
    await world.register(observe);
    expect(world.klarna.expiresAt).toBe(afterNoon(30));
    world.klarna.state = 'SUBMITTED';
    await world.webhook(observed('SUBMITTED', '2026-03-01T12:00:20Z'));
    expect(world.record.dueAt).toBe(world.clock.instant());
    expect(await world.sweep()).toMatchObject({ arm: 1 });
    expect(world.klarna.expiresAt).toBe(afterNoon(48 * 60));
  });

  it('a session that changes to observe gets the longest Klarna expiry, by the sweep if necessary', async () => {
    const world = worldOf();
    await world.register(registrationWith());
    world.klarna.responses('expiry', unclear);
    await world.register(registrationWith({ onTimeout: 'observe' }));
    expect(world.klarna.expiresAt).toBe(afterNoon(30));
    world.clock.advance(minute);
    expect(await world.sweep()).toMatchObject({ arm: 1 });
    expect(world.klarna.expiresAt).toBe(afterNoon(48 * 60));
    expect(world.record).toMatchObject({ timer: 'armed', dueAt: afterNoon(31) });
    await world.register(registrationWith());
    expect(world.klarna.expiresAt).toBe(world.record.deadlineAt);
  });

  it("a session ends at Klarna's expiry if Klarna refuses to move it, and the timer fires then", async () => {
    const world = worldOf();
    await world.register(registrationWith());
    world.klarna.state = 'IN_PROGRESS';
    const { outcome, record } = await world.extend(timeout(60));
    expect(outcome.kind).toBe('changed');
    expect(record).toEqual(world.record);
    expect(record).toMatchObject({ state: 'IN_PROGRESS', timer: 'armed', deadlineAt: afterNoon(30) });
    expect(world.timer.deadline).toBe(afterNoon(30));
    expect(world.klarna.calls).toEqual(['expiry', 'expiry', 'read']);
  });

  it("a session ends at Klarna's expiry if Klarna refuses to move it for the sweep, and the timer fires then", async () => {
    const world = worldOf();
    await world.register(registrationWith());
    world.klarna.responses('expiry', unclear);
    await world.extend(timeout(60));
    expect(world.timer.deadline).toBe(afterNoon(60));
    world.klarna.state = 'IN_PROGRESS';
    world.clock.advance(minute);
    expect(await world.sweep()).toMatchObject({ arm: 1 });
    expect(world.record).toMatchObject({ timer: 'armed', deadlineAt: afterNoon(30) });
    expect(world.timer.deadline).toBe(afterNoon(30));
  });

  it("the sweep sets Klarna's expiry after a conflict with another change", async () => {
    const world = worldOf();
    await world.register(registrationWith());
    world.klarna.responses('expiry', { kind: 'refused', isConflict: true, proof: { status: '409' } });
    await world.extend(timeout(40));
    expect(world.klarna.calls).toEqual(['expiry', 'expiry', 'read']);
    expect(world.record).toMatchObject({ deadlineAt: afterNoon(40), klarnaExpiresAt: afterNoon(30) });
    expect(world.record.history.at(-1)).toMatchObject({ kind: 'klarna_expiry', effect: 'noted' });
    world.clock.advance(minute);
    await world.sweep();
    expect(world.klarna.expiresAt).toBe(afterNoon(40));
  });

  it('a conflict is noted and retried if the following read has no response', async () => {
    const world = worldOf();
    await world.register(registrationWith());
    world.klarna
      .responses('expiry', { kind: 'refused', isConflict: true, proof: { status: '409' } })
      .responses('read', unclear);
    await world.extend(timeout(40));
    expect(world.record.session?.klarnaExpiry?.isFixed).toBeUndefined();
    expect(world.record.deadlineAt).toBe(afterNoon(40));
    expect(world.record.history.at(-1)).toMatchObject({ kind: 'klarna_expiry', effect: 'noted' });
    expect(world.faults).toEqual([]);
  });

  it("Klarna's expiry matches the record if several callers move the deadline at the same time", async () => {
    const world = worldOf();
    await world.register(registrationWith());
    await Promise.all([40, 50, 60].map((minutes) => world.extend(timeout(minutes))));
    expect(world.klarna.expiresAt).toBe(world.record.deadlineAt);
    expect(world.record.session?.klarnaExpiry?.askedFor).toBe(world.record.deadlineAt);
  });

  it('no expiry is set if Klarna would not accept it', async () => {
    const world = worldOf();
    await world.register(registrationWith({ deadline: timeout(10) }));
    expect(world.klarna.calls).toEqual([]);
    expect(world.record.timer).toBe('armed');
  });

  it('Klarna is not called if the account does not sync the expiry', async () => {
    const world = new World();
    await world.register(registrationWith());
    expect(world.klarna.calls).toEqual([]);
  });
});

describe('a registration whose Klarna expiry could not be set', () => {
  it('a registration is stored if Klarna refuses the expiry, and the history shows the refusal', async () => {
    const world = worldOf(new ScriptedKlarna('IN_PROGRESS'));
    const { outcome, record } = await world.register(registrationWith());
    expect(outcome.kind).toBe('registered');
    expect(record?.timer).toBe('armed');
    expect(record?.klarnaExpiresAt).toBeUndefined();
    expect(world.record.history.at(-1)).toMatchObject({ kind: 'klarna_expiry', effect: 'refused' });
  });

  it.each<[KlarnaResponse['kind'], string]>([
    ['refused', 'refused'],
    ['denied', 'noted'],
    ['not_found', 'noted'],
    ['rate_limited', 'noted'],
    ['unclear', 'noted'],
    ['unknown_state', 'noted'],
  ])(
    'a registration is stored if Klarna responds %s, which is recorded as %s after one call',
    async (kind, effect) => {
      const response = { kind, retryAfterMillis: undefined, proof: { status: '4xx' } } as KlarnaResponse;
      const world = worldOf(new ScriptedKlarna('SUBMITTED').responses('expiry', response));
      await world.register(registrationWith());
      expect(world.klarna.calls).toEqual(['expiry']);
      const entries = world.record.history.filter((entry) => entry.kind !== 'register');
      expect(entries.map((entry) => [entry.kind, entry.effect, entry.detail['status']])).toEqual([
        ['klarna_expiry', effect, '4xx'],
      ]);
    },
  );

  it('a registration is returned even if the record is deleted during the call to Klarna', async () => {
    const world = worldOf();
    world.klarna.responses('expiry', (klarna) => {
      world.store.records.clear();
      return klarna.shown();
    });
    const { record } = await world.register(registrationWith());
    expect(record?.deadlineAt).toBe(afterNoon(30));
    expect(world.faults).toEqual([]);
  });

  it('a registration is stored if Klarna does not respond, after one call', async () => {
    const world = worldOf(new ScriptedKlarna('SUBMITTED').responses('expiry', unclear));
    const { outcome, record } = await world.register(registrationWith());
    expect([outcome.kind, record?.timer]).toEqual(['registered', 'armed']);
    expect(world.klarna.calls).toEqual(['expiry']);
    await world.register(registrationWith());
    expect(world.klarna.expiresAt).toBe(world.record.deadlineAt);
  });

  it('a registration is stored even if the response of Klarna cannot be recorded', async () => {
    const world = worldOf(undefined, (call, moment) => {
      if (call === 'store.save' && moment === 'before') throw new Error('throttled');
    });
    const { outcome } = await world.register(registrationWith());
    expect(outcome.kind).toBe('registered');
    expect(world.faults).toEqual([new Error('throttled')]);
    expect(world.record).toMatchObject({ timer: 'armed', version: 1 });
  });

  it('a registration waits for Klarna at most as long as one call may take, even if the deadline keeps moving', async () => {
    const limits: number[] = [];
    const world = worldOf();
    const klarna = {
      moveExpiry: async (
        ...[, , , { timeoutMillis }]: readonly [unknown, unknown, unknown, { readonly timeoutMillis: number }]
      ) => {
        limits.push(timeoutMillis);
        await world.clock.wait(timeoutMillis);
        const { record } = world;
        const deadlineAt = plusMillis(record.deadlineAt ?? afterNoon(30), minute);
        await world.store.save(record, { ...record, deadlineAt, version: record.version + 1 });
        return world.klarna.shown();
      },
    };
    Object.assign(world.klarna, klarna);
    const before = world.clock.now();
    await world.register(registrationWith());
    expect(limits).toEqual([callLimit]);
    expect(world.clock.now() - before).toBe(callLimit);
  });
});
