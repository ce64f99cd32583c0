import { describe, expect, it } from 'vitest';
import { reconcilePaymentRequests, repairs } from '../../functions/application/reconcile-payment-requests.ts';
import { refreshPaymentRequest } from '../../functions/application/refresh-payment-request.ts';
import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { key, noon, observed, recordWith } from '../support/fixtures.ts';
import { afterNoon, minute, registered, session, settledWith } from '../support/sessions.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { type FaultInjector, World } from '../support/world.ts';

const nothingDone = {
  nothing: 0,
  forget: 0,
  resume: 0,
  expire: 0,
  end: 0,
  arm: 0,
  arm_default: 0,
  ask: 0,
  read: 0,
  held: 0,
  failed: 0,
};

/** A world at noon with one record, which the index of what is due names whether it is due or not. */
async function worldWith(
  record: PaymentRequest,
  injectFault?: (world: World, ...call: Parameters<FaultInjector>) => void,
  settings: Partial<AccountSettings> = {},
) {
  const world: World = new World(new ScriptedKlarna('SUBMITTED'), settings, (...call) =>
    injectFault?.(world, ...call),
  );
  await world.store.save(undefined, record);
  const due = {
    async *due() {
      yield await Promise.resolve(key);
    },
  };
  const sweep = (until = world.clock.now() + minute, other = {}) =>
    reconcilePaymentRequests({ ...world.dependencies, due, ...other })(until);
  return { world, sweep };
}

const ended = registered({ state: 'CANCELED', reconcileAfter: noon });
const lost = recordWith({
  state: 'SUBMITTED',
  reconcileAfter: noon,
  cancellation: settledWith({ outcome: 'not_found' }),
});

describe('the sweep', () => {
  it('counts what it does', async () => {
    const { world, sweep } = await worldWith(ended);
    expect(await sweep()).toEqual({ ...nothingDone, forget: 1 });
    expect(world.record).toMatchObject({ reconcileAfter: undefined, attempts: 0, version: 2 });
  });

  it('takes no record when its time is over', async () => {
    const { world, sweep } = await worldWith(ended);
    expect(await sweep(world.clock.now())).toEqual(nothingDone);
    expect(world.record).toEqual(ended);
  });

  it('does nothing to what is not due any more, though the index still names it', async () => {
    const record = registered({ state: 'CANCELED', reconcileAfter: afterNoon(1) });
    const { world, sweep } = await worldWith(record);
    expect(await sweep()).toEqual({ ...nothingDone, nothing: 1 });
    expect([world.record, world.faults]).toEqual([record, []]);
  });

  it('arms a timer that is still to be armed, and writes that once', async () => {
    const { world, sweep } = await worldWith(registered({ timer: 'pending', reconcileAfter: noon }));
    expect(await sweep()).toEqual({ ...nothingDone, arm: 1 });
    expect(world.timer.deadline).toBe(afterNoon(30));
    expect(world.record).toMatchObject({ timer: 'armed', reconcileAfter: afterNoon(31), version: 2 });
  });

  it('does nothing where there is no record any more', async () => {
    const { world, sweep } = await worldWith(ended);
    world.store.records.clear();
    expect(await sweep()).toEqual({ ...nothingDone, nothing: 1 });
    expect(world.faults).toEqual([]);
  });

  it('tells of an account that the deployment does not have, and looks again later', async () => {
    const { world, sweep } = await worldWith(ended);
    const accounts = { find: () => Promise.resolve(undefined) };
    expect(await sweep(undefined, { accounts })).toEqual({ ...nothingDone, failed: 1 });
    expect(world.faults).toEqual([new Error('the secret accounts has no account shop-se')]);
    expect(world.record).toMatchObject({ attempts: 1, reconcileAfter: noon });
  });

  it('counts as repairs what the ordinary course should have done', () => {
    const report = { resume: 1, end: 2, arm: 4, read: 8, expire: 16, forget: 32, ask: 64, nothing: 128 };
    expect(repairs({ ...nothingDone, ...report, arm_default: 256, failed: 512, held: 1024 })).toBe(15);
  });
});

