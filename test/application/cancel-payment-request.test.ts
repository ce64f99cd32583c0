import { describe, expect, it } from 'vitest';
import { callLimit } from '../../functions/application/ask-klarna.ts';
import { dryRunCancel } from '../../functions/application/cancel-payment-request.ts';
import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { key, observed, recordWith, registrationWith, settingsWith } from '../support/fixtures.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { afterNoon, cancellationWith, minute } from '../support/sessions.ts';
import { World } from '../support/world.ts';

const canceledResponse: KlarnaResponse = {
  kind: 'payment_request',
  state: 'CANCELED',
  proof: { status: '200' },
};

describe('a request that nobody registered', () => {
  it('is read once, canceled once, and recorded with evidence', async () => {
    const world = new World();
    expect((await world.cancel()).outcome).toBe('canceled');
    expect(world.klarna.calls).toEqual(['read', 'cancel']);
    expect(world.record).toMatchObject({
      state: 'CANCELED',
      evidence: { source: 'cancel' },
      cancellation: { outcome: 'canceled', cause: 'api', lease: undefined },
      reconcileAfter: undefined,
    });
  });

  it('is already canceled the second time, and Klarna hears nothing of it', async () => {
    const world = new World();
    await world.cancel();
    expect((await world.cancel()).outcome).toBe('already_canceled');
    expect(world.klarna.calls).toEqual(['read', 'cancel']);
    expect(world.record.cancellation?.outcome).toBe('canceled');
  });

  it('is already canceled where Klarna says so, and no DELETE goes out', async () => {
    const world = new World(new ScriptedKlarna('CANCELED'));
    expect((await world.cancel()).outcome).toBe('already_canceled');
    expect(world.klarna.calls).toEqual(['read']);
    expect(world.record.cancellation?.outcome).toBe('already_canceled');
  });

  it('makes no record when Klarna does not know it either', async () => {
    const world = new World(new ScriptedKlarna(undefined));
    expect(await world.cancel()).toEqual({ outcome: 'not_found', record: undefined });
    expect(world.store.records.size).toBe(0);
  });

  it('makes no record when Klarna refuses our credentials', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED').responses('read', { kind: 'denied', proof: {} }));
    expect((await world.cancel()).outcome).toBe('klarna_denied');
    expect(world.store.records.size).toBe(0);
  });

  it('is kept as pending when Klarna does not answer at all, and the sweep ends it', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('read', unclear, unclear, unclear, unclear);
    const world = new World(klarna);
    expect((await world.cancel()).outcome).toBe('pending');
    expect(klarna.cancels).toBe(0);
    world.clock.advance(60_000);
    await world.sweep();
    expect(world.record).toMatchObject({ state: 'CANCELED', cancellation: { outcome: 'canceled' } });
  });
});

describe('what is paid or ended', () => {
  it.each(['COMPLETED', 'EXPIRED', 'DECLINED'] as const)('%s is left alone', async (state) => {
    const world = new World(new ScriptedKlarna(state));
    expect(await world.cancel()).toMatchObject({ outcome: 'already_final', state });
    expect(world.klarna.cancels).toBe(0);
    expect(world.record).toMatchObject({ state, cancellation: { outcome: 'refused' } });
  });

  it('is answered from the record once it is known', async () => {
    const world = new World(new ScriptedKlarna('COMPLETED'));
    await world.webhook(observed('COMPLETED'));
    expect(await world.cancel()).toMatchObject({ outcome: 'already_final', state: 'COMPLETED' });
    expect(world.klarna.calls).toEqual([]);
    expect(world.record.history.at(-1)).toMatchObject({
      eventId: expect.stringMatching(/^response:[0-9a-f]{32}$/) as string,
      kind: 'cancel_request',
      effect: 'refused',
    });
  });

  it('is spared as soon as a webhook tells of the payment, though Klarna does not answer us', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('read', unclear, unclear, unclear, unclear);
    const world: World = new World(klarna, {}, (call, moment) => {
      if (call === 'klarna.read' && moment === 'after') paid ??= world.webhook(observed('COMPLETED'));
    });
    let paid: Promise<unknown> | undefined;
    await world.register(registrationWith());
    expect(await world.cancel()).toMatchObject({ outcome: 'already_final', state: 'COMPLETED' });
    expect(klarna.cancels).toBe(0);
    expect(world.record.cancellation?.outcome).toBe('refused');
  });

  it.each([
    [true, 'canceled', 'CANCELED'],
    [false, 'already_final', 'COMPLETED'],
  ] as const)('COMPLETED is asked of Klarna where the caller allows it: %s', async (lax, outcome, state) => {
    const klarna = new ScriptedKlarna('COMPLETED');
    klarna.cancelsCompleted = lax;
    const world = new World(klarna);
    expect((await world.cancel({ allowCompleted: true })).outcome).toBe(outcome);
    expect(klarna.cancels).toBe(1);
    expect(world.record.state).toBe(state);
    expect(world.record.attention).toBeUndefined();
  });
});

