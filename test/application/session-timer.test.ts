import { describe, expect, it } from 'vitest';
import { registerSession, type SessionDependencies } from '../../functions/application/register-session.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { dueIn } from '../../functions/application/reconcile-payment-requests.ts';
import type { Deadline, Registration } from '../../functions/domain/registration.ts';
import { shownTimer } from '../../functions/domain/session-timer.ts';
import { viewOf } from '../../functions/http/payment-request-view.ts';
import { noon, key, observed, registrationWith, versioned } from '../support/fixtures.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { afterNoon, cancellationWith, registered, session } from '../support/sessions.ts';
import { type FaultInjector, World } from '../support/world.ts';

const minutes = (count: number): number => count * 60_000;
const timeout = (count: number): Deadline => ({
  kind: 'session_timeout',
  millis: minutes(count),
  given: `PT${count}M`,
});

async function expired(world: World, registration = registrationWith()): Promise<World> {
  await world.register(registration);
  world.clock.advance(minutes(30));
  return world;
}

describe('a registration without a deadline', () => {
  const joins = registrationWith({ deadline: undefined, onTimeout: undefined, reference: 'order 17' });

  it('a registration without a deadline leaves the deadline of a registered session alone and arms its timer again', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED'), { defaultSessionTimeout: minutes(20) });
    await world.register(registrationWith({ onTimeout: 'observe' }));
    world.timer.deadline = undefined;
    const { deadlineAt, dueAt } = world.record;
    world.clock.advance(minutes(10));
    expect((await world.register(joins)).outcome).toEqual({ kind: 'changed' });
    expect(world.record).toMatchObject({
      deadlineAt,
      dueAt,
      timer: 'armed',
      reference: 'order 17',
      session: { onTimeout: 'observe', extensions: 0 },
    });
    expect(world.timer.deadline).toBe(deadlineAt);
  });

  it('a registration without a deadline finds the registered session where the account has no default', async () => {
    const world = new World();
    expect((await world.register(joins)).outcome).toEqual({ kind: 'no_deadline' });
    await world.register(registrationWith());
    expect((await world.register(joins)).outcome).toEqual({ kind: 'changed' });
    expect(world.record).toMatchObject({ reference: 'order 17', version: 2 });
  });
});

describe('the timer of an ended request', () => {
  it.each(['EXPIRED', 'CANCELED', 'DECLINED'] as const)(
    'a webhook that says %s leaves no timer that is shown as armed',
    async (state) => {
      const world = new World();
      await world.register(registrationWith());
      expect(viewOf(world.record)).toMatchObject({ timer: 'armed' });
      await world.webhook(observed(state));
      expect(viewOf(world.record)).toMatchObject({ state, timer: 'removed' });
      world.clock.advance(minutes(30));
      await world.timerFires();
      expect(['fired', 'removed']).toContain(viewOf(world.record).timer);
    },
  );

  it('a paid request shows the timer that it keeps until its deadline, and as fired after it', async () => {
    const world = new World();
    await world.register(registrationWith());
    await world.webhook(observed('COMPLETED'));
    const shown = () => shownTimer(world.record, world.clock.instant());
    world.clock.advance(minutes(30) - 1);
    expect(shown()).toBe('armed');
    world.clock.advance(1);
    expect(shown()).toBe('fired');
  });
});

