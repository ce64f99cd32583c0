import { describe, expect, it } from 'vitest';
import {
  alreadySeen,
  type AwaitedReference,
  awaitedUntil,
  commandOf,
  decideAwait,
  firstSeen,
  nextAwaited,
  putOffAwaited,
  registrationOf,
  withAwaitedCancel,
} from '../../functions/domain/awaited-reference.ts';
import { ownEventId, parseReference } from '../../functions/domain/identifiers.ts';
import { armedOnSubmitted, type Registration } from '../../functions/domain/registration.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { account, recordWith, registrationWith } from '../support/fixtures.ts';
import { afterNoon, hour, minute, policy, session, settledWith } from '../support/sessions.ts';

const reference = parseReference('order-4711') ?? fail();
const key = { account, reference };

function fail(): never {
  throw new Error('nothing');
}

const contextAt = (minutes: number) => ({
  policy,
  eventId: ownEventId('register', '1'),
  now: afterNoon(minutes),
});

const awaited = (registration: Partial<Registration> = {}, stored?: AwaitedReference, minutes = 0) =>
  decideAwait(stored, key, registrationWith(registration), contextAt(minutes));

const waiting = (registration: Partial<Registration> = {}): AwaitedReference =>
  awaited(registration).next ?? fail();

const canceled = (stored?: AwaitedReference, minutes = 1): AwaitedReference =>
  withAwaitedCancel(stored, key, { reason: 'out', requestedBy: 'test' }, afterNoon(minutes)) ?? fail();

const timeout = (minutes: number) =>
  ({ kind: 'session_timeout', millis: minutes * minute, given: `PT${minutes}M` }) as const;

describe('decideAwait', () => {
  it('a registration waits until its deadline, and the same again changes nothing', () => {
    const first = waiting({ deadline: timeout(20) });
    expect(first).toMatchObject({ status: 'waiting', version: 1, session: { deadlineAt: afterNoon(20) } });
    expect(awaited({ deadline: timeout(20) }, first, 5)).toEqual({ outcome: { kind: 'unchanged' } });
    const { next, outcome } = awaited({ deadline: timeout(30) }, first, 5);
    expect(outcome.kind).toBe('changed');
    expect(next?.session?.deadlineAt).toBe(afterNoon(35));
  });

  it('a deadline that no session may have is refused before the request exists', () => {
    const { next, outcome } = awaited({ deadline: timeout(60 * 49) });
    expect([next, outcome.kind]).toEqual([undefined, 'invalid']);
  });

  it('a registration without a deadline and without a default is refused', () => {
    expect(awaited({ deadline: undefined }).outcome.kind).toBe('no_deadline');
  });

  it('a cancel that waits keeps a session from being registered', () => {
    expect(awaited({}, canceled())).toEqual({ outcome: { kind: 'cancellation_pending' } });
  });

  it('after the end a registration begins again, with the next version', () => {
    const over = nextAwaited(canceled(waiting()), { status: 'never_seen' }, afterNoon(40));
    const { next } = awaited({}, over, 50);
    expect(next).toMatchObject({ status: 'waiting', since: afterNoon(50) });
    expect(next?.cancel).toBeUndefined();
    expect(next?.version).toBe(over.version + 1);
  });
});

describe('a cancel that waits', () => {
  it('a cancel waits for 48 hours, and once', () => {
    expect(awaitedUntil(canceled())).toBe(afterNoon(1 + 48 * 60));
    expect(withAwaitedCancel(canceled(), key, { requestedBy: 'other' }, afterNoon(2))).toBeUndefined();
  });

  it('a cancel of a session that waits waits for as long as the later of the two', () => {
    expect(awaitedUntil(canceled(waiting({ deadline: timeout(20) })))).toBe(afterNoon(1 + 48 * 60));
  });

  it('a cancel that waits has no leave to cancel COMPLETED, and spares a request that was registered after it', () => {
    const item = canceled();
    expect(commandOf(item, recordWith())).toMatchObject({
      cause: 'api',
      reason: 'out',
      allowCompleted: false,
    });
    const registered = (minutes: number, requested = 'PT20M') =>
      recordWith({ session: { ...session, requested, registeredAt: afterNoon(minutes) } });
    expect(commandOf(item, registered(0))).toBeDefined();
    expect(commandOf(item, registered(2))).toBeUndefined();
    expect(commandOf(item, registered(2, armedOnSubmitted))).toBeDefined();
  });
});