it('COMPLETED that a caller may end is pending, and not final, while Klarna does not answer the DELETE', async () => {
  const world = new World(new ScriptedKlarna('COMPLETED').responses('cancel', unclear, unclear));
  expect((await world.cancel({ allowCompleted: true })).outcome).toBe('pending');
  expect(world.record).toMatchObject({ state: 'COMPLETED', cancellation: { outcome: 'pending' } });
});

describe('an answer to the DELETE that says nothing', () => {
  it.each<[string, KlarnaResponse]>([
    ['a time-out', unclear],
    ['a refusal', { kind: 'refused', proof: { status: '409' } }],
    ['a 404', { kind: 'not_found', proof: {} }],
    ['another state', { kind: 'payment_request', state: 'SUBMITTED', proof: {} }],
  ])('%s, though it was done: the read finds CANCELED', async (_, response) => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('cancel', (self) => {
      self.state = 'CANCELED';
      return response;
    });
    const world = new World(klarna);
    expect((await world.cancel()).outcome).toBe('canceled');
    expect(klarna.cancels).toBe(1);
    expect(world.record).toMatchObject({ state: 'CANCELED', evidence: { source: 'read' } });
  });

  it('a payment approved just before the DELETE is spared when Klarna refuses the DELETE', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('cancel', (self) => {
      self.state = 'COMPLETED';
      return { kind: 'refused', proof: { status: '409' } };
    });
    const world = new World(klarna);
    expect(await world.cancel()).toMatchObject({ outcome: 'already_final', state: 'COMPLETED' });
    expect(klarna.cancels).toBe(1);
    expect(world.record.cancellation?.outcome).toBe('refused');
  });

  it('is told in the history with its ids, by the two writes that every cancel makes', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('cancel', (self) => {
      self.state = 'CANCELED';
      return { kind: 'unclear', retryAfterMillis: 0, proof: { status: '500', error_id: 'e1' } };
    });
    const world = new World(klarna);
    expect((await world.cancel()).outcome).toBe('canceled');
    expect(world.store.writes).toBe(2);
    expect(world.record.history.map(({ kind, effect }) => [kind, effect])).toEqual([
      ['cancel_request', 'accepted'],
      ['read', 'applied'],
      ['cancel', 'noted'],
      ['read', 'applied'],
    ]);
    expect(world.record.history[2]?.detail).toEqual({ response: 'unclear', status: '500', error_id: 'e1' });
  });

  it('twice: the record does not say more than is known, and at most two DELETEs go out', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('cancel', unclear, unclear);
    const world = new World(klarna);
    expect((await world.cancel()).outcome).toBe('pending');
    expect(klarna.calls).toEqual(['read', 'cancel', 'read', 'cancel', 'read']);
    expect(world.record).toMatchObject({ state: 'SUBMITTED', cancellation: { outcome: 'pending' } });
    expect(world.record.reconcileAfter).toBeDefined();
  });

  it('and no answer to any read after it: pending, then canceled by us when the sweep can read', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED')
      .responses('cancel', (self) => {
        self.state = 'CANCELED';
        return unclear;
      })
      .responses('read', (self) => self.shown(), unclear, unclear, unclear, unclear);
    const world = new World(klarna);
    expect((await world.cancel()).outcome).toBe('pending');
    expect(world.record.state).toBe('SUBMITTED');
    world.clock.advance(61_000);
    await world.sweep();
    expect(world.record).toMatchObject({ state: 'CANCELED', cancellation: { outcome: 'canceled' } });
    expect(klarna.cancels).toBe(1);
  });

  it('when Klarna limits the rate for longer than there is time: pending at once', async () => {
    const limited: KlarnaResponse = {
      kind: 'rate_limited',
      retryAfterMillis: 60_000,
      proof: { status: '429' },
    };
    const world = new World(new ScriptedKlarna('SUBMITTED').responses('cancel', limited));
    const before = world.clock.now();
    expect((await world.cancel()).outcome).toBe('pending');
    expect(world.clock.now() - before).toBe(0);
  });

  it('when Klarna limits the rate for a second: waits that long and goes on', async () => {
    const limited: KlarnaResponse = {
      kind: 'rate_limited',
      retryAfterMillis: 1_000,
      proof: { status: '429' },
    };
    const world = new World(new ScriptedKlarna('SUBMITTED').responses('read', limited));
    expect((await world.cancel()).outcome).toBe('canceled');
    expect(world.klarna.calls).toEqual(['read', 'read', 'cancel']);
  });
});