describe('a timer that fires', () => {
  it('the timer cancels an abandoned session with cause timeout', async () => {
    const world = await expired(new World());
    expect(await world.timerFires()).toMatchObject({ kind: 'ended', cancel: { outcome: 'canceled' } });
    expect(world.record).toMatchObject({
      state: 'CANCELED',
      timer: 'fired',
      cancellation: { cause: 'timeout', requestedBy: 'lapse:session-timer' },
      dueAt: undefined,
    });
  });

  it.each([
    ['the timer', (world: World) => world.timerFires()],
    ['the sweep', (world: World) => world.sweep()],
  ])('%s reads the record once to end a session', async (_, end) => {
    const reads: string[] = [];
    const world = await expired(
      new World(new ScriptedKlarna('SUBMITTED'), {}, (call, moment) => {
        if (call === 'store.read' && moment === 'before') reads.push(call);
      }),
    );
    world.clock.advance(minutes(2));
    reads.length = 0;
    await end(world);
    expect(world.record.state).toBe('CANCELED');
    expect(reads).toHaveLength(1);
  });

  it('a timer that fires a second and a third time does nothing', async () => {
    const world = await expired(new World());
    await world.timerFires();
    expect((await world.timerFires()).kind).toBe('spared');
    const { version } = world.record;
    expect((await world.timerFires()).kind).toBe('spared');
    expect(world.record.version).toBe(version);
    expect(world.klarna.calls).toEqual(['read', 'cancel']);
  });

  it('the timer spares a request that was paid in time, without a call to Klarna', async () => {
    const world = await expired(new World(new ScriptedKlarna('COMPLETED')));
    await world.webhook(observed('COMPLETED'));
    const paid = world.record;
    world.calls.splice(0);
    expect((await world.timerFires()).kind).toBe('spared');
    expect(world.calls).toEqual(['store.read']);
    expect(world.record).toEqual(paid);
    expect(paid.dueAt).toBeUndefined();
  });

  it.each(['EXPIRED', 'DECLINED', 'CANCELED'] as const)(
    'a timer that finds the request %s reads it once and writes nothing',
    async (state) => {
      const world = await expired(new World(new ScriptedKlarna(state)));
      await world.webhook(observed(state));
      const ended = world.record;
      world.calls.splice(0);
      expect((await world.timerFires()).kind).toBe('spared');
      expect(world.calls).toEqual(['store.read']);
      expect(world.record).toEqual(ended);
    },
  );

  it('the timer reads Klarna first and spares a paid request whose webhook was lost', async () => {
    const world = await expired(new World(new ScriptedKlarna('COMPLETED')));
    expect(await world.timerFires()).toMatchObject({ kind: 'ended', cancel: { outcome: 'already_final' } });
    expect(world.klarna.cancels).toBe(0);
    expect(world.record.state).toBe('COMPLETED');
  });

  it('the timer does not cancel a paid request even if the callers of the account may', async () => {
    const world = await expired(new World(new ScriptedKlarna('COMPLETED'), { cancelCompleted: true }));
    await world.timerFires();
    expect(world.klarna.cancels).toBe(0);
  });

  it('a timer that fires before the deadline of the record does nothing and is armed again', async () => {
    const world = new World();
    await world.register(registrationWith());
    world.timer.deadline = undefined;
    world.clock.advance(minutes(29));
    expect((await world.timerFires()).kind).toBe('not_yet');
    expect((await world.timerFires()).kind).toBe('not_yet');
    expect(world.klarna.calls).toEqual([]);
    expect(world.timer.deadline).toBe(world.record.deadlineAt);
    const early = world.record.history.filter(({ kind }) => kind === 'timer');
    expect(early).toMatchObject([{ effect: 'noted', detail: { outcome: 'not_yet' } }]);
  });

  it('the timer only records what it would have done if the session is observed', async () => {
    const world = await expired(new World(), registrationWith({ onTimeout: 'observe' }));
    expect((await world.timerFires()).kind).toBe('observed');
    expect(world.klarna.calls).toEqual([]);
    expect(world.record.history.at(-1)?.detail).toMatchObject({ outcome: 'would_cancel' });
    world.clock.advance(minutes(10));
    await world.sweep();
    expect(world.klarna.calls).toEqual([]);
  });

  it('the sweep learns the end of an observed session even if every webhook was lost', async () => {
    const world = await expired(new World(), registrationWith({ onTimeout: 'observe' }));
    await world.timerFires();
    world.klarna.state = undefined;
    world.clock.advance(minutes(48 * 60));
    await world.sweep();
    expect(world.record).toMatchObject({ state: 'EXPIRED', evidence: { source: 'not_found' } });
    world.clock.advance(minutes(1));
    await world.sweep();
    expect(world.record.dueAt).toBeUndefined();
  });

  it.each([
    ['given more time', { deadlineAt: afterNoon(60) }],
    ['only to be observed', { session: { ...session, onTimeout: 'observe' } }],
  ] as const)('the timer spares a session that is %s between its read and its claim', async (_, change) => {
    let isRead = false;
    const world: World = new World(new ScriptedKlarna('SUBMITTED'), {}, (call, moment) => {
      if (call === 'store.read' && moment === 'after') isRead = true;
      if (!isRead || call !== 'store.save' || moment !== 'before') return;
      isRead = false;
      void world.store.save(world.record, { ...world.record, ...change, version: 3 });
    });
    await expired(world);
    expect(await world.timerFires()).toMatchObject({ kind: 'ended', cancel: { outcome: 'pending' } });
    expect(world.klarna.cancels).toBe(0);
    expect(world.record.version).toBe(4);
    expect(world.record.history.at(-1)).toMatchObject({
      kind: 'cancel_request',
      effect: 'noted',
      detail: { cause: 'timeout', outcome: 'not_over' },
    });
    expect(world.record.cancellation).toBeUndefined();
  });

  /** The world of a session that another writer changes between the timer's read and its write. */
  async function changedMeanwhile(registration: Registration, change: Partial<PaymentRequest>) {
    let isRead = false;
    const world: World = new World(new ScriptedKlarna('SUBMITTED'), {}, (call, moment) => {
      if (call === 'store.read' && moment === 'after') isRead = true;
      if (!isRead || call !== 'store.save' || moment !== 'before') return;
      isRead = false;
      const { record } = world;
      void world.store.save(record, { ...record, ...change, version: record.version + 1 });
    });
    return expired(world, registration);
  }

  it('a session that is turned from observed to canceled meanwhile is canceled', async () => {
    const observing = registrationWith({ onTimeout: 'observe' });
    const world = await changedMeanwhile(observing, { session: { ...session, onTimeout: 'cancel' } });
    expect(await world.timerFires()).toMatchObject({ kind: 'ended', cancel: { outcome: 'canceled' } });
    expect(world.record.history.filter(({ kind }) => kind === 'timer')).toEqual([]);
  });

  it('an observed session that gets more time meanwhile keeps its timer', async () => {
    const observing = registrationWith({ onTimeout: 'observe' });
    const world = await changedMeanwhile(observing, { deadlineAt: afterNoon(60) });
    expect(await world.timerFires()).toEqual({ kind: 'not_yet' });
    expect(world.record.timer).toBe('armed');
    expect(world.timer.deadline).toBe(afterNoon(60));
  });

  it('the timer leaves an abandoned cancel to the sweep, even if the request has ended', async () => {
    const world = await expired(new World());
    const cancellation = cancellationWith({ lease: { id: 'lease-1', until: afterNoon(29) } });
    await world.store.save(
      world.record,
      versioned({ ...world.record, cancellation }, world.record, afterNoon(28)),
    );
    expect(world.record.dueAt).toBe(afterNoon(29));
    world.klarna.state = 'CANCELED';
    await world.webhook(observed('CANCELED'));
    const { version } = world.record;
    expect((await world.timerFires()).kind).toBe('spared');
    expect(world.record).toMatchObject({ version, dueAt: world.clock.instant() });
    expect((await world.sweep()).resume).toBe(1);
    expect(world.record).toMatchObject({ dueAt: undefined, cancellation: { outcome: 'canceled' } });
  });

  it('the timer continues an earlier pending cancel with its caller and its reason', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('read', unclear, unclear, unclear, unclear);
    const world = new World(klarna);
    await world.register(registrationWith());
    const command = { reason: 'cart emptied', requestedBy: 'arn:aws:iam::000000000000:user/shop' };
    expect((await world.cancel(command)).outcome).toBe('pending');
    const requestedAt = world.record.cancellation?.requestedAt;
    world.clock.advance(minutes(30));
    expect(await world.timerFires()).toMatchObject({ kind: 'ended', cancel: { outcome: 'canceled' } });
    expect(world.record.cancellation).toMatchObject({
      ...command,
      requestedAt,
      cause: 'api',
      outcome: 'canceled',
    });
    const claims = world.record.history.filter(({ eventId }) => eventId.startsWith('claim:'));
    expect(claims.map(({ detail }) => [detail['requested_by'], detail['carried_on_by']])).toEqual([
      [command.requestedBy, undefined],
      [command.requestedBy, 'lapse:session-timer'],
    ]);
  });

  it('the message of a session with grace comes again while its timer cannot be armed', async () => {
    let isDown = false;
    const klarna = new ScriptedKlarna('IN_PROGRESS');
    const inject: FaultInjector = (call, moment) => {
      if (isDown && call === 'timer.arm' && moment === 'before') throw new Error('throttled');
    };
    const world = await expired(new World(klarna, { inProgressGrace: minutes(5) }, inject));
    isDown = true;
    expect(await world.timerFires()).toEqual({ kind: 'unarmed' });
    expect(await world.timerFires()).toEqual({ kind: 'unarmed' });
    isDown = false;
    expect(await world.timerFires()).toEqual({ kind: 'not_yet' });
    expect(world.record).toMatchObject({ timer: 'armed' });
    expect(world.timer.deadline).toBe(world.record.deadlineAt);
  });

  it('the timer gives a paying customer grace once and then ends the session', async () => {
    const world = await expired(
      new World(new ScriptedKlarna('IN_PROGRESS'), { inProgressGrace: minutes(5) }),
    );
    expect(await world.timerFires()).toEqual({ kind: 'graced' });
    expect(world.klarna.cancels).toBe(0);
    expect(world.record).toMatchObject({ timer: 'armed', cancellation: undefined });
    expect(world.timer.deadline).toBe(world.record.deadlineAt);
    expect((await world.timerFires()).kind).toBe('not_yet');
    world.clock.advance(minutes(5));
    expect(await world.timerFires()).toMatchObject({ kind: 'ended', cancel: { outcome: 'canceled' } });
  });

  it('the timer returns pending if Klarna did not respond, so that the message is retried', async () => {
    const klarna = new ScriptedKlarna('SUBMITTED').responses('read', unclear, unclear, unclear, unclear);
    const world = await expired(new World(klarna));
    expect(await world.timerFires()).toMatchObject({ kind: 'ended', cancel: { outcome: 'pending' } });
    expect(await world.timerFires()).toMatchObject({ kind: 'ended', cancel: { outcome: 'canceled' } });
  });

  it('the timer does nothing to a request that was never registered', async () => {
    const world = new World();
    expect((await world.timerFires()).kind).toBe('nothing');
    await world.webhook(observed('SUBMITTED'));
    expect((await world.timerFires()).kind).toBe('nothing');
  });
});

