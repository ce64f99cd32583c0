import { describe, expect, it } from 'vitest';
import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import { compareSession, isToCompare } from '../../functions/application/compare-attempts.ts';
import { followWrite } from '../../functions/application/follow-write.ts';
import { endExpiredSession } from '../../functions/application/end-expired-session.ts';
import { registerSession } from '../../functions/application/register-session.ts';
import type { PaymentRequestKey, SessionId } from '../../functions/domain/identifiers.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { attemptsIn } from '../../functions/domain/session-attempts.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { account, observed, recordWith, registrationWith, versioned } from '../support/fixtures.ts';
import { afterNoon, session } from '../support/sessions.ts';
import { ScriptedKlarna, unclear } from '../support/scripted-klarna.ts';
import { World } from '../support/world.ts';

const sessionId = 'cart-1' as SessionId;

function attempt(
  number: number,
  state?: PaymentRequestState,
  fields: Partial<PaymentRequest> = {},
): PaymentRequest {
  const registered = recordWith({
    version: 0,
    paymentRequestId: requestId(number),
    sessionId,
    session: { ...session, registeredAt: afterNoon(number) },
    deadlineAt: afterNoon(30),
    timer: 'armed',
    createdAt: afterNoon(number),
    ...fields,
  });
  const time = `2026-03-01T12:${String(number + 10)}:00Z`;
  return versioned(state ? applyObservation(registered, observed(state, time)).record : registered);
}

const worldWith = (...records: readonly PaymentRequest[]): Promise<World> => worldOf({}, ...records);

/** A world with these records, where Klarna has each in this state. */
async function worldOf(
  { state = 'SUBMITTED', ...settings }: Partial<AccountSettings> & { readonly state?: PaymentRequestState },
  ...records: readonly PaymentRequest[]
): Promise<World> {
  const world = new World(new ScriptedKlarna(state), settings);
  for (const record of records) await world.store.save(undefined, record);
  return world;
}

const compared = (world: World, record: PaymentRequest) =>
  compareSession(world.dependencies)(record, world.settings);

const storedIn = async (world: World, number: number): Promise<PaymentRequest> => {
  const record = await world.store.read({ account, paymentRequestId: requestId(number) });
  if (!record) throw new Error(`there is no attempt ${number}`);
  return record;
};

const newest = {
  session: { ...session, registeredAt: afterNoon(5), supersedes: true },
  isToBeCompared: true,
} as const;