describe('what Klarna does not say', () => {
  it('a state that is new to us is not touched, and a person is told', async () => {
    const world = new World(
      new ScriptedKlarna('SUBMITTED').responses('read', { kind: 'unknown_state', proof: {} }),
    );
    expect((await world.cancel()).outcome).toBe('pending');
    expect(world.klarna.cancels).toBe(0);
    expect(world.record.attention).toBe('unknown_state');
  });

  it('a registered request that Klarna does not know is not found, and EXPIRED once its expiry has passed', async () => {
    const world = new World(new ScriptedKlarna(undefined));
    await world.register(registrationWith());
    expect((await world.cancel()).outcome).toBe('not_found');
    expect(world.record.state).toBeUndefined();
    expect(world.record).toMatchObject({
      attention: 'not_found',
      cancellation: { outcome: 'not_found' },
    });
    world.clock.advance(48 * 3_600_000);
    await world.sweep();
    expect(world.record).toMatchObject({ state: 'EXPIRED', evidence: { source: 'not_found' } });
  });

  it('credentials refused while a request is known: kept, and tried again by the sweep', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('read', { kind: 'denied', proof: {} });
    const world = new World(klarna);
    await world.register(registrationWith());
    expect((await world.cancel()).outcome).toBe('klarna_denied');
    expect(world.record).toMatchObject({ attention: 'klarna_denied', cancellation: { outcome: 'pending' } });
    world.clock.advance(61_000);
    await world.sweep();
    expect(world.record.state).toBe('CANCELED');
    expect(world.record.attention).toBeUndefined();
  });
});

describe('many at once', () => {
  it.each([false, true])(
    'twenty simultaneous callers send one DELETE (registered: %s)',
    async (registered) => {
      const world = new World();
      if (registered) await world.register(registrationWith());
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => world.cancel()));
      expect(world.klarna.cancels).toBe(1);
      const kinds = outcomes.map(({ outcome }) => outcome);
      expect(kinds.filter((kind) => kind === 'canceled')).toHaveLength(1);
      expect(new Set(kinds)).toEqual(new Set(['canceled', 'pending']));
      expect(world.record.state).toBe('CANCELED');
      const waiting = world.record.history.filter(({ detail }) => detail['outcome'] === 'pending');
      expect(waiting).toMatchObject([{ kind: 'cancel_request', effect: 'noted' }]);
    },
  );

  it('twenty callers of twenty names are all told in the history', async () => {
    const world = new World();
    await world.webhook(observed('SUBMITTED'));
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) => world.cancel({ requestedBy: `caller ${index}` })),
    );
    expect(outcomes.filter(({ outcome }) => outcome === 'canceled')).toHaveLength(1);
    const names = world.record.history.flatMap(({ detail }) => detail['requested_by'] ?? []);
    expect([names.length, new Set(names).size]).toEqual([20, 20]);
  });

  it('a webhook about our own cancel before the response to the DELETE leaves one state and one settled claim', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED');
    const world: World = new World(klarna, {}, (call, moment) => {
      if (call === 'klarna.cancel' && moment === 'after') webhook = world.webhook(observed('CANCELED'));
    });
    let webhook: Promise<unknown> = Promise.resolve();
    expect((await world.cancel()).outcome).toBe('canceled');
    await webhook;
    expect(world.record).toMatchObject({ state: 'CANCELED', cancellation: { outcome: 'canceled' } });
    expect(world.record.attention).toBeUndefined();
  });

  it('a caller whose lease ran out cannot settle the claim of another, but its evidence counts', async () => {
    let stall = true;
    const klarna = new ScriptedKlarna('SUBMITTED');
    const world: World = new World(klarna, {}, (call, moment) => {
      if (call === 'klarna.cancel' && moment === 'after' && stall) {
        stall = false;
        world.clock.advance(31_000);
        // Somebody else takes the claim over while the first is still away.
        second = world.cancel({ reason: 'second' });
      }
    });
    let second: Promise<unknown> = Promise.resolve();
    const [first] = await Promise.all([world.cancel({ reason: 'first' })]);
    await second;
    expect(first.outcome).toBe('canceled');
    expect(world.record.state).toBe('CANCELED');
    expect(world.record.cancellation).toMatchObject({
      reason: 'second',
      outcome: 'canceled',
      lease: undefined,
    });
  });
});

