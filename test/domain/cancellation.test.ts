import { describe, expect, it } from 'vitest';
import {
  outcomeFromRecord,
  type CancelCommand,
  carryOn,
  claimed,
  isClosedTo,
  leaseLength,
  type RecordOutcome,
  withRefusedCommand,
  withSparedMember,
} from '../../functions/domain/cancellation.ts';
import { ownEventId } from '../../functions/domain/identifiers.ts';
import { plusMillis } from '../../functions/domain/instant.ts';
import type { Cancellation, HistoryEntry, PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { noon, recordWith } from '../support/fixtures.ts';
import { afterNoon, cancellationWith, registered, session, settledWith } from '../support/sessions.ts';

const command: CancelCommand = {
  cause: 'api',
  reason: 'the customer left',
  requestedBy: 'arn:aws:iam::000000000000:user/test',
  allowCompleted: false,
};
const eventId = ownEventId('response', '1');

describe('what a record alone can answer to a cancel', () => {
  type Row = readonly [PaymentRequestState | undefined, RecordOutcome | undefined, RecordOutcome | undefined];

  it.each<Row>([
    [undefined, undefined, undefined],
    ['SUBMITTED', undefined, undefined],
    ['IN_PROGRESS', undefined, undefined],
    ['COMPLETED', { kind: 'already_final', state: 'COMPLETED' }, undefined],
    ['CANCELED', { kind: 'already_canceled' }, { kind: 'already_canceled' }],
    ['EXPIRED', { kind: 'already_final', state: 'EXPIRED' }, { kind: 'already_final', state: 'EXPIRED' }],
    ['DECLINED', { kind: 'already_final', state: 'DECLINED' }, { kind: 'already_final', state: 'DECLINED' }],
  ])('%s', (state, plain, allowingCompleted) => {
    const claim = cancellationWith();
    const allowing = { ...command, allowCompleted: true };
    expect(outcomeFromRecord(recordWith({ state }), command, noon)).toEqual(plain);
    expect(outcomeFromRecord(recordWith({ state }), allowing, noon)).toEqual(allowingCompleted);
    // A live claim never hides what is known.
    expect(outcomeFromRecord(recordWith({ state, cancellation: claim }), command, noon)).toEqual(
      plain ?? { kind: 'claimed' },
    );
    expect(outcomeFromRecord(recordWith({ state, cancellation: claim }), allowing, noon)).toEqual(
      allowingCompleted ?? { kind: 'claimed' },
    );
    if (state)
      expect([isClosedTo(command, state), isClosedTo(allowing, state)]).toEqual([
        !!plain,
        !!allowingCompleted,
      ]);
  });

  it('is nothing where there is no record', () => {
    expect(outcomeFromRecord(undefined, command, noon)).toBeUndefined();
  });

  it.each<[string, Partial<PaymentRequest>, RecordOutcome | undefined]>([
    ['before the deadline', { deadlineAt: afterNoon(31) }, { kind: 'not_over' }],
    ['at the deadline', { deadlineAt: afterNoon(30) }, undefined],
    ['where there is no deadline', { deadlineAt: undefined }, undefined],
    ['where there is no session', { session: undefined }, undefined],
    [
      'where it is only to be observed',
      { session: { ...session, onTimeout: 'observe' } },
      { kind: 'not_over' },
    ],
  ])('to a timer %s', (_, fields, response) => {
    const byTimer = { ...command, cause: 'timeout' } as const;
    expect(outcomeFromRecord(registered(fields), byTimer, afterNoon(30))).toEqual(response);
    expect(outcomeFromRecord(registered(fields), command, afterNoon(30))).toBeUndefined();
  });

  it('is nothing from the moment at which a claim runs out', () => {
    const record = recordWith({
      cancellation: cancellationWith({ lease: { id: 'l', until: afterNoon(1) } }),
    });
    expect(outcomeFromRecord(record, command, plusMillis(afterNoon(1), -1))).toEqual({ kind: 'claimed' });
    expect(outcomeFromRecord(record, command, afterNoon(1))).toBeUndefined();
  });

  it.each(['pending', 'not_found', 'refused'] as const)(
    'is nothing where an earlier cancel is %s',
    (outcome) => {
      const cancellation = settledWith({ outcome });
      expect(outcomeFromRecord(recordWith({ cancellation }), command, noon)).toBeUndefined();
    },
  );
});

describe('a claim', () => {
  it('says who wants what and why, holds everybody else off, and lets the sweep take over when it runs out', () => {
    const record = claimed(registered({ state: 'SUBMITTED' }), command, 'lease-9', noon);
    const until = plusMillis(noon, leaseLength);
    expect(record).toMatchObject({
      state: 'SUBMITTED',
      timer: 'armed',
      cancellation: {
        outcome: 'claimed',
        cause: 'api',
        reason: 'the customer left',
        requestedBy: command.requestedBy,
        requestedAt: noon,
        allowCompleted: false,
        sentBefore: false,
        lease: { id: 'lease-9', until },
      },
      reconcileAfter: until,
      version: 2,
    });
    expect(record.history).toEqual([
      {
        eventId: 'claim:lease-9',
        kind: 'cancel_request',
        recordedAt: noon,
        effect: 'accepted',
        detail: { cause: 'api', requested_by: command.requestedBy, reason: 'the customer left' },
      },
    ]);
  });

  it('says nothing of a reason where there is none', () => {
    const { reason: _, ...unreasoned } = command;
    expect(claimed(recordWith(), unreasoned, 'lease-9', noon).history[0]?.detail).toStrictEqual({
      cause: 'api',
      requested_by: command.requestedBy,
    });
  });

  it('says so where the caller allows a paid request to end', () => {
    const record = claimed(recordWith(), { ...command, allowCompleted: true }, 'lease-9', noon);
    expect(record.cancellation?.allowCompleted).toBe(true);
    expect(record.history[0]?.detail).toMatchObject({ allow_completed: 'true' });
  });

  it.each<[string, Cancellation | undefined, boolean]>([
    ['nobody', undefined, false],
    ['somebody whose claim ran out: a DELETE may have gone out', cancellationWith(), true],
    ['an attempt without an answer that sent nothing', settledWith({ outcome: 'pending' }), false],
    [
      'an attempt without an answer to its DELETE',
      settledWith({ outcome: 'pending', sentBefore: true }),
      true,
    ],
    [
      'an attempt that Klarna did not know, after a DELETE',
      settledWith({ outcome: 'not_found', sentBefore: true }),
      true,
    ],
    ['an attempt that was refused', settledWith({ outcome: 'refused' }), false],
  ])('after %s', (_, cancellation, sentBefore) => {
    const record = claimed(recordWith({ cancellation }), command, 'lease-9', afterNoon(1));
    expect(record.cancellation?.sentBefore).toBe(sentBefore);
  });
});

describe('a claim that carries on a cancel that was asked for before', () => {
  const pending = settledWith({
    outcome: 'pending',
    cause: 'timeout',
    reason: 'the customer left',
    requestedBy: 'whoever asked',
    allowCompleted: true,
    sentBefore: true,
  });

  it('leaves who asked, why and when as it is, and says who carries it on', () => {
    const record = claimed(
      registered({ cancellation: pending }),
      carryOn(pending, 'lapse:sweep'),
      'lease-9',
      afterNoon(5),
    );
    expect(record.cancellation).toEqual({
      ...pending,
      outcome: 'claimed',
      lease: { id: 'lease-9', until: plusMillis(afterNoon(5), leaseLength) },
    });
    expect(record.history).toMatchObject([
      {
        effect: 'accepted',
        recordedAt: afterNoon(5),
        detail: {
          cause: 'timeout',
          requested_by: 'whoever asked',
          carried_on_by: 'lapse:sweep',
          reason: 'the customer left',
          allow_completed: 'true',
        },
      },
    ]);
  });
});

describe('a cancel that the record answers', () => {
  const responded = (record: PaymentRequest, now = afterNoon(2)) => {
    const response = outcomeFromRecord(record, command, now);
    if (!response) throw new Error('the record does not answer');
    return withRefusedCommand(record, command, { outcome: response, eventId }, now);
  };

  it.each([
    ['CANCELED', 'noted', 'already_canceled'],
    ['COMPLETED', 'refused', 'refused'],
    ['EXPIRED', 'refused', 'refused'],
    ['DECLINED', 'refused', 'refused'],
  ] as const)('because it is %s is written down: %s, %s', (state, effect, outcome) => {
    const record = responded(registered({ state }));
    expect(record).toMatchObject({
      state,
      cancellation: {
        outcome,
        cause: 'api',
        requestedBy: command.requestedBy,
        requestedAt: afterNoon(2),
        allowCompleted: false,
        sentBefore: false,
      },
      reconcileAfter: undefined,
      attempts: 0,
      version: 2,
    });
    expect(record.cancellation?.lease).toBeUndefined();
    expect(record.history).toEqual([
      {
        eventId,
        kind: 'cancel_request',
        recordedAt: afterNoon(2),
        effect,
        state,
        detail: { cause: 'api', requested_by: command.requestedBy, reason: 'the customer left', outcome },
      },
    ]);
  });

  it('keeps the name of whoever canceled it first', () => {
    const first = settledWith({ outcome: 'canceled', requestedBy: 'somebody else' });
    expect(responded(registered({ state: 'CANCELED', cancellation: first })).cancellation).toEqual(first);
  });

  it.each([
    ['CANCELED', 'canceled'],
    ['EXPIRED', 'refused'],
  ] as const)('settles a cancel whose holder never came back: %s is %s', (state, outcome) => {
    for (const cancellation of [
      cancellationWith({ requestedBy: 'gone' }),
      settledWith({ outcome: 'pending', requestedBy: 'gone' }),
    ]) {
      const record = responded(registered({ state, cancellation }));
      expect(record.cancellation).toMatchObject({ outcome, requestedBy: 'gone' });
      expect(record.cancellation?.lease).toBeUndefined();
      expect(record.reconcileAfter).toBeUndefined();
    }
  });

  it('settles a pending cancel of what was paid, where no DELETE was sent', () => {
    const record = responded(
      registered({ state: 'COMPLETED', cancellation: settledWith({ outcome: 'pending' }) }),
    );
    expect(record).toMatchObject({ cancellation: { outcome: 'refused' }, reconcileAfter: undefined });
  });

  it.each([
    ['was claimed', cancellationWith()],
    ['is pending after a DELETE', settledWith({ outcome: 'pending', sentBefore: true })],
  ])('is none of what was paid where a cancel %s: only Klarna can say what came of it', (_, cancellation) => {
    const record = registered({ state: 'COMPLETED', cancellation });
    expect(outcomeFromRecord(record, command, afterNoon(2))).toBeUndefined();
  });

  it.each(['CANCELED', 'COMPLETED'] as const)(
    'leaves a live claim to its holder, who may have a DELETE on its way: %s',
    (state) => {
      const held = registered({ state, cancellation: cancellationWith(), reconcileAfter: afterNoon(0.5) });
      const record = responded(held, afterNoon(0.25));
      expect(record.cancellation).toEqual(held.cancellation);
      expect(record.reconcileAfter).toBe(afterNoon(0.5));
      expect(record.history).toHaveLength(1);
      expect(record.version).toBe(2);
    },
  );

  const asks = (by: CancelCommand, outcome: string) => ({
    eventId,
    kind: 'cancel_request',
    recordedAt: noon,
    effect: 'noted',
    detail: { cause: by.cause, requested_by: by.requestedBy, reason: by.reason, outcome },
  });

  it('by a live claim is noted, and nothing else changes', () => {
    const record = registered({ cancellation: cancellationWith() });
    expect(responded(record, noon)).toEqual({
      ...record,
      history: [asks(command, 'pending')],
      version: 2,
      updatedAt: noon,
    });
  });

  it('by a live claim is noted once for each who asks, and anew with another claim', () => {
    const by = (requestedBy: string, record: PaymentRequest, id: string) =>
      withRefusedCommand(
        record,
        { ...command, requestedBy },
        { outcome: { kind: 'claimed' }, eventId: ownEventId('response', id) },
        noon,
      );
    const first = by('a', claimed(recordWith(), { ...command, requestedBy: 'a' }, 'lease-1', noon), '1');
    expect(first.history).toHaveLength(2);
    expect(by('a', first, '2')).toBe(first);
    const second = by('b', first, '3');
    expect(second.history).toHaveLength(3);
    expect(by('b', second, '4')).toBe(second);
    const next = by('b', claimed(second, command, 'lease-2', afterNoon(1)), '5');
    expect(next.history).toHaveLength(5);
    expect(by('b', next, '6')).toBe(next);
  });

  it.each<[string, Partial<HistoryEntry>]>([
    [
      'another answer to the same caller',
      { detail: { requested_by: command.requestedBy, outcome: 'not_over' } },
    ],
    [
      'a registration',
      { kind: 'register', effect: 'accepted', detail: { requested_by: command.requestedBy } },
    ],
  ])('by a live claim is noted after %s', (_, fields) => {
    const entry: HistoryEntry = {
      eventId: ownEventId('test', '1'),
      kind: 'cancel_request',
      recordedAt: noon,
      effect: 'noted',
      detail: {},
      ...fields,
    };
    const record = registered({ cancellation: cancellationWith(), history: [entry] });
    expect(responded(record, noon).history).toHaveLength(2);
  });

  it('by a live claim is noted once, whatever is registered meanwhile', () => {
    const asked = responded(registered({ cancellation: cancellationWith() }), noon);
    const register: HistoryEntry = {
      eventId: ownEventId('register', '1'),
      kind: 'register',
      recordedAt: noon,
      effect: 'accepted',
      detail: {},
    };
    const record = { ...asked, history: [...asked.history, register] };
    expect(
      withRefusedCommand(
        record,
        command,
        { outcome: { kind: 'claimed' }, eventId: ownEventId('response', '2') },
        noon,
      ),
    ).toBe(record);
  });

  it('to a timer, since the session is not over, is noted, and nothing else changes', () => {
    const record = registered({ deadlineAt: afterNoon(60) });
    const byTimer = { ...command, cause: 'timeout' } as const;
    expect(withRefusedCommand(record, byTimer, { outcome: { kind: 'not_over' }, eventId }, noon)).toEqual({
      ...record,
      history: [asks(byTimer, 'not_over')],
      version: 2,
      updatedAt: noon,
    });
  });

  it('to a timer is noted also where it was told to wait before', () => {
    const byTimer = { ...command, cause: 'timeout' } as const;
    const by = (record: PaymentRequest, kind: 'claimed' | 'not_over', id: string) =>
      withRefusedCommand(record, byTimer, { outcome: { kind }, eventId: ownEventId('response', id) }, noon);
    const waiting = by(registered({ cancellation: cancellationWith() }), 'claimed', '1');
    expect(by(waiting, 'not_over', '2').history.map(({ detail }) => detail['outcome'])).toEqual([
      'pending',
      'not_over',
    ]);
  });

  it.each([
    ['COMPLETED', 'spared'],
    ['EXPIRED', 'spared'],
    ['CANCELED', 'already_canceled'],
  ] as const)('with its session, and is %s, is noted as %s and stays as it is', (state, outcome) => {
    const record = registered({ state, cancellation: settledWith({ outcome: 'pending' }) });
    expect(withSparedMember(record, command, eventId, noon)).toEqual({
      ...record,
      history: [{ ...asks(command, outcome), state }],
      version: 2,
      updatedAt: noon,
    });
  });

  it('is still due where a contradiction waits for a look', () => {
    const record = responded(registered({ state: 'CANCELED', attention: 'contradiction' }));
    expect(record).toMatchObject({ attention: 'contradiction', reconcileAfter: afterNoon(31) });
  });
});