describe('compareSession', () => {
  it('an attempt that supersedes ends the older open ones by the ordinary cancel, and is then done', async () => {
    const self = attempt(5, 'SUBMITTED', newest);
    const world = await worldWith(attempt(1, 'SUBMITTED'), attempt(2, 'COMPLETED'), self);
    expect((await compared(world, self)).kind).toBe('compared');
    expect(await storedIn(world, 1)).toMatchObject({
      state: 'CANCELED',
      cancellation: { outcome: 'canceled', cause: 'superseded', reason: self.paymentRequestId },
    });
    expect(await storedIn(world, 2)).toMatchObject({ state: 'COMPLETED', attention: undefined });
    expect((await storedIn(world, 5)).isToBeCompared).toBeUndefined();
  });

  it('an older attempt that Klarna shows as paid is spared, and gets no DELETE', async () => {
    const self = attempt(5, 'SUBMITTED', newest);
    const world = await worldOf({ state: 'COMPLETED' }, attempt(1, 'SUBMITTED'), self);
    await compared(world, self);
    expect(world.calls.filter((call) => call.startsWith('klarna.'))).toEqual(['klarna.read']);
    expect(await storedIn(world, 1)).toMatchObject({
      state: 'COMPLETED',
      cancellation: { outcome: 'refused', cause: 'superseded' },
    });
  });

  it('two payments are marked once, in any order and however often', async () => {
    const world = await worldWith(attempt(1, 'COMPLETED'), attempt(2, 'COMPLETED'));
    for (const number of [2, 1, 2]) await compared(world, await storedIn(world, number));
    const [first, second] = [await storedIn(world, 1), await storedIn(world, 2)];
    expect([first.attention, second.attention]).toEqual(['paid_twice', 'paid_twice']);
    expect([first.version, second.version]).toEqual([2, 2]);
    expect(second.changes.map(({ kind }) => kind)).toEqual(['needs_attention', 'paid_twice']);
    expect(first.changes.map(({ kind }) => kind)).toEqual(['needs_attention']);
  });

  it('a payment ends the open attempts where the account says so, and else lets them be watched', async () => {
    for (const endOtherAttempts of [true, false]) {
      const paid = attempt(2, 'COMPLETED');
      const world = await worldOf(
        { state: 'IN_PROGRESS', endOtherAttempts },
        attempt(1, 'IN_PROGRESS'),
        paid,
      );
      await compared(world, paid);
      const other = await storedIn(world, 1);
      expect([other.state, other.isOneOfSeveral]).toEqual(
        endOtherAttempts ? ['CANCELED', undefined] : ['IN_PROGRESS', true],
      );
    }
  });

  it('an attempt that could not be ended stays watched, and the comparison is not repeated for it', async () => {
    const self = attempt(5, 'SUBMITTED', newest);
    const world = await worldWith(attempt(1, 'SUBMITTED'), self);
    world.klarna.instead = () => unclear;
    await compared(world, self);
    expect(await storedIn(world, 1)).toMatchObject({
      isOneOfSeveral: true,
      cancellation: { outcome: 'pending', cause: 'superseded' },
    });
  });

  it('without its turn at Klarna, nothing is done and the record stays due', async () => {
    const self = attempt(5, 'SUBMITTED', newest);
    const world = await worldWith(attempt(1, 'SUBMITTED'), self);
    const dependencies = { ...world.dependencies, turn: () => Promise.resolve(false) };
    expect((await compareSession(dependencies)(self, world.settings)).kind).toBe('held');
    expect((await storedIn(world, 5)).isToBeCompared).toBe(true);
    expect((await storedIn(world, 1)).cancellation).toBeUndefined();
  });

  it.each([
    ['an open attempt', attempt(1, 'SUBMITTED'), false],
    ['a paid one without a session', attempt(1, 'COMPLETED', { sessionId: undefined }), false],
    ['a paid one in a session', attempt(1, 'COMPLETED'), true],
    ['one that is to be compared', attempt(1, 'SUBMITTED', { isToBeCompared: true }), true],
  ])('%s is compared: %s', async (_, record, isCompared) => {
    expect(isToCompare(record)).toBe(isCompared);
    const world = await worldWith(record);
    expect((await compared(world, record)).kind).toBe(isCompared ? 'compared' : 'nothing');
  });

  it('the attempt itself counts, even if the index does not list it yet', async () => {
    const paid = attempt(2, 'COMPLETED');
    const world = await worldWith(attempt(1, 'COMPLETED'), paid);
    const sessions = {
      async *ofSession() {
        yield await Promise.resolve({ account, paymentRequestId: requestId(1) });
      },
    };
    await compareSession({ ...world.dependencies, sessions })(paid, world.settings);
    for (const number of [1, 2]) expect((await storedIn(world, number)).attention).toBe('paid_twice');
  });
});

describe('the timer and the sweep', () => {
  it('the timer of a paid session marks a second payment of which no message came', async () => {
    const world = await worldWith(attempt(1, 'COMPLETED'), attempt(2, 'COMPLETED'));
    const outcome = await endExpiredSession(world.dependencies)(
      { account, paymentRequestId: requestId(1) },
      world.settings,
    );
    expect(outcome).toEqual({ kind: 'spared' });
    expect((await storedIn(world, 2)).attention).toBe('paid_twice');
  });

  it('the timer of a session with one payment writes nothing', async () => {
    const world = await worldWith(attempt(1, 'COMPLETED'));
    await endExpiredSession(world.dependencies)({ account, paymentRequestId: requestId(1) }, world.settings);
    expect((await storedIn(world, 1)).version).toBe(1);
  });
});