describe('nextAwaited', () => {
  it('the sweep looks after a minute, then at the end, and never after it has ended', () => {
    const item = waiting({ deadline: timeout(20) });
    expect(item.dueAt).toBe(afterNoon(1));
    const looked = nextAwaited(item, { isLookedFor: true }, afterNoon(1));
    expect(looked.dueAt).toBe(afterNoon(20));
    expect(nextAwaited(looked, { status: 'joined' }, afterNoon(2)).dueAt).toBeUndefined();
  });

  it('what fails is put off for longer each time, at most an hour', () => {
    let item = waiting();
    const pauses: number[] = [];
    for (let time = 0; time < 9; time += 1) {
      item = putOffAwaited(item, afterNoon(0));
      pauses.push((Date.parse(item.retryAt ?? '') - Date.parse(afterNoon(0))) / minute);
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
    expect(hour).toBe(60 * minute);
  });
});

describe('the request that joins', () => {
  const record = (number: number, fields: Parameters<typeof recordWith>[0] = {}) =>
    recordWith({ paymentRequestId: requestId(number), createdAt: afterNoon(number), ...fields });

  it('the first request that was seen since then joins', () => {
    expect(firstSeen(waiting(), [record(2), record(1)])?.paymentRequestId).toBe(requestId(1));
    expect(firstSeen(waiting(), [])).toBeUndefined();
  });

  it('an older request joins while it can be paid or is paid, and not if it has ended without that', () => {
    const old = (state: 'SUBMITTED' | 'COMPLETED' | 'EXPIRED') => [record(-60, { state })];
    expect(firstSeen(waiting(), old('SUBMITTED'))).toBeDefined();
    expect(firstSeen(waiting(), old('COMPLETED'))).toBeDefined();
    expect(firstSeen(waiting(), old('EXPIRED'))).toBeUndefined();
    expect(alreadySeen(old('EXPIRED'))).toBeUndefined();
  });

  it('an older request that was registered or canceled since then joins, even if it has ended meanwhile', () => {
    const ended = (fields: Parameters<typeof recordWith>[0]) => [
      record(-60, { state: 'CANCELED', ...fields }),
    ];
    const at = (minutes: number) => ({ ...session, registeredAt: afterNoon(minutes) });
    const cancel = settledWith({ outcome: 'canceled', requestedAt: afterNoon(1) });
    expect(firstSeen(waiting(), ended({ session: at(1) }))).toBeDefined();
    expect(firstSeen(waiting(), ended({ cancellation: cancel }))).toBeDefined();
    expect(firstSeen(waiting(), ended({ session: at(-1) }))).toBeUndefined();
    expect(firstSeen(waiting(), ended({ occurredAt: afterNoon(1) }))).toBeDefined();
    expect(firstSeen(waiting(), ended({ occurredAt: afterNoon(-1) }))).toBeUndefined();
  });
});

describe('registrationOf', () => {
  it('what waited registers with its deadline, which is never refused, and what was named', () => {
    const item = waiting({ deadline: timeout(20), onTimeout: 'observe', kind: 'invoice' });
    expect(registrationOf(item, afterNoon(5))).toMatchObject({
      deadline: { kind: 'deadline_at', at: afterNoon(20), given: 'PT20M', isAwaited: true },
      reference,
      onTimeout: 'observe',
      kind: 'invoice',
    });
    expect(registrationOf(canceled(), afterNoon(5))).toBeUndefined();
  });

  it("Klarna's expiry that has passed meanwhile is left out", () => {
    const item = waiting({ deadline: timeout(20), klarnaExpiresAt: afterNoon(30) });
    expect(registrationOf(item, afterNoon(5))?.klarnaExpiresAt).toBe(afterNoon(30));
    expect(registrationOf(item, afterNoon(31))?.klarnaExpiresAt).toBeUndefined();
  });
});