describe('what needs nothing any more', () => {
  it('stays due where it has changed while it was looked at', async () => {
    let reads = 0;
    const { world, sweep } = await worldWith(ended, (self, call, moment) => {
      if (call !== 'store.read' || moment !== 'after') return;
      reads += 1;
      if (reads === 1) void self.store.save(ended, { ...ended, reference: 'order 17', version: 2 });
    });
    expect((await sweep()).forget).toBe(1);
    expect(world.record).toMatchObject({ reference: 'order 17', reconcileAfter: noon, version: 2 });
  });

  it('is let be where it was deleted while it was looked at', async () => {
    const { world, sweep } = await worldWith(ended, (self, call, moment) => {
      if (call === 'store.read' && moment === 'after') self.store.records.clear();
    });
    expect(await sweep()).toEqual({ ...nothingDone, forget: 1 });
    expect([world.store.records.size, world.faults]).toEqual([0, []]);
  });
});

describe('a request that only a webhook told of', () => {
  it.each<[string, Partial<AccountSettings>, boolean]>([
    ['wants it and has a default', { armOnSubmitted: true, defaultSessionTimeout: 20 * minute }, true],
    ['wants it and has no default', { armOnSubmitted: true }, false],
    ['does not want it and has a default', { defaultSessionTimeout: 20 * minute }, false],
  ])('gets a timer where the account %s: %s', async (_, settings, armed) => {
    const record = recordWith({ state: 'SUBMITTED', reconcileAfter: noon });
    const { world, sweep } = await worldWith(record, undefined, settings);
    expect(await sweep()).toEqual({ ...nothingDone, arm_default: 1 });
    expect(world.record).toMatchObject(
      armed
        ? {
            timer: 'armed',
            deadlineAt: afterNoon(20),
            session: { requested: 'default_session_timeout', onTimeout: 'cancel' },
          }
        : { timer: 'none', reconcileAfter: afterNoon(48 * 60 + 1) },
    );
    if (armed) {
      expect(world.record.history[0]?.eventId).toMatch(/^register:/);
      expect(world.record.history[0]?.detail).toMatchObject({
        requested_by: 'lapse:arm-on-submitted',
        session_timeout: 'default_session_timeout',
      });
    }
  });
});

describe('a request that only a webhook told of, until it is looked at', () => {
  const facts = recordWith({ state: 'SUBMITTED', reconcileAfter: noon });
  const wanted = { armOnSubmitted: true, defaultSessionTimeout: 20 * minute };

  it('keeps the session that somebody registers meanwhile', async () => {
    const theirs = registered({
      version: 2,
      timer: 'pending',
      session: { ...session, onTimeout: 'observe' },
    });
    const { world, sweep } = await worldWith(
      facts,
      (self, call, moment) => {
        if (call === 'store.save' && moment === 'before' && self.record.version === 1) {
          void self.store.save(facts, { ...theirs, state: 'SUBMITTED' });
        }
      },
      wanted,
    );
    expect((await sweep()).arm_default).toBe(1);
    expect(world.record).toMatchObject({
      deadlineAt: afterNoon(30),
      session: { onTimeout: 'observe', requested: 'PT30M', extensions: 0 },
      // Whoever arms it first: theirs or the sweep.
      timer: 'armed',
      version: 3,
    });
  });

  it('stays away where it was deleted meanwhile', async () => {
    const { world, sweep } = await worldWith(
      facts,
      (self, call, moment) => {
        if (call === 'store.save' && moment === 'before') self.store.records.clear();
      },
      wanted,
    );
    await sweep();
    expect([world.store.records.size, world.faults]).toEqual([0, []]);
  });

  it.each<[string, Partial<PaymentRequest>, Partial<AccountSettings>, number]>([
    ['the account allows', {}, { maxSession: 10 * minute }, 10],
    ["Klarna's own expiry lets it be", { klarnaExpiresAt: afterNoon(15) }, {}, 15],
  ])('gets a timer as long as %s', async (_, fields, settings, minutes) => {
    const { world, sweep } = await worldWith({ ...facts, ...fields }, undefined, { ...wanted, ...settings });
    await sweep();
    expect(world.record).toMatchObject({ timer: 'armed', deadlineAt: afterNoon(minutes) });
  });

  it('comes back when Klarna says how it ended, where Klarna has ended it by its own account', async () => {
    const ended = { ...facts, klarnaExpiresAt: noon };
    const { world, sweep } = await worldWith(ended, undefined, wanted);
    expect((await sweep()).arm_default).toBe(1);
    expect(world.record).toMatchObject({ timer: 'none', reconcileAfter: afterNoon(1) });
  });
});