describe('registering a session', () => {
  it('a registration writes the record once, as armed, and then arms the timer', async () => {
    const world: World = new World(new ScriptedKlarna('SUBMITTED'), {}, (call, moment) => {
      if (call === 'timer.arm' && moment === 'before') expect(world.record.timer).toBe('armed');
    });
    const { outcome, record } = await world.register(registrationWith());
    expect(outcome.kind).toBe('registered');
    expect(record).toMatchObject({ timer: 'armed', dueAt: afterNoon(31), version: 1 });
    expect(world.awsCalls()).toEqual(['store.register', 'timer.arm']);
    expect(world.timer.deadline).toBe(afterNoon(30));
    await world.extend(timeout(40));
    expect(world.record.history.map(({ eventId }) => eventId.split(':')[0])).toEqual(['register', 'extend']);
  });

  it('a repeated registration arms the timer again, and a refused one arms none and moves no Klarna expiry', async () => {
    const arms: string[] = [];
    const synced: unknown[] = [];
    const world = new World(new ScriptedKlarna('SUBMITTED'), {}, (call, moment) => {
      if (call === 'timer.arm' && moment === 'before') arms.push(call);
    });
    const syncExpiry: SessionDependencies['syncExpiry'] = (record) => {
      synced.push(record);
      return Promise.resolve(record);
    };
    const register = (deadline: Deadline) =>
      registerSession({ ...world.dependencies, syncExpiry })(
        key,
        registrationWith({ deadline }),
        world.settings,
      );
    expect((await register(timeout(30))).outcome.kind).toBe('registered');
    expect((await register(timeout(30))).outcome.kind).toBe('unchanged');
    expect((await register(timeout(49 * 60))).outcome.kind).toBe('invalid');
    expect([arms.length, synced.length]).toEqual([2, 2]);
    await world.webhook(observed('COMPLETED'));
    expect((await register(timeout(60))).outcome.kind).toBe('already_final');
    expect([arms.length, synced.length]).toEqual([2, 2]);
  });

  /** A world whose process ends when it is about to arm a timer: no later call of it succeeds. */
  function crashing() {
    let hasEnded = false;
    let mayEnd = true;
    const world = new World(new ScriptedKlarna('SUBMITTED'), {}, (call) => {
      hasEnded ||= mayEnd && call === 'timer.arm';
      if (hasEnded) throw new Error('the process has ended');
    });
    const restart = (): void => {
      hasEnded = false;
      mayEnd = false;
    };
    return { world, restart };
  }

  it('a registration that ended before its timer was armed is armed by the same PUT again', async () => {
    const { world, restart } = crashing();
    await world.register(registrationWith());
    restart();
    expect(world.record).toMatchObject({ timer: 'armed', version: 1 });
    expect(world.timer.deadline).toBeUndefined();
    expect((await world.register(registrationWith())).outcome.kind).toBe('unchanged');
    expect(world.timer.deadline).toBe(afterNoon(30));
    expect(world.record.version).toBe(1);
  });

  it('an extension that ended before its timer was armed is armed by the same extension again', async () => {
    const { world, restart } = crashing();
    const deadline: Deadline = { kind: 'deadline_at', at: afterNoon(20), given: '2026-03-01T12:20:00Z' };
    await world.store.save(undefined, versioned(registered({ version: 0 })));
    await world.extend(deadline);
    restart();
    expect(world.record).toMatchObject({ timer: 'armed', deadlineAt: afterNoon(20), dueAt: afterNoon(21) });
    expect(world.timer.deadline).toBeUndefined();
    expect((await world.extend(deadline)).outcome.kind).toBe('unchanged');
    expect(world.timer.deadline).toBe(afterNoon(20));
  });

  it('a session whose timer was never armed, or for a later deadline, ends a minute after its deadline', async () => {
    const { world, restart } = crashing();
    await world.register(registrationWith());
    restart();
    world.timer.deadline = afterNoon(50);
    world.clock.advance(minutes(31) - 1);
    expect(dueIn(await world.sweep())).toBe(0);
    world.clock.advance(1);
    expect((await world.sweep()).end).toBe(1);
    expect(world.record).toMatchObject({ state: 'CANCELED', timer: 'fired' });
  });

  it('a repeated registration with the same duration is unchanged and keeps its deadline', async () => {
    const world = new World();
    await world.register(registrationWith());
    const { deadlineAt } = world.record;
    world.clock.advance(minutes(10));
    expect((await world.register(registrationWith())).outcome.kind).toBe('unchanged');
    expect(world.record.deadlineAt).toBe(deadlineAt);
  });

  it('a registration joins the webhooks that arrived first', async () => {
    const world = new World();
    await world.webhook(observed('IN_PROGRESS'));
    const { outcome, record } = await world.register(registrationWith());
    expect(outcome.kind).toBe('registered');
    expect(record).toMatchObject({ state: 'IN_PROGRESS', timer: 'armed' });
  });

  it('a registration of a paid request is refused, and its session and reference are stored', async () => {
    const world = new World();
    await world.webhook(observed('COMPLETED'));
    const { outcome, record } = await world.register(registrationWith({ reference: 'order-7' }));
    expect(outcome).toEqual({ kind: 'already_final', state: 'COMPLETED' });
    expect(record).toMatchObject({ reference: 'order-7', dueAt: noon });
    expect((await world.sweep()).arm_default).toBe(1);
    expect(world.record.dueAt).toBeUndefined();
    expect(shownTimer(world.record, world.clock.instant())).toBe('none');
    expect(world.timer.deadline).toBeUndefined();
  });

  it('two callers can move one deadline at the same time, and the timer matches the record', async () => {
    const world = new World();
    await world.register(registrationWith());
    const [a, b] = await Promise.all([40, 50].map((count) => world.extend(timeout(count))));
    expect([a?.outcome.kind, b?.outcome.kind]).toEqual(['changed', 'changed']);
    expect(world.timer.deadline).toBe(world.record.deadlineAt);
    expect(world.record.timer).toBe('armed');
  });
});

