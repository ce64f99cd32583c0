import { beforeEach, describe, expect, it } from 'vitest';
import { cancelSession } from '../../functions/application/cancel-session.ts';
import type { SessionId } from '../../functions/domain/identifiers.ts';
import { sessionLimit } from '../../functions/domain/registration.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { key, recordWith, registrationWith } from '../support/fixtures.ts';
import { registered, unkeyed } from '../support/sessions.ts';
import { World } from '../support/world.ts';

const sessionId = 'cart-17' as SessionId;

let world: World;

beforeEach(() => {
  world = new World();
});

/** Makes a session with so many Payment Requests. None of them is the one that a test registers. */
async function sessionOf(members: number): Promise<void> {
  for (let number = 0; number < members; number += 1) {
    await world.store.save(undefined, recordWith({ paymentRequestId: requestId(number), sessionId }));
  }
}

const stored = () => world.store.read(key);

describe('a session with the most Payment Requests', () => {
  const full = { kind: 'session_full', field: 'session_id', given: sessionId } as const;

  it('a session accepts 1,000 Payment Requests', async () => {
    await sessionOf(sessionLimit - 1);
    expect(await world.register(registrationWith({ sessionId }))).toMatchObject({
      outcome: { kind: 'registered' },
    });
    expect(sessionLimit).toBe(1_000);
  });

  it('a full session refuses a request without a record, and makes no record', async () => {
    await sessionOf(sessionLimit);
    const { outcome, record } = await world.register(registrationWith({ sessionId }));
    expect(outcome).toMatchObject(full);
    expect([record, await stored()]).toEqual([undefined, undefined]);
    expect(world.timer.deadline).toBeUndefined();
  });

  it.each([
    ['has no session', undefined],
    ['has another session', 'cart-18' as SessionId],
  ])('a full session refuses a request that %s, and does not change it', async (_, other) => {
    await sessionOf(sessionLimit);
    await world.store.save(undefined, registered({ sessionId: other }));
    const before = await stored();
    const { outcome } = await world.register(registrationWith({ sessionId }));
    expect(outcome).toMatchObject(full);
    expect(await stored()).toEqual(before);
  });

  it('a full session refuses a paid request, which would join it without a timer', async () => {
    await sessionOf(sessionLimit);
    await world.store.save(undefined, recordWith({ state: 'COMPLETED' }));
    expect((await world.register(registrationWith({ sessionId }))).outcome).toMatchObject(full);
    expect((await stored())?.sessionId).toBeUndefined();
  });

  it('a full session accepts the repeated registration of a request that it has', async () => {
    await sessionOf(sessionLimit - 1);
    const registration = registrationWith({ sessionId });
    await world.register(registration);
    expect((await world.register(registration)).outcome.kind).toBe('unchanged');
    const longer = registrationWith({
      sessionId,
      deadline: { kind: 'session_timeout', millis: 3_600_000, given: 'PT1H' },
    });
    expect((await world.register(longer)).outcome.kind).toBe('changed');
  });

  it('a full session does not affect a registration without a session or for another one', async () => {
    await sessionOf(sessionLimit);
    expect((await world.register(registrationWith())).outcome.kind).toBe('registered');
    const other = registrationWith({ sessionId: 'cart-18' as SessionId });
    expect((await world.register(other)).outcome.kind).toBe('changed');
  });

  it('a cancel of a full session returns an outcome for each request, and begins none after ten seconds', async () => {
    await sessionOf(sessionLimit);
    const { clock, settings } = world;
    const cancel = cancelSession({
      ...world.dependencies,
      isDryRun: true,
      cancel: (_key, _command, _settings, record = recordWith()) => {
        clock.advance(100);
        return Promise.resolve({ outcome: 'would_cancel', record });
      },
    });
    const command = { cause: 'api', requestedBy: 'someone', allowCompleted: false } as const;
    const outcomes = unkeyed(await cancel(sessionId, command, settings)).map(({ outcome }) => outcome);
    expect(outcomes).toHaveLength(sessionLimit);
    expect(outcomes.filter((outcome) => outcome === 'would_cancel')).toHaveLength(100);
    expect(new Set(outcomes.slice(100))).toEqual(new Set(['untried']));
  });
});
