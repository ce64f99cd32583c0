import { describe, expect, it } from 'vitest';
import {
  outcomeFromRecord,
  type CancelCommand,
  claimed,
  withRefusedCommand,
} from '../../functions/domain/cancellation.ts';
import { type Attempt, type Conclusion, settled } from '../../functions/domain/cancel-attempt.ts';
import { emptyResponse } from '../../functions/domain/klarna-read.ts';
import { ownEventId } from '../../functions/domain/identifiers.ts';
import type { Observation } from '../../functions/domain/observation.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { eventsOf } from '../../functions/domain/state-change-event.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import { noon, observed, recordWith, versioned } from '../support/fixtures.ts';
import { afterNoon, minute, registered, session } from '../support/sessions.ts';

const command: CancelCommand = { cause: 'api', requestedBy: 'someone', allowCompleted: false };
const byTimer: CancelCommand = { ...command, cause: 'timeout', requestedBy: 'lapse:session-timer' };

/** A registered SUBMITTED request that an attempt with the lease `mine` has claimed at 12:30. */
const held = (fields: Partial<PaymentRequest> = {}, by = command): PaymentRequest =>
  claimed(
    applyObservation(registered({ klarnaExpiresAt: afterNoon(180), ...fields }), observed('SUBMITTED'))
      .record,
    by,
    'mine',
    afterNoon(30),
  );

const read = (state: Observation['state']) =>
  observed(state, '2026-03-01T12:30:01Z', { source: 'read', eventId: ownEventId('read', state) });
const deleted = observed('CANCELED', '2026-03-01T12:30:02Z', {
  source: 'cancel',
  eventId: ownEventId('cancel', '1'),
});

const attempt = (
  kind: Exclude<Conclusion['kind'], 'grace' | 'observed'>,
  fields: Partial<Attempt> = {},
): Attempt => ({
  leaseId: 'mine',
  facts: [],
  conclusion: { kind },
  sent: false,
  allowCompleted: false,
  proof: { correlation_id: 'c1', status: '200' },
  ...fields,
});