describe('a request known only from a webhook', () => {
  it('a request known only from a webhook gets the default timer if the account is configured so', async () => {
    const world = new World(new ScriptedKlarna('SUBMITTED'), {
      armOnSubmitted: true,
      defaultSessionTimeout: minutes(20),
    });
    await world.webhook(observed('SUBMITTED'));
    expect(shownTimer(world.record, world.clock.instant())).toBe('none');
    expect((await world.sweep()).arm_default).toBe(1);
    expect(world.record).toMatchObject({
      timer: 'armed',
      deadlineAt: afterNoon(20),
      session: { onTimeout: 'cancel' },
    });
    world.clock.advance(minutes(20));
    await world.timerFires();
    expect(world.record.state).toBe('CANCELED');
  });

  it('a request known only from a webhook gets no timer without that setting and is not read at Klarna', async () => {
    const world = new World();
    await world.webhook(observed('SUBMITTED'));
    world.clock.advance(minutes(2));
    expect((await world.sweep()).arm_default).toBe(1);
    expect(world.record).toMatchObject({ timer: 'none', state: 'SUBMITTED', dueAt: afterNoon(48 * 60 + 1) });
    world.clock.advance(24 * 60 * minutes(1));
    await world.sweep();
    expect(world.klarna.calls).toEqual([]);
  });
});