describe("a timer's cancel of which the end is not known", () => {
  it('is gone on with, and a customer who is paying is given grace, with a timer for its end', async () => {
    const cancellation = settledWith({ outcome: 'pending', cause: 'timeout' });
    const record = registered({ deadlineAt: noon, timer: 'fired', reconcileAfter: noon, cancellation });
    const { world, sweep } = await worldWith(record, undefined, { inProgressGrace: 5 * minute });
    world.klarna.state = 'IN_PROGRESS';
    expect(await sweep()).toEqual({ ...nothingDone, resume: 1 });
    expect(world.klarna.cancels).toBe(0);
    expect(world.record).toMatchObject({
      timer: 'armed',
      deadlineAt: afterNoon(5),
      cancellation: undefined,
    });
    expect(world.timer.deadline).toBe(afterNoon(5));
  });
});

it('a cancel of which the end is not known is gone on with in the name of whoever asked, and says so', async () => {
  const cancellation = settledWith({ outcome: 'pending', reason: 'basket emptied', requestedBy: 'whoever' });
  const { world, sweep } = await worldWith(recordWith({ reconcileAfter: noon, cancellation }));
  world.clock.advance(minute);
  expect((await sweep()).resume).toBe(1);
  const { reason, requestedBy, requestedAt } = cancellation;
  expect(world.record.cancellation).toMatchObject({ outcome: 'canceled', reason, requestedBy, requestedAt });
  expect(world.record.history[0]?.detail).toMatchObject({
    requested_by: 'whoever',
    carried_on_by: 'lapse:sweep',
  });
});

describe('what Klarna does not know when it is asked', () => {
  const asked = async (state: 'SUBMITTED' | undefined) => {
    const { world } = await worldWith(recordWith({ state: 'SUBMITTED' }));
    world.klarna.state = undefined;
    await refreshPaymentRequest(world.dependencies)(key, world.settings, world.record);
    expect(world.record.attention).toBe('not_found');
    world.klarna.state = state;
    return world;
  };

  it('is not to be seen by a person any more once the next sweep finds it', async () => {
    const world = await asked('SUBMITTED');
    expect((await world.sweep()).read).toBe(1);
    expect(world.record).toMatchObject({ state: 'SUBMITTED', attention: undefined });
    world.clock.advance(minute);
    await world.sweep();
    expect(world.record.reconcileAfter).toBe(afterNoon(48 * 60 + 1));
    expect(world.klarna.calls).toHaveLength(2);
  });

  it('nor once a webhook tells of its end', async () => {
    const world = await asked(undefined);
    await world.webhook(observed('COMPLETED'));
    expect((await world.sweep()).forget).toBe(1);
    expect(world.record).toMatchObject({ attention: undefined, reconcileAfter: undefined });
  });

  it('is looked at for a day, and is EXPIRED once Klarna must have ended it', async () => {
    const world = await asked(undefined);
    for (let hours = 0; hours < 48; hours += 0.5) {
      await world.sweep();
      world.clock.advance(30 * minute);
    }
    expect(world.record).toMatchObject({ state: 'SUBMITTED', reconcileAfter: afterNoon(48 * 60 + 1) });
    expect(world.klarna.calls).toHaveLength(1 + 24);
    world.clock.advance(minute);
    await world.sweep();
    expect(world.record).toMatchObject({ state: 'EXPIRED', attention: undefined });
  });
});

