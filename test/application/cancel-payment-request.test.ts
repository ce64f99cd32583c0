import { describe, expect, it } from 'vitest';
import { callLimit } from '../../functions/domain/next-call.ts';
import { cancelPaymentRequest, dryRunCancel } from '../../functions/application/cancel-payment-request.ts';
import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { Draws } from '../simulation/draws.ts';
import { key, observed, recordWith, registrationWith, settingsWith } from '../support/fixtures.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { afterNoon, cancellationWith, minute } from '../support/sessions.ts';
import { SharedClock } from '../support/virtual-clock.ts';
import { World } from '../support/world.ts';

const canceledResponse: KlarnaResponse = {
  kind: 'payment_request',
  state: 'CANCELED',
  proof: { status: '200' },
};

describe('a cancel of a request that was never registered', () => {
  it('a cancel of an unregistered request reads once, cancels once, and records the evidence', async () => {
    const world = new World();
    expect((await world.cancel()).outcome).toBe('canceled');
    expect(world.klarna.calls).toEqual(['read', 'cancel']);
    expect(world.record).toMatchObject({
      state: 'CANCELED',
      evidence: { source: 'cancel' },
      cancellation: { outcome: 'canceled', cause: 'api', lease: undefined },
      dueAt: undefined,
    });
  });

  it('a second cancel of the same request returns already_canceled without a call to Klarna', async () => {
    const world = new World();
    await world.cancel();
    expect((await world.cancel()).outcome).toBe('already_canceled');
    expect(world.klarna.calls).toEqual(['read', 'cancel']);
    expect(world.record.cancellation?.outcome).toBe('canceled');
  });

  it('a cancel of a request that Klarna reports as CANCELED sends no DELETE', async () => {
    const world = new World(new ScriptedKlarna('CANCELED'));
    expect((await world.cancel()).outcome).toBe('already_canceled');
    expect(world.klarna.calls).toEqual(['read']);
    expect(world.record.cancellation?.outcome).toBe('already_canceled');
  });

  it('a cancel of an unregistered request that Klarna does not find makes no record', async () => {
    const world = new World(new ScriptedKlarna(undefined));
    expect(await world.cancel()).toEqual({ outcome: 'not_found', record: undefined });
    expect(world.store.records.size).toBe(0);
  });

  it('a cancel of an unregistered request makes no record if Klarna refuses our credentials', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED').responses('read', { kind: 'denied', proof: {} }));
    expect((await world.cancel()).outcome).toBe('klarna_denied');
    expect(world.store.records.size).toBe(0);
  });

  it('a cancel is pending if Klarna does not respond, and the sweep completes it', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('read', unclear, unclear, unclear, unclear);
    const world = new World(klarna);
    expect((await world.cancel()).outcome).toBe('pending');
    expect(klarna.cancels).toBe(0);
    world.clock.advance(60_000);
    await world.sweep();
    expect(world.record).toMatchObject({ state: 'CANCELED', cancellation: { outcome: 'canceled' } });
  });
});

describe('a cancel of a paid or final request', () => {
  it.each(['COMPLETED', 'EXPIRED', 'DECLINED'] as const)(
    'a cancel leaves a request that is %s as it is',
    async (state) => {
      const world = new World(new ScriptedKlarna(state));
      expect(await world.cancel()).toMatchObject({ outcome: 'already_final', state });
      expect(world.klarna.cancels).toBe(0);
      expect(world.record).toMatchObject({ state, cancellation: { outcome: 'refused' } });
    },
  );

  it('a cancel of a request recorded as paid is refused from the record', async () => {
    const world = new World(new ScriptedKlarna('COMPLETED'));
    await world.webhook(observed('COMPLETED'));
    expect(await world.cancel()).toMatchObject({ outcome: 'already_final', state: 'COMPLETED' });
    expect(world.klarna.calls).toEqual([]);
    expect(world.record.history.at(-1)).toMatchObject({
      eventId: expect.stringMatching(/^response:[0-9a-f]{12}$/) as string,
      kind: 'cancel_request',
      effect: 'refused',
    });
  });

  it('a cancel is refused as soon as a webhook reports the payment, even if Klarna does not respond', async () => {
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
  ] as const)(
    'a cancel that allows COMPLETED sends one DELETE (Klarna accepts it: %s)',
    async (lax, outcome, state) => {
      const klarna = new ScriptedKlarna('COMPLETED');
      klarna.cancelsCompleted = lax;
      const world = new World(klarna);
      expect((await world.cancel({ allowCompleted: true })).outcome).toBe(outcome);
      expect(klarna.cancels).toBe(1);
      expect(world.record.state).toBe(state);
      expect(world.record.attention).toBeUndefined();
    },
  );
});