describe('followWrite', () => {
  const following = async (written: PaymentRequest, ...others: readonly PaymentRequest[]) => {
    const world = await worldWith(written, ...others);
    const handed: PaymentRequestKey[] = [];
    const faults: unknown[] = [];
    const follow = followWrite({
      store: world.store,
      sessions: world.store,
      references: world.store,
      awaited: world.awaited,
      handOver: {
        compare: (key) => Promise.resolve(void handed.push(key)),
        settle: () => Promise.reject(new Error('nothing waits')),
      },
      onFollowFault: (_, error) => void faults.push(error),
    });
    return { ...(await follow(written)), handed: handed.length, faults };
  };

  it.each<[string, PaymentRequest, readonly PaymentRequest[], number, boolean]>([
    ['a payment beside another attempt', attempt(1, 'COMPLETED'), [attempt(2, 'SUBMITTED')], 1, true],
    ['the payment of the only attempt', attempt(1, 'COMPLETED'), [], 0, true],
    ['a payment without a session', attempt(1, 'COMPLETED', { sessionId: undefined }), [], 0, false],
    ['another change beside another attempt', attempt(1, 'IN_PROGRESS'), [attempt(2)], 0, false],
    ['a registration that supersedes', attempt(5, undefined, newest), [attempt(1)], 1, false],
  ])('%s', async (_, written, others, handed, isNamed) => {
    const followed = await following(written, ...others);
    expect(followed).toMatchObject({ handed, isDone: true, faults: [] });
    expect(followed.attempts).toEqual(isNamed ? attemptsIn([...others, written]) : undefined);
  });

  it('a write that was handed over already is not handed over by its next version', async () => {
    const written = attempt(1, 'COMPLETED');
    const next = versioned({ ...written, reference: 'order 1' }, written);
    expect((await following(next, attempt(2))).handed).toBe(0);
  });

  it('a fault of the table or the queue is told, and the write is not done', async () => {
    const fault = new Error('SQS is away');
    const faults: unknown[] = [];
    const { store, awaited } = await worldWith(attempt(2));
    const followed = await followWrite({
      store,
      sessions: store,
      references: store,
      awaited,
      handOver: { compare: () => Promise.reject(fault), settle: () => Promise.reject(fault) },
      onFollowFault: (_, error) => void faults.push(error),
    })(attempt(1, 'COMPLETED'));
    expect([followed.isDone, faults]).toEqual([false, [fault]]);
  });
});

describe('a registration into a session', () => {
  const register = (world: World, number: number, fields: Parameters<typeof registrationWith>[0] = {}) =>
    registerSession(world.dependencies)(
      { account, paymentRequestId: requestId(number) },
      registrationWith({ sessionId, ...fields }),
      world.settings,
    );

  it('the first attempt knows of no other, and the second of the first and of the newest that has ended', async () => {
    const world = new World();
    expect((await register(world, 1)).record).not.toHaveProperty('recoveredFrom');
    expect((await register(world, 1)).outcome.kind).toBe('unchanged');
    await world.store.save(undefined, attempt(3, 'EXPIRED'));
    await world.store.save(undefined, attempt(4, 'CANCELED'));
    const { record } = await register(world, 2);
    expect(record).toMatchObject({ recoveredFrom: requestId(4), isOneOfSeveral: true, version: 1 });
    expect((await storedIn(world, 1)).isOneOfSeveral).toBeUndefined();
  });

  it('a registration with supersedes is to be compared, and the same one again is not', async () => {
    const world = new World();
    const { record } = await register(world, 1, { supersedes: true });
    expect(record).toMatchObject({ isToBeCompared: true, session: { supersedes: true } });
    if (record) await compared(world, record);
    expect((await register(world, 1, { supersedes: true })).outcome.kind).toBe('unchanged');
    expect((await storedIn(world, 1)).isToBeCompared).toBeUndefined();
  });

  it.each([
    ['with another one', [attempt(1, 'COMPLETED')]],
    ['without another one: it may join at the same time', []],
  ])('a late registration of a paid request into a session %s is to be compared', async (_, others) => {
    const world = await worldWith(...others);
    await world.store.save(
      undefined,
      attempt(2, 'COMPLETED', { sessionId: undefined, session: undefined, deadlineAt: undefined }),
    );
    const { outcome, record } = await register(world, 2);
    expect([outcome.kind, record?.isToBeCompared]).toEqual(['already_final', true]);
  });

  it('supersedes without a session is refused', async () => {
    const { outcome } = await register(new World(), 1, { supersedes: true, sessionId: undefined });
    expect(outcome).toMatchObject({ kind: 'invalid', field: 'supersedes' });
  });
});