describe('a look', () => {
  it('at what Klarna has not known takes in what it says now, and comes back', async () => {
    const { world, sweep } = await worldWith(lost);
    expect(await sweep()).toEqual({ ...nothingDone, read: 1 });
    expect(world.klarna.calls).toEqual(['read']);
    expect(world.record.history.map(({ kind }) => kind)).toEqual(['read']);
    expect(world.record).toMatchObject({ attempts: 1, reconcileAfter: noon });
  });

  it.each([
    ['noon, when it fell due', noon, { attempts: 1, reconcileAfter: noon }],
    ['before', afterNoon(-1), { attempts: 1, reconcileAfter: noon }],
  ] as const)('that fails is put off: due %s', async (_, reconcileAfter, expected) => {
    const { world, sweep } = await worldWith({ ...lost, reconcileAfter }, (_world, call) => {
      if (call === 'klarna.read') throw new Error('a bug');
    });
    expect(await sweep()).toEqual({ ...nothingDone, failed: 1 });
    expect(world.faults).toEqual([new Error('a bug')]);
    expect(world.record).toMatchObject({ ...expected, version: 2 });
  });

  it.each<[string, (record: PaymentRequest) => PaymentRequest | undefined]>([
    ['is due later by now', (record) => ({ ...record, reconcileAfter: afterNoon(0.001), version: 2 })],
    ['needs nothing by now', (record) => ({ ...record, reconcileAfter: undefined, version: 2 })],
    ['is gone by now', () => undefined],
  ])('that fails leaves alone what %s', async (_, change) => {
    const changed = change(lost);
    const { world, sweep } = await worldWith(lost, (self, call) => {
      if (call !== 'klarna.read') return;
      self.store.records.clear();
      if (changed) void self.store.save(undefined, changed);
      throw new Error('a bug');
    });
    expect((await sweep()).failed).toBe(1);
    expect(world.faults).toEqual([new Error('a bug')]);
    expect([...world.store.records.values()]).toEqual(changed ? [changed] : []);
  });

  it('that cannot even be put off tells of both', async () => {
    const { world, sweep } = await worldWith(lost, (_, call) => {
      if (call === 'klarna.read') throw new Error('a bug');
      if (call === 'store.save') throw new Error('throttled');
    });
    expect((await sweep()).failed).toBe(1);
    expect(world.faults).toEqual([new Error('a bug'), new Error('throttled')]);
  });
});

describe('a question of two webhooks', () => {
  it('is answered in the history by the sweep', async () => {
    const world = new World(new ScriptedKlarna('CANCELED'));
    await world.webhook(observed('CANCELED'));
    await world.webhook(observed('EXPIRED', '2026-03-01T12:00:30Z'));
    world.clock.advance(minute);
    expect((await world.sweep()).ask).toBe(1);
    expect(world.record.history.at(-1)).toMatchObject({
      eventId: expect.stringMatching(/^sweep:[0-9a-f]{32}$/) as string,
      kind: 'sweep',
      detail: { looked_into: 'contradiction', response: 'refreshed', status: '200' },
    });
    expect(world.record.reconcileAfter).toBeUndefined();
  });

  it.each<KlarnaResponse>([unclear, { kind: 'denied', proof: {} }])(
    'stays while Klarna gives no answer, and the sweep comes back: $kind',
    async (silence) => {
      const world = new World(new ScriptedKlarna('CANCELED').responses('read', silence));
      await world.webhook(observed('CANCELED'));
      await world.webhook(observed('EXPIRED', '2026-03-01T12:00:30Z'));
      world.clock.advance(minute);
      await world.sweep();
      expect(world.record).toMatchObject({ attempts: 1, reconcileAfter: afterNoon(1) });
      expect((await world.sweep()).ask).toBe(1);
    },
  );
});
