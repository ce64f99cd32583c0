import { describe, expect, it } from 'vitest';
import { reconcilePaymentRequests, repairs } from '../../functions/application/reconcile-payment-requests.ts';
import { refreshPaymentRequest } from '../../functions/application/refresh-payment-request.ts';
import { ConfigurationError } from '../../functions/domain/configuration-error.ts';
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
  confirm: 0,
  arm_default: 0,
  compare: 0,
  ask: 0,
  read: 0,
  held: 0,
  failed: 0,
};

/** A world at noon with one record. The index of due records always names it, whether it is due or not. */
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

const ended = registered({ state: 'CANCELED', dueAt: noon });
const lost = recordWith({
  state: 'SUBMITTED',
  timer: 'none',
  attention: 'not_found',
  dueAt: noon,
  cancellation: settledWith({ outcome: 'not_found' }),
});

describe('the sweep', () => {
  it('the sweep counts what it did', async () => {
    const { world, sweep } = await worldWith(ended);
    expect(await sweep()).toEqual({ ...nothingDone, forget: 1 });
    expect(world.record).toMatchObject({ dueAt: undefined, attempts: 0, version: 2 });
  });

  it('the sweep takes no record after its time is over', async () => {
    const { world, sweep } = await worldWith(ended);
    expect(await sweep(world.clock.now())).toEqual(nothingDone);
    expect(world.record).toEqual(ended);
  });

  it('the sweep does nothing to a record that is not due any more but is still in the index', async () => {
    const record = registered({ state: 'CANCELED', dueAt: afterNoon(1) });
    const { world, sweep } = await worldWith(record);
    expect(await sweep()).toEqual({ ...nothingDone, nothing: 1 });
    expect([world.record, world.faults]).toEqual([record, []]);
  });

  it('the sweep arms a pending timer and writes the record once', async () => {
    const { world, sweep } = await worldWith(registered({ timer: 'pending', dueAt: noon }));
    expect(await sweep()).toEqual({ ...nothingDone, arm: 1 });
    expect(world.timer.deadline).toBe(afterNoon(30));
    expect(world.record).toMatchObject({ timer: 'armed', dueAt: afterNoon(31), version: 2 });
  });

  it('the sweep does nothing if the record no longer exists', async () => {
    const { world, sweep } = await worldWith(ended);
    world.store.records.clear();
    expect(await sweep()).toEqual({ ...nothingDone, nothing: 1 });
    expect(world.faults).toEqual([]);
  });

  it('the sweep reports an account that is not configured and retries the record later', async () => {
    const { world, sweep } = await worldWith(registered({ timer: 'pending', dueAt: noon }));
    const accounts = { find: () => Promise.resolve(undefined) };
    expect(await sweep(undefined, { accounts })).toEqual({ ...nothingDone, failed: 1 });
    expect(world.faults).toEqual([
      new ConfigurationError('The account shop-se has no entry and no credential.'),
    ]);
    expect(world.record).toMatchObject({ timer: 'pending', attempts: 1, dueAt: noon });
  });

  it('a record without work is not due again, even if its account is not configured', async () => {
    const { world, sweep } = await worldWith(ended);
    const accounts = { find: () => Promise.resolve(undefined) };
    expect(await sweep(undefined, { accounts })).toEqual({ ...nothingDone, failed: 1 });
    expect(world.record.dueAt).toBeUndefined();
  });

  it('the report counts as repairs only what another function should have done', () => {
    const report = { resume: 1, end: 2, arm: 4, read: 8, expire: 16, forget: 32, ask: 64, nothing: 128 };
    expect(
      repairs({ ...nothingDone, ...report, arm_default: 256, failed: 512, held: 1024, confirm: 2048 }),
    ).toBe(15);
  });
});