it('a cancel that allows COMPLETED is pending while Klarna does not respond to the DELETE', async () => {
  const world = new World(new ScriptedKlarna('COMPLETED').responses('cancel', unclear, unclear));
  expect((await world.cancel({ allowCompleted: true })).outcome).toBe('pending');
  expect(world.record).toMatchObject({ state: 'COMPLETED', cancellation: { outcome: 'pending' } });
});

describe('a cancel that allows COMPLETED after a DELETE without leave', () => {
  /** A request that the customer approves while a DELETE without leave has no response. */
  async function approvedMeanwhile(): Promise<World> {
    const klarna = new ScriptedKlarna('SUBMITTED')
      .responses('cancel', unclear)
      .responses('read', new ScriptedKlarna('SUBMITTED').shown(), unclear, unclear, unclear, unclear);
    const world = new World(klarna);
    expect((await world.cancel()).outcome).toBe('pending');
    expect(klarna.cancels).toBe(1);
    klarna.reset('COMPLETED').cancelsCompleted = true;
    world.clock.advance(minute);
    return world;
  }

  it('attention is asked for if the DELETE without leave may have ended the approved request', async () => {
    const world = await approvedMeanwhile();
    const canceled: KlarnaResponse = {
      kind: 'payment_request',
      state: 'CANCELED',
      previousState: 'COMPLETED',
      proof: { status: '200' },
    };
    world.klarna.responses('read', canceled);
    await world.cancel({ allowCompleted: true });
    expect(world.klarna.cancels).toBe(0);
    expect(world.record).toMatchObject({
      state: 'CANCELED',
      attention: 'canceled_after_completed',
      cancellation: { outcome: 'canceled', allowCompleted: true, sentWithoutLeave: true },
    });
  });

  it('no attention is asked for if the response to the allowed DELETE shows the end', async () => {
    const world = await approvedMeanwhile();
    expect((await world.cancel({ allowCompleted: true })).outcome).toBe('canceled');
    expect(world.klarna.calls).toEqual(['read', 'cancel']);
    expect(world.record).toMatchObject({ state: 'CANCELED', evidence: { source: 'cancel' } });
    expect(world.record.attention).toBeUndefined();
    const { version } = world.record;
    await world.webhook(observed('CANCELED', '2026-03-01T12:02:00Z', { previousState: 'COMPLETED' }));
    expect(world.record).toMatchObject({ state: 'CANCELED', version });
    expect(world.record.attention).toBeUndefined();
  });
});