describe('a request that Klarna ended without a webhook', () => {
  const days = (count: number) => count * 24 * 60 * minutes(1);

  it.each<[string, (world: World) => Promise<unknown>]>([
    ['is known only from a webhook', (world) => world.webhook(observed('SUBMITTED'))],
    [
      'was only observed',
      async (world) => {
        await expired(world, registrationWith({ onTimeout: 'observe' }));
        await world.timerFires();
      },
    ],
  ])('the sweep reads a request that %s and records EXPIRED', async (_, begin) => {
    const world = new World();
    await begin(world);
    world.clock.advance(minutes(2));
    await world.sweep();
    expect(world.klarna.calls).toEqual([]);
    world.klarna.state = undefined;
    world.clock.advance(days(2) + minutes(1));
    await world.sweep();
    await world.sweep();
    expect(world.klarna.calls).toEqual(['read']);
    expect(world.record).toMatchObject({
      state: 'EXPIRED',
      evidence: { source: 'not_found' },
      dueAt: undefined,
    });
  });

  it('the sweep stops reading a request after a day if Klarna still reports it as open', async () => {
    const world = new World();
    await world.webhook(observed('SUBMITTED'));
    await world.sweep();
    world.clock.advance(days(2) + minutes(1));
    for (let hour = 0; hour < 72; hour += 1) {
      await world.sweep();
      world.clock.advance(60 * minutes(1));
    }
    expect(world.klarna.calls.length).toBeLessThanOrEqual(24);
    expect(world.record).toMatchObject({ state: 'SUBMITTED', dueAt: undefined });
  });
});

it('the sweep continues with the other records if one fails', async () => {
  const world = new World(new ScriptedKlarna('SUBMITTED'), {}, (call, moment) => {
    if (call === 'klarna.read' && moment === 'before') throw new Error('a bug');
  });
  await expired(world);
  world.clock.advance(minutes(2));
  const report = await world.sweep();
  expect(report.failed).toBe(1);
  expect(world.faults).toHaveLength(1);
});