describe('a caller whose claim was taken over', () => {
  /** Somebody else takes the claim over while Klarna, in this state, is read for the second time. */
  const overtaken = async (state: PaymentRequestState, settings: Partial<AccountSettings> = {}) => {
    const klarna = new ScriptedKlarna(state).responses('read', unclear, (self) => {
      const cancellation = cancellationWith({ lease: { id: 'lease-2', until: afterNoon(60) } });
      const { record } = world;
      void world.store.save(record, { ...record, cancellation, version: record.version + 1 });
      return self.shown();
    });
    const world: World = new World(klarna, settings);
    await world.register(registrationWith());
    world.clock.advance(30 * minute);
    return world;
  };

  it('tells of the payment that it has found, and leaves the claim alone', async () => {
    const world = await overtaken('COMPLETED');
    expect(await world.cancel()).toMatchObject({ outcome: 'already_final', state: 'COMPLETED' });
    expect(world.record).toMatchObject({
      state: 'COMPLETED',
      cancellation: { outcome: 'claimed', lease: { id: 'lease-2' } },
    });
  });

  it('gives a customer who is paying no grace, since somebody else is at it', async () => {
    const world = await overtaken('IN_PROGRESS', { inProgressGrace: 5 * minute });
    const command = { cause: 'timeout', requestedBy: 'lapse:session-timer' } as const;
    expect((await world.cancel(command)).outcome).toBe('pending');
    expect(world.record).toMatchObject({
      deadlineAt: afterNoon(30),
      cancellation: { outcome: 'claimed', lease: { id: 'lease-2' } },
    });
  });
});

it('a caller is given what it asks for at once, also while the customer pays: grace is for timers', async () => {
  const world = new World(new ScriptedKlarna('IN_PROGRESS'), { inProgressGrace: 5 * minute });
  await world.register(registrationWith());
  expect((await world.cancel()).outcome).toBe('canceled');
});

it('a record that is gone by the time Klarna has answered is not called final', async () => {
  const klarna = new ScriptedKlarna('SUBMITTED').responses('cancel', () => {
    world.store.records.clear();
    return canceledResponse;
  });
  const world = new World(klarna);
  await world.store.save(undefined, recordWith({ state: 'SUBMITTED' }));
  expect(await world.cancel()).toMatchObject({ outcome: 'pending', record: { state: 'SUBMITTED' } });
  expect(world.store.records.size).toBe(0);
});

it('removes no timer where none was set', async () => {
  const world = new World(new ScriptedKlarna('SUBMITTED'), {}, (call) => {
    if (call === 'timer.remove') removals += 1;
  });
  let removals = 0;
  expect((await world.cancel()).outcome).toBe('canceled');
  expect(removals).toBe(0);
});

it('removes the timer of a session that was ended, and a removal that fails harms nothing', async () => {
  const world = new World();
  await world.register(registrationWith());
  expect(world.timer.deadline).toBe(world.record.deadlineAt);
  await world.cancel();
  expect(world.timer.deadline).toBeUndefined();
  expect(world.record.timer).toBe('removed');
  expect(world.faults).toEqual([]);

  const failing = new World(new ScriptedKlarna('SUBMITTED'), {}, (call, moment) => {
    if (call === 'timer.remove' && moment === 'before') throw new Error('Scheduler is down');
  });
  await failing.register(registrationWith());
  expect((await failing.cancel()).outcome).toBe('canceled');
  expect(failing.faults).toHaveLength(1);
});

it('a request that the customer approved and the DELETE then canceled gets attention', async () => {
  const klarna = new ScriptedKlarna('SUBMITTED').responses('cancel', (self) => {
    self.state = 'CANCELED';
    return canceledResponse;
  });
  const world = new World(klarna);
  await world.cancel();
  await world.webhook(observed('COMPLETED', '2026-03-01T11:59:59Z'));
  expect(world.record).toMatchObject({ state: 'CANCELED', attention: 'canceled_after_completed' });
});