describe('an attempt that knows the result', () => {
  it('a settled cancel keeps an attention that only newer code knows', () => {
    const unseen = 'unheard_of' as string as PaymentRequest['attention'];
    const done = attempt('known', { facts: [deleted], sent: true });
    expect(settled(held({ attention: unseen }), done, afterNoon(31)).attention).toBe(unseen);
  });

  it.each([
    ['by our DELETE', true, 'canceled'],
    ['by another party', false, 'already_canceled'],
  ] as const)('a cancel of a request that was canceled %s closes the record', (_, sent, outcome) => {
    const observations = [read('SUBMITTED'), deleted];
    const record = settled(held(), attempt('known', { facts: observations, sent }), afterNoon(31));
    expect(record).toMatchObject({
      state: 'CANCELED',
      evidence: { source: 'cancel', eventId: deleted.eventId },
      previousState: 'SUBMITTED',
      cancellation: { outcome, cause: 'api' },
      timer: 'removed',
      attempts: 0,
    });
    expect([record.cancellation?.lease, versioned(record).dueAt, record.attention]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(record.history.map((entry) => entry.kind)).toEqual([
      'webhook',
      'cancel_request',
      'read',
      'cancel',
    ]);
  });

  it('a cancel is ours if an earlier attempt sent a DELETE and a later one reads CANCELED', () => {
    const pending = settled(held(), attempt('unknown', { sent: true }), afterNoon(31));
    const again = claimed(pending, command, 'mine-too', afterNoon(32));
    const found = attempt('known', { leaseId: 'mine-too', facts: [read('CANCELED')] });
    expect(settled(again, found, afterNoon(32)).cancellation?.outcome).toBe('canceled');
  });

  it.each(['COMPLETED', 'EXPIRED', 'DECLINED'] as const)(
    'a cancel of a request that Klarna reports as %s is refused, and the history shows the reason',
    (state) => {
      const record = settled(held(), attempt('known', { facts: [read(state)] }), afterNoon(31));
      expect(record).toMatchObject({ state, cancellation: { outcome: 'refused' }, timer: 'removed' });
      expect(versioned(record).dueAt).toBeUndefined();
      expect(record.history.at(-1)).toMatchObject({
        eventId: 'outcome:mine',
        kind: 'cancel_request',
        effect: 'refused',
        state,
        detail: {
          cause: 'api',
          outcome: 'refused',
          conclusion: 'known',
          correlation_id: 'c1',
          status: '200',
        },
      });
    },
  );

  it('a cancel that allows COMPLETED is refused if Klarna refuses it', () => {
    const allowing = held({}, { ...command, allowCompleted: true });
    const refused = attempt('known', { facts: [read('COMPLETED')], sent: true });
    const record = settled(allowing, refused, afterNoon(31));
    expect(record).toMatchObject({
      state: 'COMPLETED',
      cancellation: { outcome: 'refused', sentBefore: true, lease: undefined },
    });
    expect(versioned(record).dueAt).toBeUndefined();
  });

  it.each([
    ['by the timer at its deadline', byTimer, {}, 'fired'],
    ['by the timer exactly at its deadline', byTimer, { deadlineAt: afterNoon(31) }, 'fired'],
    ['by the timer, with a deadline that moved meanwhile', byTimer, { deadlineAt: afterNoon(60) }, 'removed'],
    ['by a caller', command, {}, 'removed'],
    [
      'by a caller, without a registration',
      command,
      { timer: 'none', session: undefined, deadlineAt: undefined },
      'none',
    ],
  ] as const)('a cancel %s leaves the timer %s', (_, by, fields, timer) => {
    const done = attempt('known', { facts: [deleted], sent: true });
    expect(settled(held(fields, by), done, afterNoon(31)).timer).toBe(timer);
  });

  it.each([
    ['klarna_denied', undefined],
    ['unknown_state', undefined],
    ['not_found', undefined],
    ['canceled_after_completed', 'canceled_after_completed'],
    ['contradiction', 'contradiction'],
  ] as const)(
    'a settled cancel clears the attention of failed attempts and keeps any other: %s',
    (attention, left) => {
      const done = attempt('known', { facts: [deleted], sent: true });
      expect(settled(held({ attention }), done, afterNoon(31)).attention).toBe(left);
    },
  );
});

describe('responses without a state', () => {
  const unresolved = emptyResponse(
    { kind: 'cancel', distinction: '1', response: 'unclear', proof: { status: '500', error_id: 'e1' } },
    afterNoon(30.5),
  );
  const limited = emptyResponse(
    { kind: 'read', distinction: '2', response: 'rate_limited', proof: { status: '429' } },
    afterNoon(30.6),
  );

  it('responses without a state are added to the history in order and publish no event', () => {
    const before = held();
    const facts = [read('SUBMITTED'), unresolved, limited, read('CANCELED')];
    const record = settled(before, attempt('known', { facts, sent: true }), afterNoon(31));
    expect(record.history.slice(2).map(({ kind, effect, state }) => [kind, effect, state])).toEqual([
      ['read', 'applied', 'SUBMITTED'],
      ['cancel', 'noted', undefined],
      ['read', 'noted', undefined],
      ['read', 'applied', 'CANCELED'],
    ]);
    expect(record.history[3]?.detail).toEqual({ response: 'unclear', status: '500', error_id: 'e1' });
    expect(eventsOf(versioned(record, before)).map(({ type, detail }) => [type, detail.state])).toEqual([
      ['Payment Request State Changed', 'CANCELED'],
    ]);
  });

  it('responses without a state are added to the history even if the claim was lost', () => {
    const stolen = claimed(held(), command, 'theirs', afterNoon(31));
    const late = attempt('unknown', { facts: [unresolved], sent: true });
    const record = settled(stolen, late, afterNoon(32));
    expect(record).toEqual({
      ...stolen,
      history: [...stolen.history, unresolved],
    });
    expect(settled(record, late, afterNoon(33))).toBe(record);
  });
});

describe('an attempt of the timer that a switch has stopped', () => {
  const observing = (sent: boolean): Attempt => ({
    ...attempt('unknown'),
    facts: [read('SUBMITTED')],
    conclusion: { kind: 'observed', by: 'armed_from' },
    sent,
  });

  it('the session is only observed, and no cancel is left', () => {
    const before = held();
    const record = settled(before, observing(false), afterNoon(31));
    expect(record).toMatchObject({
      state: 'SUBMITTED',
      timer: 'fired',
      session: { onTimeout: 'observe', observedBy: 'armed_from' },
      wouldCancel: { at: afterNoon(31), reason: 'armed_from' },
      attempts: 0,
    });
    expect(record.cancellation).toBeUndefined();
    expect(record.history.slice(-2).map(({ kind, detail }) => [kind, detail['outcome']])).toEqual([
      ['cancel_request', 'would_cancel'],
      ['timer', 'would_cancel'],
    ]);
    expect(versioned(record, before, afterNoon(31)).changes.at(-1)?.kind).toBe('would_cancel');
  });

  it('a DELETE of an earlier attempt is not forgotten', () => {
    const record = settled(held(), observing(true), afterNoon(31));
    expect(record.cancellation).toMatchObject({ outcome: 'refused', sentBefore: true });
    expect(record.cancellation?.lease).toBeUndefined();
  });
});

describe('an attempt that does not know the result', () => {
  it.each<[Exclude<Conclusion['kind'], 'grace' | 'known' | 'observed'>, string, string | undefined]>([
    ['unknown', 'pending', undefined],
    ['denied', 'pending', 'klarna_denied'],
    ['unknown_state', 'pending', 'unknown_state'],
    ['not_found', 'not_found', 'not_found'],
  ])('an attempt that ends as %s leaves the cancel %s for the sweep', (kind, outcome, attention) => {
    const record = settled(held(), attempt(kind), afterNoon(31));
    expect(record).toMatchObject({
      state: 'SUBMITTED',
      timer: 'armed',
      cancellation: { outcome, sentBefore: false },
      attempts: 1,
      retryAt: afterNoon(31),
    });
    expect(versioned(record, undefined, afterNoon(31)).dueAt).toBe(afterNoon(31));
    expect(record.cancellation?.lease).toBeUndefined();
    expect(record.attention).toBe(attention);
    expect(record.history.at(-1)).toMatchObject({ effect: 'noted', detail: { outcome, conclusion: kind } });
    expect(record.history.at(-1)?.attention).toBe(attention);
  });

  it.each(['denied', 'unknown_state', 'not_found'] as const)(
    'another attempt that ends as %s keeps the attention and does not ask for it again',
    (kind) => {
      const first = settled(held(), attempt(kind), afterNoon(31));
      const { attention } = first;
      const again = settled(held({ attention }), attempt(kind), afterNoon(32));
      expect(again.attention).toBe(attention);
      expect(again.history.at(-1)?.attention).toBeUndefined();
    },
  );

  it('an attempt that fails for another reason asks for attention again', () => {
    const again = settled(held({ attention: 'not_found' }), attempt('denied'), afterNoon(32));
    expect(again.history.at(-1)?.attention).toBe('klarna_denied');
  });

  it.each(['paid_twice', 'canceled_after_completed', 'contradiction'] as const)(
    'an obstacle does not hide that a person must look at %s',
    (attention) => {
      const failed = settled(held({ attention }), attempt('denied'), afterNoon(32));
      expect([failed.attention, failed.history.at(-1)?.attention]).toEqual([attention, undefined]);
    },
  );

  it('a pending cancel remembers that a DELETE was sent', () => {
    const record = settled(held(), attempt('unknown', { sent: true }), afterNoon(31));
    expect(record.cancellation?.sentBefore).toBe(true);
  });

  it('a DELETE without evidence never makes a record CANCELED', () => {
    const observations = [read('SUBMITTED')];
    const record = settled(held(), attempt('unknown', { sent: true, facts: observations }), afterNoon(31));
    expect(record.state).toBe('SUBMITTED');
  });

  it.each(['CANCELED', 'EXPIRED', 'COMPLETED'] as const)(
    'an attempt without a result is settled by a webhook that arrived meanwhile: %s',
    (state) => {
      const { record } = applyObservation(held(), observed(state, '2026-03-01T12:30:01Z'));
      const done = settled(record, attempt('unknown', { sent: true }), afterNoon(31));
      expect(done.cancellation?.outcome).toBe(state === 'CANCELED' ? 'canceled' : 'refused');
      expect(versioned(done).dueAt).toBeUndefined();
    },
  );
});

describe('a request that Klarna does not find', () => {
  it('a 404 makes a request EXPIRED from its Klarna expiry on', () => {
    const proof = { correlation_id: 'c1', status: '404' };
    const record = settled(held(), attempt('not_found', { proof }), afterNoon(180));
    expect(record).toMatchObject({
      state: 'EXPIRED',
      occurredAt: afterNoon(180),
      evidence: { source: 'not_found', eventId: 'not_found:mine' },
      cancellation: { outcome: 'refused' },
    });
    expect([record.attention, versioned(record).dueAt]).toEqual([undefined, undefined]);
    expect(record.history.at(-2)).toMatchObject({ kind: 'not_found', effect: 'applied', detail: proof });
  });

  it('a 404 does not change the state before the Klarna expiry', () => {
    const record = settled(held(), attempt('not_found'), afterNoon(179));
    expect(record).toMatchObject({ state: 'SUBMITTED', cancellation: { outcome: 'not_found' } });
  });

  it.each(['unknown', 'denied', 'unknown_state'] as const)(
    'a response that is %s does not make a request EXPIRED after its Klarna expiry',
    (kind) => {
      expect(settled(held(), attempt(kind), afterNoon(181)).state).toBe('SUBMITTED');
    },
  );

  it('a 404 makes a request without a known Klarna expiry EXPIRED after 48 hours', () => {
    const unknown = claimed(recordWith(), command, 'mine', afterNoon(0));
    const twoDays = 48 * 60;
    expect(settled(unknown, attempt('not_found'), afterNoon(twoDays - 1)).state).toBeUndefined();
    expect(settled(unknown, attempt('not_found'), afterNoon(twoDays)).state).toBe('EXPIRED');
  });

  it('a 404 does not change a paid request', () => {
    const { record } = applyObservation(held(), observed('COMPLETED', '2026-03-01T12:30:01Z'));
    expect(settled(record, attempt('not_found'), afterNoon(500))).toMatchObject({
      state: 'COMPLETED',
      cancellation: { outcome: 'refused' },
    });
  });
});

describe('a customer who is paying at the deadline', () => {
  const grace = (millis: number): Attempt => ({
    ...attempt('known', { facts: [read('IN_PROGRESS')] }),
    conclusion: { kind: 'grace', millis },
  });

  it.each([
    ['in this attempt', { sent: true }, {}],
    ['in an earlier attempt', {}, { sentBefore: true }],
  ] as const)('grace keeps the cause of a DELETE that was sent %s', (_, sent, before) => {
    const claim = held({}, byTimer);
    const cancellation = claim.cancellation && { ...claim.cancellation, ...before };
    const record = settled({ ...claim, cancellation }, { ...grace(5 * minute), ...sent }, afterNoon(31));
    expect(record).toMatchObject({
      deadlineAt: afterNoon(36),
      cancellation: { outcome: 'refused', cause: 'timeout', sentBefore: true, lease: undefined },
    });
    const paid = applyObservation(record, observed('COMPLETED', '2026-03-01T12:33:00Z')).record;
    const late = observed('CANCELED', '2026-03-01T12:34:00Z', { eventId: ownEventId('late', '1') });
    const end = applyObservation(paid, late).record;
    expect(end).toMatchObject({ state: 'CANCELED', attention: 'canceled_after_completed' });
  });

  it('an attempt that has lost its claim is remembered as having sent its DELETE', () => {
    const others = claimed(held(), command, 'theirs', afterNoon(31));
    const cancellation = others.cancellation && { ...others.cancellation, sentBefore: false };
    const late = settled({ ...others, cancellation }, attempt('unknown', { sent: true }), afterNoon(31.1));
    expect(late.cancellation).toMatchObject({
      outcome: 'claimed',
      sentBefore: true,
      lease: { id: 'theirs' },
    });
  });

  it('grace releases the claim and moves the deadline, whose timer is armed at once', () => {
    const record = settled(held({}, byTimer), grace(5 * minute), afterNoon(31));
    expect(record).toMatchObject({
      state: 'IN_PROGRESS',
      deadlineAt: afterNoon(36),
      timer: 'armed',
      session: { ...session, graceGivenAt: afterNoon(31) },
    });
    expect(versioned(record, undefined, afterNoon(31)).dueAt).toBe(afterNoon(37));
    expect(record.cancellation).toBeUndefined();
    expect(record.history.at(-1)).toMatchObject({
      effect: 'noted',
      detail: { outcome: 'in_progress_grace' },
    });
  });

  it("grace never extends a session past Klarna's expiry", () => {
    const record = settled(
      held({ klarnaExpiresAt: afterNoon(33) }, byTimer),
      grace(5 * minute),
      afterNoon(31),
    );
    expect(record.deadlineAt).toBe(afterNoon(33));
  });

  it('a request without a session gets no grace, and its cancel stays pending', () => {
    const record = settled(claimed(recordWith(), command, 'mine', noon), grace(5 * minute), afterNoon(31));
    expect(record).toMatchObject({
      state: 'IN_PROGRESS',
      cancellation: { outcome: 'pending' },
      attempts: 1,
    });
    expect([record.attention, record.deadlineAt]).toEqual([undefined, undefined]);
  });

  it('a request that is paid meanwhile gets no grace and is spared', () => {
    const { record } = applyObservation(held({}, byTimer), observed('COMPLETED', '2026-03-01T12:30:03Z'));
    const done = settled(record, grace(5 * minute), afterNoon(31));
    expect(done).toMatchObject({
      state: 'COMPLETED',
      cancellation: { outcome: 'refused' },
      deadlineAt: afterNoon(30),
    });
  });
});

describe('an attempt that has lost its claim', () => {
  const stolen = () => claimed(held(), command, 'theirs', afterNoon(31));

  it('an attempt that lost its claim records what Klarna said and leaves the claim as it is', () => {
    const before = stolen();
    const done = attempt('known', { facts: [read('SUBMITTED'), deleted], sent: true });
    const after = settled(before, done, afterNoon(32));
    expect(after).toMatchObject({
      state: 'CANCELED',
      cancellation: before.cancellation,
      timer: 'armed',
    });
    expect(versioned(after, before, afterNoon(31)).dueAt).toBe(afterNoon(31.5));
  });

  it('an attempt that lost its claim to a grace period settles nothing', () => {
    const graced = settled(
      claimed(held({}, byTimer), byTimer, 'theirs', afterNoon(31)),
      {
        ...attempt('unknown', { leaseId: 'theirs' }),
        conclusion: { kind: 'grace', millis: 5 * minute },
      },
      afterNoon(31),
    );
    // The attempt that has lost the claim may have sent a DELETE.
    expect(graced.cancellation).toMatchObject({ outcome: 'refused', sentBefore: true });
    expect(settled(graced, attempt('unknown'), afterNoon(32))).toBe(graced);
  });

  it('an attempt that lost its claim and learned nothing writes nothing', () => {
    const before = stolen();
    expect(settled(before, attempt('unknown'), afterNoon(32))).toBe(before);
    expect(settled(before, attempt('denied'), afterNoon(32))).toBe(before);
  });

  it('an attempt that lost its claim and only knows recorded facts writes nothing', () => {
    const done = attempt('known', { facts: [deleted], sent: true });
    const once = settled(stolen(), done, afterNoon(32));
    expect(settled(once, done, afterNoon(33))).toBe(once);
  });
});

describe('an approval while a DELETE is in flight', () => {
  it('a DELETE that takes effect after an approval sets attention, and another caller has to wait for it', () => {
    const approval = observed('COMPLETED', '2026-03-01T12:30:01Z');
    const { record: paid } = applyObservation(held(), approval);
    const response = outcomeFromRecord(paid, command, afterNoon(30.1));
    expect(response).toEqual({ kind: 'claimed' });
    const told =
      response &&
      withRefusedCommand(
        paid,
        command,
        { outcome: response, eventId: ownEventId('response', '2') },
        afterNoon(30.1),
      );
    const done = attempt('known', { facts: [read('SUBMITTED'), deleted], sent: true });
    const record = told && settled(told, done, afterNoon(30.2));
    expect(record).toMatchObject({
      state: 'CANCELED',
      previousState: 'COMPLETED',
      attention: 'canceled_after_completed',
      cancellation: { outcome: 'canceled' },
    });
  });

  it('a DELETE that takes effect after an approval sets no attention if the caller allowed it', () => {
    const allowing = { ...command, allowCompleted: true };
    const { record: paid } = applyObservation(
      held({}, allowing),
      observed('COMPLETED', '2026-03-01T12:30:01Z'),
    );
    const done = attempt('known', { facts: [deleted], sent: true, allowCompleted: true });
    expect(settled(paid, done, afterNoon(31))).toMatchObject({
      state: 'CANCELED',
      cancellation: { outcome: 'canceled' },
    });
    expect(settled(paid, done, afterNoon(31)).attention).toBeUndefined();
  });

  it('a DELETE without leave sets attention, although another attempt with leave holds the claim by now', () => {
    const allowing = { ...command, allowCompleted: true };
    const { record: paid } = applyObservation(
      held({}, allowing),
      observed('COMPLETED', '2026-03-01T12:30:01Z'),
    );
    const late = attempt('known', { leaseId: 'lost', facts: [deleted], sent: true });
    const after = settled(paid, late, afterNoon(31));
    expect(after.attention).toBe('canceled_after_completed');
    expect(after.cancellation).toMatchObject({ allowCompleted: true, sentWithoutLeave: true });
  });
});

describe('a DELETE without leave, and a later command that allows COMPLETED', () => {
  const allowing = { ...command, allowCompleted: true };
  const leave = { leaseId: 'theirs', allowCompleted: true } as const;
  const paid = observed('COMPLETED', '2026-03-01T12:30:01Z');
  const byWebhook = observed('CANCELED', '2026-03-01T12:31:02Z');
  /** The first command may have sent its DELETE, and the customer has approved since. */
  const taken = (): PaymentRequest => {
    const { record } = applyObservation(held(), paid);
    return claimed(record, allowing, 'theirs', afterNoon(31));
  };

  it('a claim notes that an earlier DELETE had no leave', () => {
    expect(taken().cancellation).toMatchObject({
      allowCompleted: true,
      sentBefore: true,
      sentWithoutLeave: true,
    });
    const again = claimed(taken(), allowing, 'again', afterNoon(32));
    expect(again.cancellation).toMatchObject({ sentBefore: true, sentWithoutLeave: true });
  });

  it.each<[string, PaymentRequest]>([
    ['no earlier command', held({}, allowing)],
    ['an earlier command with leave', claimed(held({}, allowing), allowing, 'theirs', afterNoon(31))],
    [
      'an earlier command that sent nothing',
      claimed(settled(held(), attempt('denied'), afterNoon(30)), allowing, 'theirs', afterNoon(31)),
    ],
  ])('a claim that allows COMPLETED notes no DELETE without leave after %s', (_, record) => {
    expect(record.cancellation).not.toHaveProperty('sentWithoutLeave');
  });

  it.each([
    ['a webhook', byWebhook],
    ['a read', read('CANCELED')],
  ])(
    'the end sets attention if %s tells it, because the DELETE without leave may have caused it',
    (_, end) => {
      expect(applyObservation(taken(), end).record.attention).toBe('canceled_after_completed');
    },
  );

  it('the response to the DELETE with leave sets no attention, and the cancel is ours', () => {
    const done = attempt('known', { ...leave, facts: [deleted], sent: true });
    const record = settled(taken(), done, afterNoon(32));
    expect(record).toMatchObject({ state: 'CANCELED', cancellation: { outcome: 'canceled' } });
    expect(record.attention).toBeUndefined();
  });

  it('an attempt without leave that lost its claim is remembered as having sent its DELETE', () => {
    const other = { ...taken(), cancellation: held({}, allowing).cancellation };
    const late = settled(other, attempt('unknown', { leaseId: 'lost', sent: true }), afterNoon(32));
    expect(late.cancellation).toEqual({ ...other.cancellation, sentBefore: true, sentWithoutLeave: true });
    expect(settled(late, attempt('unknown', { leaseId: 'lost', sent: true }), afterNoon(33))).toBe(late);
    const withLeave = attempt('unknown', { leaseId: 'lost', sent: true, allowCompleted: true });
    expect(settled(other, withLeave, afterNoon(32)).cancellation).toEqual({
      ...other.cancellation,
      sentBefore: true,
    });
    expect(settled(late, withLeave, afterNoon(33))).toBe(late);
  });
});

describe('attempts beyond the most', () => {
  const tried = (fields: Partial<PaymentRequest> = {}) => ({ ...held(fields), attempts: 30 });

  it('a cancel whose end is not known goes on once an hour', () => {
    const record = settled(tried(), attempt('unknown'), afterNoon(31));
    expect(record).toMatchObject({ attempts: 31, retryAt: afterNoon(91) });
  });

  it("a request without a session that Klarna does not know waits for Klarna's end of it", () => {
    const { session: _, ...unregistered } = tried({ deadlineAt: undefined, timer: 'none' });
    const record = settled(unregistered, attempt('not_found'), afterNoon(31));
    expect(record).toMatchObject({ attempts: 0, retryAt: afterNoon(181), attention: 'not_found' });
    expect(versioned(record, unregistered, afterNoon(31)).dueAt).toBe(afterNoon(181));
  });

  it('a session past its deadline that Klarna does not know is tried once an hour', () => {
    const record = settled(tried(), attempt('not_found'), afterNoon(31));
    expect(record).toMatchObject({ attempts: 31, retryAt: afterNoon(91), attention: 'not_found' });
  });
});

it('settling an attempt twice has no further effect', () => {
  const done = attempt('known', { facts: [deleted], sent: true });
  const once = settled(held(), done, afterNoon(31));
  expect(settled(once, done, afterNoon(32))).toBe(once);
});

it('a claim that is never settled is free again when its lease ends', () => {
  const record = claimed(recordWith(), command, 'mine', noon);
  expect(outcomeFromRecord(record, command, afterNoon(0.49))).toEqual({ kind: 'claimed' });
  expect(outcomeFromRecord(record, command, afterNoon(0.5))).toBeUndefined();
});