describe('a response to the DELETE that does not tell the result', () => {
  it.each<[string, KlarnaResponse]>([
    ['a timeout', unclear],
    ['a refusal', { kind: 'refused', proof: { status: '409' } }],
    ['a 404', { kind: 'not_found', proof: {} }],
    ['another state', { kind: 'payment_request', state: 'SUBMITTED', proof: {} }],
  ])('a read finds CANCELED after %s to a DELETE that took effect', async (_, response) => {
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

  it('the history shows an unclear response with its ids, and a cancel makes two writes', async () => {
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

  it('a cancel sends at most two DELETEs, and is pending if both have no response', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('cancel', unclear, unclear);
    const world = new World(klarna);
    expect((await world.cancel()).outcome).toBe('pending');
    expect(klarna.calls).toEqual(['read', 'cancel', 'read', 'cancel', 'read']);
    expect(world.record).toMatchObject({ state: 'SUBMITTED', cancellation: { outcome: 'pending' } });
    expect(world.record.dueAt).toBeDefined();
  });

  it('a cancel is pending if no read after the DELETE succeeds, and canceled once the sweep can read', async () => {
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

  it('a cancel is pending at once if Klarna limits the rate for longer than the remaining time', async () => {
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

  it('a cancel waits and continues if Klarna limits the rate for a second', async () => {
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

describe('a request whose state at Klarna is not known', () => {
  it('a cancel of a request with an unknown state sends no DELETE and sets attention', async () => {
    const world = new World(
      new ScriptedKlarna('SUBMITTED').responses('read', { kind: 'unknown_state', proof: {} }),
    );
    expect((await world.cancel()).outcome).toBe('pending');
    expect(world.klarna.cancels).toBe(0);
    expect(world.record.attention).toBe('unknown_state');
  });

  it('a registered request that Klarna does not find is not_found, and EXPIRED after its Klarna expiry', async () => {
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

  it('a cancel with refused credentials is retried by the sweep if the request has a record', async () => {
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

describe('simultaneous cancels', () => {
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

  it('the history shows twenty simultaneous callers with different names', async () => {
    const world = new World();
    await world.webhook(observed('SUBMITTED'));
    const draws = new Draws(1, 'twenty callers');
    const cancel = cancelPaymentRequest({
      ...world.dependencies,
      clock: new SharedClock(),
      chance: () => draws.next(),
    });
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        cancel(key, { cause: 'api', requestedBy: `caller ${index}`, allowCompleted: false }, world.settings),
      ),
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

  it("a caller whose lease ran out cannot settle another caller's claim, but its evidence counts", async () => {
    let stall = true;
    const klarna = new ScriptedKlarna('SUBMITTED');
    const world: World = new World(klarna, {}, (call, moment) => {
      if (call === 'klarna.cancel' && moment === 'after' && stall) {
        stall = false;
        world.clock.advance(31_000);
        // Another caller takes the claim over while the first one still waits for Klarna.
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
  /** Another caller takes the claim over during the second read of Klarna, which is in this state. */
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

  it('a caller whose claim was taken over reports the payment it found and leaves the claim as it is', async () => {
    const world = await overtaken('COMPLETED');
    expect(await world.cancel()).toMatchObject({ outcome: 'already_final', state: 'COMPLETED' });
    expect(world.record).toMatchObject({
      state: 'COMPLETED',
      cancellation: { outcome: 'claimed', lease: { id: 'lease-2' } },
    });
  });

  it('a caller whose claim was taken over gives a paying customer no grace', async () => {
    const world = await overtaken('IN_PROGRESS', { inProgressGrace: 5 * minute });
    const command = { cause: 'timeout', requestedBy: 'lapse:session-timer' } as const;
    expect((await world.cancel(command)).outcome).toBe('pending');
    expect(world.record).toMatchObject({
      deadlineAt: afterNoon(30),
      cancellation: { outcome: 'claimed', lease: { id: 'lease-2' } },
    });
  });
});

it('a cancel by a caller gives a paying customer no grace', async () => {
  const world = new World(new ScriptedKlarna('IN_PROGRESS'), { inProgressGrace: 5 * minute });
  await world.register(registrationWith());
  expect((await world.cancel()).outcome).toBe('canceled');
});

it('a cancel of a record that was deleted during the DELETE is pending', async () => {
  const klarna = new ScriptedKlarna('SUBMITTED').responses('cancel', () => {
    world.store.records.clear();
    return canceledResponse;
  });
  const world = new World(klarna);
  await world.store.save(undefined, recordWith({ state: 'SUBMITTED' }));
  expect(await world.cancel()).toMatchObject({ outcome: 'pending', record: { state: 'SUBMITTED' } });
  expect(world.store.records.size).toBe(0);
});

it('a cancel removes no timer if none was set', async () => {
  const world = new World(new ScriptedKlarna('SUBMITTED'), {}, (call) => {
    if (call === 'timer.remove') removals += 1;
  });
  let removals = 0;
  expect((await world.cancel()).outcome).toBe('canceled');
  expect(removals).toBe(0);
});

it('a cancel removes the timer of the session, and succeeds even if the removal fails', async () => {
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

describe('a dry run', () => {
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
  ] as const)(
    'a dry run of a %s request returns %s, writes nothing and sends no DELETE',
    async (state, expected) => {
      const world = new World(new ScriptedKlarna(state));
      const outcome = await dryRun(world);
      expect(outcome.outcome).toBe(expected);
      expect(world.klarna.calls).toEqual(['read']);
      expect(world.klarna.limits).toEqual([callLimit]);
      expect(world.store.writes).toBe(0);
    },
  );

  it('a dry run of a recorded request returns the record with the state that Klarna reports now', async () => {
    const world = new World(new ScriptedKlarna('IN_PROGRESS'));
    await world.register(registrationWith({ reference: 'order-7' }));
    expect(await dryRun(world)).toEqual({
      outcome: 'would_cancel',
      record: { ...world.record, state: 'IN_PROGRESS' },
    });
  });

  it('a dry run of a request recorded as paid does not call Klarna', async () => {
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
  ])('a dry run returns no would_cancel if Klarna responds $kind: %s', async (response, outcome) => {
    const world = new World(new ScriptedKlarna('SUBMITTED').responses('read', response));
    await world.webhook(observed('SUBMITTED'));
    const { record } = world;
    expect(await dryRun(world)).toEqual({ outcome, record });
    expect(world.record).toEqual(record);
  });
});

it('a DELETE without a response that takes effect after the customer approved gets attention', async () => {
  const klarna = new ScriptedKlarna('IN_PROGRESS').responses('cancel', (klarna) => {
    klarna.state = 'COMPLETED';
    return unclear;
  });
  const world = new World(klarna);
  expect(await world.cancel()).toMatchObject({ outcome: 'already_final', state: 'COMPLETED' });
  await world.webhook(observed('CANCELED', '2026-03-01T12:05:00Z'));
  expect(world.record).toMatchObject({ state: 'CANCELED', attention: 'canceled_after_completed' });
});

it('a cancel by another party gets no attention if we sent no DELETE', async () => {
  const world = new World(new ScriptedKlarna('COMPLETED'));
  await world.cancel();
  await world.webhook(observed('CANCELED', '2026-03-01T12:05:00Z'));
  expect(world.record.state).toBe('CANCELED');
  expect(world.record.attention).toBeUndefined();
});

describe('a paid request for which an abandoned caller may have sent a DELETE', () => {
  const abandoned = async (state: 'COMPLETED' | 'CANCELED') => {
    const world = new World(new ScriptedKlarna(state));
    await world.register(registrationWith());
    const { record } = world;
    const cancellation = cancellationWith();
    const dueAt = cancellation.lease?.until;
    await world.store.save(record, { ...record, cancellation, dueAt, version: record.version + 1 });
    await world.webhook(observed('COMPLETED'));
    world.clock.advance(60_000);
    await world.sweep();
    return world;
  };

  it('the sweep reads a request recorded as COMPLETED if an abandoned caller may have sent a DELETE', async () => {
    const { record, klarna } = await abandoned('CANCELED');
    expect(klarna.calls).toEqual(['read']);
    expect(record).toMatchObject({ state: 'CANCELED', attention: 'canceled_after_completed' });
  });

  it('the sweep leaves such a request as it is if it is still paid, and a late cancel gets attention', async () => {
    const world = await abandoned('COMPLETED');
    expect(world.klarna.calls).toEqual(['read']);
    expect(world.record).toMatchObject({ state: 'COMPLETED', cancellation: { outcome: 'refused' } });
    await world.webhook(observed('CANCELED', '2026-03-01T12:05:00Z'));
    expect(world.record.attention).toBe('canceled_after_completed');
  });
});