describe('a rehearsal', () => {
  const dryRun = (world: World) =>
    dryRunCancel(world.dependencies)(
      key,
      { cause: 'api', requestedBy: 'x', allowCompleted: false },
      settingsWith(),
    );

  it.each([
    ['SUBMITTED', 'would_cancel'],
    ['COMPLETED', 'already_final'],
    ['CANCELED', 'already_canceled'],
    [undefined, 'not_found'],
  ] as const)('of %s is %s, and nothing is written or sent', async (state, expected) => {
    const world = new World(new ScriptedKlarna(state));
    const outcome = await dryRun(world);
    expect(outcome.outcome).toBe(expected);
    expect(world.klarna.calls).toEqual(['read']);
    expect(world.klarna.limits).toEqual([callLimit]);
    expect(world.store.writes).toBe(0);
  });

  it('of what is recorded shows the record, with the state that Klarna has just told', async () => {
    const world = new World(new ScriptedKlarna('IN_PROGRESS'));
    await world.register(registrationWith({ reference: 'order-7' }));
    expect(await dryRun(world)).toEqual({
      outcome: 'would_cancel',
      record: { ...world.record, state: 'IN_PROGRESS' },
    });
  });

  it('of what is known to be paid asks nobody', async () => {
    const world = new World(new ScriptedKlarna('COMPLETED'));
    await world.webhook(observed('COMPLETED'));
    expect(await dryRun(world)).toEqual({
      outcome: 'already_final',
      state: 'COMPLETED',
      record: world.record,
    });
    expect(world.klarna.calls).toEqual([]);
  });

  it.each<[KlarnaResponse, string]>([
    [{ kind: 'denied', proof: {} }, 'klarna_denied'],
    [unclear, 'pending'],
    [{ kind: 'unknown_state', proof: {} }, 'pending'],
  ])('to which Klarna says $kind promises nothing: %s', async (response, outcome) => {
    const world = new World(new ScriptedKlarna('SUBMITTED').responses('read', response));
    await world.webhook(observed('SUBMITTED'));
    const { record } = world;
    expect(await dryRun(world)).toEqual({ outcome, record });
    expect(world.record).toEqual(record);
  });
});

it('says so too when a DELETE that got no answer is carried out after the read that showed the approval', async () => {
  const klarna = new ScriptedKlarna('IN_PROGRESS').responses('cancel', (klarna) => {
    klarna.state = 'COMPLETED';
    return unclear;
  });
  const world = new World(klarna);
  expect(await world.cancel()).toMatchObject({ outcome: 'already_final', state: 'COMPLETED' });
  await world.webhook(observed('CANCELED', '2026-03-01T12:05:00Z'));
  expect(world.record).toMatchObject({ state: 'CANCELED', attention: 'canceled_after_completed' });
});

it('does not take the cancel of somebody else for its own where it has sent none', async () => {
  const world = new World(new ScriptedKlarna('COMPLETED'));
  await world.cancel();
  await world.webhook(observed('CANCELED', '2026-03-01T12:05:00Z'));
  expect(world.record.state).toBe('CANCELED');
  expect(world.record.attention).toBeUndefined();
});

describe('a paid request of which a caller that is gone may have sent the DELETE', () => {
  const abandoned = async (state: 'COMPLETED' | 'CANCELED') => {
    const world = new World(new ScriptedKlarna(state));
    await world.register(registrationWith());
    const { record } = world;
    const cancellation = cancellationWith();
    const reconcileAfter = cancellation.lease?.until;
    await world.store.save(record, { ...record, cancellation, reconcileAfter, version: record.version + 1 });
    await world.webhook(observed('COMPLETED'));
    world.clock.advance(60_000);
    await world.sweep();
    return world;
  };

  it('is asked for at Klarna, though the record says COMPLETED', async () => {
    const { record, klarna } = await abandoned('CANCELED');
    expect(klarna.calls).toEqual(['read']);
    expect(record).toMatchObject({ state: 'CANCELED', attention: 'canceled_after_completed' });
  });

  it('is left alone where it is still paid, and is watched for a DELETE that comes late', async () => {
    const world = await abandoned('COMPLETED');
    expect(world.klarna.calls).toEqual(['read']);
    expect(world.record).toMatchObject({ state: 'COMPLETED', cancellation: { outcome: 'refused' } });
    await world.webhook(observed('CANCELED', '2026-03-01T12:05:00Z'));
    expect(world.record.attention).toBe('canceled_after_completed');
  });
});