describe('a record that needs no further work', () => {
  it('a finished record that changes during the sweep stays due', async () => {
    let reads = 0;
    const { world, sweep } = await worldWith(ended, (self, call, moment) => {
      if (call !== 'store.read' || moment !== 'after') return;
      reads += 1;
      if (reads === 1) void self.store.save(ended, { ...ended, reference: 'order 17', version: 2 });
    });
    expect((await sweep()).forget).toBe(1);
    expect(world.record).toMatchObject({ reference: 'order 17', dueAt: noon, version: 2 });
  });

  it('a finished record that is deleted during the sweep is ignored', async () => {
    const { world, sweep } = await worldWith(ended, (self, call, moment) => {
      if (call === 'store.read' && moment === 'after') self.store.records.clear();
    });
    expect(await sweep()).toEqual({ ...nothingDone, forget: 1 });
    expect([world.store.records.size, world.faults]).toEqual([0, []]);
  });
});

describe('a request known only from a webhook', () => {
  it.each<[string, Partial<AccountSettings>, boolean]>([
    [
      'arms on SUBMITTED and has a default timeout',
      { armOnSubmitted: true, defaultSessionTimeout: 20 * minute },
      true,
    ],
    ['arms on SUBMITTED and has no default timeout', { armOnSubmitted: true }, false],
    ['does not arm on SUBMITTED and has a default timeout', { defaultSessionTimeout: 20 * minute }, false],
  ])('a request known only from a webhook gets a timer if the account %s: %s', async (_, settings, armed) => {
    const record = recordWith({ state: 'SUBMITTED', createdAt: afterNoon(-2), dueAt: noon });
    const { world, sweep } = await worldWith(record, undefined, settings);
    expect(await sweep()).toEqual({ ...nothingDone, arm_default: 1 });
    expect(world.record).toMatchObject(
      armed
        ? {
            timer: 'armed',
            deadlineAt: afterNoon(20),
            session: { requested: 'default_session_timeout', onTimeout: 'cancel' },
          }
        : { timer: 'none', dueAt: afterNoon(48 * 60 - 1) },
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

describe('a request known only from a webhook, during the sweep', () => {
  const facts = recordWith({ state: 'SUBMITTED', createdAt: afterNoon(-2), dueAt: noon });
  const wanted = { armOnSubmitted: true, defaultSessionTimeout: 20 * minute };

  it('a session that is registered during the sweep is kept', async () => {
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
      // The registration or the sweep arms it, whichever is first.
      timer: 'armed',
      version: 3,
    });
  });

  it('a record that is deleted during the sweep is not written again', async () => {
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
    ['the longest session of the account', {}, { maxSession: 10 * minute }, 10],
    ["Klarna's expiry", { klarnaExpiresAt: afterNoon(15) }, {}, 15],
  ])('the default timer is limited by %s', async (_, fields, settings, minutes) => {
    const { world, sweep } = await worldWith({ ...facts, ...fields }, undefined, { ...wanted, ...settings });
    await sweep();
    expect(world.record).toMatchObject({ timer: 'armed', deadlineAt: afterNoon(minutes) });
  });

  it('a request past its Klarna expiry gets no timer and is due again to learn its final state', async () => {
    const ended = { ...facts, klarnaExpiresAt: noon };
    const { world, sweep } = await worldWith(ended, undefined, wanted);
    expect((await sweep()).arm_default).toBe(1);
    expect(world.record).toMatchObject({ timer: 'none', dueAt: afterNoon(1) });
  });
});

describe('a cancel by the timer with an unknown result', () => {
  it('the sweep continues a cancel of the timer and gives a paying customer grace with a new timer', async () => {
    const cancellation = settledWith({ outcome: 'pending', cause: 'timeout' });
    const record = registered({ deadlineAt: noon, timer: 'fired', dueAt: noon, cancellation });
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

it('the sweep continues a pending cancel in the name of the first caller and records that it did so', async () => {
  const cancellation = settledWith({ outcome: 'pending', reason: 'basket emptied', requestedBy: 'caller' });
  const { world, sweep } = await worldWith(recordWith({ dueAt: noon, cancellation }));
  world.clock.advance(minute);
  expect((await sweep()).resume).toBe(1);
  const { reason, requestedBy, requestedAt } = cancellation;
  expect(world.record.cancellation).toMatchObject({ outcome: 'canceled', reason, requestedBy, requestedAt });
  expect(world.record.history[0]?.detail).toMatchObject({
    requested_by: 'caller',
    carried_on_by: 'lapse:sweep',
  });
});

it.each([
  ['a caller wanted', 'api', { resume: 1 }],
  ['the watch of authorizations wanted', 'sweep', { confirm: 1 }],
] as const)('a cancel that %s is carried out, and counted as what it is', async (_, cause, counted) => {
  const { world, sweep } = await worldWith(
    recordWith({
      state: 'SUBMITTED',
      timer: 'none',
      dueAt: noon,
      cancellation: settledWith({ outcome: 'pending', cause }),
    }),
  );
  const report = await sweep();
  expect(report).toEqual({ ...nothingDone, ...counted });
  expect([world.record.state, repairs(report)]).toEqual(['CANCELED', cause === 'api' ? 1 : 0]);
});

describe('a request that Klarna reported as not_found', () => {
  const asked = async (state: 'SUBMITTED' | undefined) => {
    const { world } = await worldWith(recordWith({ state: 'SUBMITTED', timer: 'none' }));
    world.klarna.state = undefined;
    await refreshPaymentRequest(world.dependencies)(key, world.settings, world.record);
    expect(world.record.attention).toBe('not_found');
    world.klarna.state = state;
    return world;
  };

  it('the attention not_found is cleared once the sweep finds the request at Klarna', async () => {
    const world = await asked('SUBMITTED');
    expect((await world.sweep()).read).toBe(1);
    expect(world.record).toMatchObject({ state: 'SUBMITTED', attention: undefined });
    world.clock.advance(minute);
    await world.sweep();
    expect(world.record.dueAt).toBe(afterNoon(48 * 60 + 1));
    expect(world.klarna.calls).toHaveLength(2);
  });

  it('the attention not_found is cleared once a webhook reports a final state', async () => {
    const world = await asked(undefined);
    expect(world.record.dueAt).toBe(noon);
    await world.webhook(observed('COMPLETED'));
    expect(world.record).toMatchObject({ attention: undefined, attentionSince: undefined, dueAt: undefined });
    expect(await world.sweep()).toEqual(nothingDone);
  });

  it('a request that is not_found is read for a day and becomes EXPIRED after its Klarna expiry', async () => {
    const world = await asked(undefined);
    for (let hours = 0; hours < 48; hours += 0.5) {
      await world.sweep();
      world.clock.advance(30 * minute);
    }
    expect(world.record).toMatchObject({ state: 'SUBMITTED', dueAt: afterNoon(48 * 60 + 1) });
    expect(world.klarna.calls).toHaveLength(1 + 24);
    world.clock.advance(minute);
    await world.sweep();
    expect(world.record).toMatchObject({ state: 'EXPIRED', attention: undefined });
  });
});

describe('a read by the sweep', () => {
  it('a read of a request that was not_found records the new state and is not repeated', async () => {
    const { world, sweep } = await worldWith(lost);
    expect(await sweep()).toEqual({ ...nothingDone, read: 1 });
    expect(world.klarna.calls).toEqual(['read']);
    expect(world.record.history.map(({ kind }) => kind)).toEqual(['read']);
    expect(world.record).toMatchObject({
      attention: undefined,
      attempts: 0,
      dueAt: afterNoon(48 * 60 + 1),
      version: 2,
    });
  });

  it('a read that finds the request ends the attempts, so that other work does not wait for as long', async () => {
    const klarnaExpiry = { askedFor: afterNoon(20), shown: afterNoon(20) };
    const record = registered({
      ...lost,
      timer: 'armed',
      attempts: 4,
      deadlineAt: afterNoon(30),
      session: { ...session, klarnaExpiry },
    });
    const { world, sweep } = await worldWith(record, undefined, { syncKlarnaExpiry: true });
    expect(await sweep()).toEqual({ ...nothingDone, read: 1 });
    expect(world.record).toMatchObject({ attention: undefined, attempts: 0, dueAt: noon });
    expect(await sweep()).toEqual({ ...nothingDone, arm: 1 });
    expect(world.record.session?.klarnaExpiry?.askedFor).toBe(afterNoon(30));
  });

  it.each<KlarnaResponse>([unclear, { kind: 'not_found', proof: {} }])(
    'a read of a request that was not_found is repeated later if Klarna does not show it: $kind',
    async (response) => {
      const { world, sweep } = await worldWith(lost);
      world.klarna.responses('read', response, response);
      expect(await sweep()).toEqual({ ...nothingDone, read: 1 });
      expect(world.record).toMatchObject({ attention: 'not_found', attempts: 1, dueAt: noon });
      expect(await sweep()).toEqual({ ...nothingDone, read: 1 });
      expect(world.record).toMatchObject({ attention: 'not_found', attempts: 2, dueAt: afterNoon(1) });
    },
  );

  it.each([
    ['noon, the time when it became due', noon, { attempts: 1, dueAt: noon }],
    ['before', afterNoon(-1), { attempts: 1, dueAt: noon }],
  ] as const)('a read that fails is postponed: due %s', async (_, dueAt, expected) => {
    const { world, sweep } = await worldWith({ ...lost, dueAt }, (_world, call) => {
      if (call === 'klarna.read') throw new Error('a bug');
    });
    expect(await sweep()).toEqual({ ...nothingDone, failed: 1 });
    expect(world.faults).toEqual([new Error('a bug')]);
    expect(world.record).toMatchObject({ ...expected, version: 2 });
  });

  it.each<[string, (record: PaymentRequest) => PaymentRequest | undefined]>([
    ['is due later by now', (record) => ({ ...record, dueAt: afterNoon(0.001), version: 2 })],
    ['needs nothing by now', (record) => ({ ...record, dueAt: undefined, version: 2 })],
    ['is deleted by now', () => undefined],
  ])('a read that fails does not change a record that %s', async (_, change) => {
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

  it('a failure that cannot be postponed reports both faults', async () => {
    const { world, sweep } = await worldWith(lost, (_, call) => {
      if (call === 'klarna.read') throw new Error('a bug');
      if (call === 'store.save') throw new Error('throttled');
    });
    expect((await sweep()).failed).toBe(1);
    expect(world.faults).toEqual([new Error('a bug'), new Error('throttled')]);
  });
});

describe('two contradicting webhooks', () => {
  it('the sweep records in the history what Klarna says about two contradicting webhooks', async () => {
    const world = new World(new ScriptedKlarna('CANCELED'));
    await world.webhook(observed('CANCELED'));
    await world.webhook(observed('EXPIRED', '2026-03-01T12:00:30Z'));
    world.clock.advance(minute);
    expect((await world.sweep()).ask).toBe(1);
    expect(world.record.history.at(-1)).toMatchObject({
      eventId: expect.stringMatching(/^sweep:[0-9a-f]{12}$/) as string,
      kind: 'sweep',
      detail: { looked_into: 'contradiction', response: 'refreshed', status: '200' },
    });
    expect(world.record.dueAt).toBeUndefined();
  });

  it.each<KlarnaResponse>([unclear, { kind: 'denied', proof: {} }])(
    'the sweep reads contradicting webhooks again if Klarna does not tell the state: $kind',
    async (silence) => {
      const world = new World(new ScriptedKlarna('CANCELED').responses('read', silence));
      await world.webhook(observed('CANCELED'));
      await world.webhook(observed('EXPIRED', '2026-03-01T12:00:30Z'));
      world.clock.advance(minute);
      await world.sweep();
      expect(world.record).toMatchObject({ attempts: 1, dueAt: afterNoon(1) });
      expect((await world.sweep()).ask).toBe(1);
    },
  );
});
