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
import type { HistoryEntry } from '../../functions/domain/history-entry.ts';
import type { Cancellation, PaymentRequest } from '../../functions/domain/payment-request.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import { noon, recordWith, versioned } from '../support/fixtures.ts';
import { afterNoon, cancellationWith, registered, session, settledWith } from '../support/sessions.ts';

const command: CancelCommand = {
  cause: 'api',
  reason: 'the customer left',
  requestedBy: 'arn:aws:iam::000000000000:user/test',
  allowCompleted: false,
};
const eventId = ownEventId('response', '1');

describe('outcomeFromRecord', () => {
  type Row = readonly [PaymentRequestState | undefined, RecordOutcome | undefined, RecordOutcome | undefined];

  it.each<Row>([
    [undefined, undefined, undefined],
    ['SUBMITTED', undefined, undefined],
    ['IN_PROGRESS', undefined, undefined],
    ['COMPLETED', { kind: 'already_final', state: 'COMPLETED' }, undefined],
    ['CANCELED', { kind: 'already_canceled' }, { kind: 'already_canceled' }],
    ['EXPIRED', { kind: 'already_final', state: 'EXPIRED' }, { kind: 'already_final', state: 'EXPIRED' }],
    ['DECLINED', { kind: 'already_final', state: 'DECLINED' }, { kind: 'already_final', state: 'DECLINED' }],
  ])(
    'a record with the state %s decides a cancel without Klarna only if the state forbids it',
    (state, plain, allowingCompleted) => {
      const claim = cancellationWith();
      const allowing = { ...command, allowCompleted: true };
      expect(outcomeFromRecord(recordWith({ state }), command, noon)).toEqual(plain);
      expect(outcomeFromRecord(recordWith({ state }), allowing, noon)).toEqual(allowingCompleted);
      // The DELETE of a live claim may still cancel a paid request. It changes no other outcome.
      expect(outcomeFromRecord(recordWith({ state, cancellation: claim }), command, noon)).toEqual(
        state === 'COMPLETED' ? { kind: 'claimed' } : (plain ?? { kind: 'claimed' }),
      );
      expect(outcomeFromRecord(recordWith({ state, cancellation: claim }), allowing, noon)).toEqual(
        allowingCompleted ?? { kind: 'claimed' },
      );
      if (state)
        expect([isClosedTo(command, state), isClosedTo(allowing, state)]).toEqual([
          !!plain,
          !!allowingCompleted,
        ]);
    },
  );

  it('without a record, a cancel is not decided', () => {
    expect(outcomeFromRecord(undefined, command, noon)).toBeUndefined();
  });

  it.each<[string, Partial<PaymentRequest>, RecordOutcome | undefined]>([
    ['before the deadline', { deadlineAt: afterNoon(31) }, { kind: 'not_over' }],
    ['at the deadline', { deadlineAt: afterNoon(30) }, undefined],
    ['without a deadline', { deadlineAt: undefined }, undefined],
    ['without a session', { session: undefined }, undefined],
    [
      'with a session that is only observed',
      { session: { ...session, onTimeout: 'observe' } },
      { kind: 'not_over' },
    ],
  ])('a record decides a cancel by the timer %s', (_, fields, response) => {
    const byTimer = { ...command, cause: 'timeout' } as const;
    expect(outcomeFromRecord(registered(fields), byTimer, afterNoon(30))).toEqual(response);
    expect(outcomeFromRecord(registered(fields), command, afterNoon(30))).toBeUndefined();
  });

  it('a claim no longer decides a cancel once its lease has ended', () => {
    const record = recordWith({
      cancellation: cancellationWith({ lease: { id: 'l', until: afterNoon(1) } }),
    });
    expect(outcomeFromRecord(record, command, plusMillis(afterNoon(1), -1))).toEqual({ kind: 'claimed' });
    expect(outcomeFromRecord(record, command, afterNoon(1))).toBeUndefined();
  });

  it.each(['pending', 'not_found', 'refused'] as const)(
    'an earlier cancel that is %s does not decide a later one',
    (outcome) => {
      const cancellation = settledWith({ outcome });
      expect(outcomeFromRecord(recordWith({ cancellation }), command, noon)).toBeUndefined();
    },
  );
});

describe('claimed', () => {
  it('a new command starts its own attempts, and a continued one counts on', () => {
    const record = registered({ state: 'SUBMITTED', attempts: 4 });
    const carriedOn = { by: 'lapse:sweep', requestedAt: noon };
    expect(claimed(record, command, 'lease-1', afterNoon(1)).attempts).toBe(0);
    expect(claimed(record, { ...command, carriedOn }, 'lease-1', afterNoon(1)).attempts).toBe(4);
    expect(claimed(record, { ...command, cause: 'timeout' }, 'lease-1', afterNoon(1)).attempts).toBe(4);
  });

  it('a claim names the caller and the reason, blocks other callers, and is due for the sweep when it ends', () => {
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
    });
    expect(versioned(record).dueAt).toBe(until);
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

  it('a claim without a reason records none', () => {
    const { reason: _, ...unreasoned } = command;
    expect(claimed(recordWith(), unreasoned, 'lease-9', noon).history[0]?.detail).toStrictEqual({
      cause: 'api',
      requested_by: command.requestedBy,
    });
  });

  it('a claim records that the caller allows COMPLETED', () => {
    const record = claimed(recordWith(), { ...command, allowCompleted: true }, 'lease-9', noon);
    expect(record.cancellation?.allowCompleted).toBe(true);
    expect(record.history[0]?.detail).toMatchObject({ allow_completed: 'true' });
  });

  it.each<[string, Cancellation | undefined, boolean]>([
    ['no cancel', undefined, false],
    ['a claim that ran out and may have sent a DELETE', cancellationWith(), true],
    ['a pending attempt that sent nothing', settledWith({ outcome: 'pending' }), false],
    [
      'a pending attempt whose DELETE got no response',
      settledWith({ outcome: 'pending', sentBefore: true }),
      true,
    ],
    ['a not_found attempt that sent a DELETE', settledWith({ outcome: 'not_found', sentBefore: true }), true],
    ['a refused attempt', settledWith({ outcome: 'refused' }), false],
  ])('a claim knows whether a DELETE was sent before, after %s', (_, cancellation, sentBefore) => {
    const record = claimed(recordWith({ cancellation }), command, 'lease-9', afterNoon(1));
    expect(record.cancellation?.sentBefore).toBe(sentBefore);
  });
});

describe('a claim that continues an earlier cancel', () => {
  const pending = settledWith({
    outcome: 'pending',
    cause: 'timeout',
    reason: 'the customer left',
    requestedBy: 'first caller',
    allowCompleted: true,
    sentBefore: true,
  });

  it('a claim that continues a cancel keeps its caller, reason and time, and names who continues it', () => {
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
          requested_by: 'first caller',
          carried_on_by: 'lapse:sweep',
          reason: 'the customer left',
          allow_completed: 'true',
        },
      },
    ]);
  });
});

describe('a command that continues a cancel', () => {
  const pending = settledWith({ outcome: 'pending', sentBefore: true });
  const continuing = carryOn(pending, 'lapse:sweep');

  it.each([
    ['still pending', pending, undefined],
    ['settled', settledWith({ outcome: 'refused' }), { kind: 'replaced' }],
    ['of another caller by now', { ...pending, requestedAt: afterNoon(5) }, { kind: 'replaced' }],
  ] as const)('a cancel that is %s', (_, cancellation, outcome) => {
    expect(outcomeFromRecord(recordWith({ cancellation }), continuing, afterNoon(6))).toEqual(outcome);
  });

  it('a replaced command changes nothing', () => {
    const record = recordWith({ cancellation: settledWith({ outcome: 'refused' }) });
    const refusal = { outcome: { kind: 'replaced' }, eventId } as const;
    expect(withRefusedCommand(record, continuing, refusal, noon)).toBe(record);
  });
});

describe('withRefusedCommand', () => {
  const responded = (record: PaymentRequest, now = afterNoon(2)) => {
    const response = outcomeFromRecord(record, command, now);
    if (!response) throw new Error('the record does not decide the cancel');
    return withRefusedCommand(record, command, { outcome: response, eventId }, now);
  };

  it.each([
    ['CANCELED', 'noted', 'already_canceled'],
    ['COMPLETED', 'refused', 'refused'],
    ['EXPIRED', 'refused', 'refused'],
    ['DECLINED', 'refused', 'refused'],
  ] as const)(
    'a cancel of a request that is %s is recorded as %s with the outcome %s',
    (state, effect, outcome) => {
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
        attempts: 0,
      });
      expect(versioned(record).dueAt).toBeUndefined();
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
    },
  );

  it('a cancel of a canceled request keeps the name of the first caller', () => {
    const first = settledWith({ outcome: 'canceled', requestedBy: 'another caller' });
    expect(responded(registered({ state: 'CANCELED', cancellation: first })).cancellation).toEqual(first);
  });

  it.each([
    ['CANCELED', 'canceled'],
    ['EXPIRED', 'refused'],
  ] as const)('a cancel of a %s request settles an abandoned cancel as %s', (state, outcome) => {
    for (const cancellation of [
      cancellationWith({ requestedBy: 'gone' }),
      settledWith({ outcome: 'pending', requestedBy: 'gone' }),
    ]) {
      const record = responded(registered({ state, cancellation }));
      expect(record.cancellation).toMatchObject({ outcome, requestedBy: 'gone' });
      expect(record.cancellation?.lease).toBeUndefined();
      expect(versioned(record).dueAt).toBeUndefined();
    }
  });

  it('a cancel of a paid request settles a pending cancel that sent no DELETE', () => {
    const record = responded(
      registered({ state: 'COMPLETED', cancellation: settledWith({ outcome: 'pending' }) }),
    );
    expect(record).toMatchObject({ cancellation: { outcome: 'refused' } });
    expect(versioned(record).dueAt).toBeUndefined();
  });

  it.each([
    ['was claimed', cancellationWith()],
    ['is pending after a DELETE', settledWith({ outcome: 'pending', sentBefore: true })],
  ])('a record does not decide a cancel of a paid request if an earlier cancel %s', (_, cancellation) => {
    const record = registered({ state: 'COMPLETED', cancellation });
    expect(outcomeFromRecord(record, command, afterNoon(2))).toBeUndefined();
  });

  it.each(['CANCELED', 'COMPLETED'] as const)(
    "a cancel of a %s request leaves another caller's live claim as it is",
    (state) => {
      const held = registered({ state, cancellation: cancellationWith(), attempts: 2 });
      const record = responded(held, afterNoon(0.25));
      expect(record.cancellation).toEqual(held.cancellation);
      expect(versioned(record, held, afterNoon(0.25)).dueAt).toBe(afterNoon(0.5));
      expect(record.history).toHaveLength(1);
      expect(record.attempts).toBe(2);
    },
  );

  const asks = (by: CancelCommand, outcome: string) => ({
    eventId,
    kind: 'cancel_request',
    recordedAt: noon,
    effect: 'noted',
    detail: { cause: by.cause, requested_by: by.requestedBy, reason: by.reason, outcome },
  });

  it("a cancel during another caller's claim is noted and changes nothing else", () => {
    const record = registered({ cancellation: cancellationWith() });
    expect(responded(record, noon)).toEqual({
      ...record,
      history: [asks(command, 'pending')],
    });
  });

  it('a cancel during a claim is noted once per caller, and again for the next claim', () => {
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
      'another outcome for the same caller',
      { detail: { requested_by: command.requestedBy, outcome: 'not_over' } },
    ],
    [
      'a registration',
      { kind: 'register', effect: 'accepted', detail: { requested_by: command.requestedBy } },
    ],
  ])('a cancel during a claim is noted after %s', (_, fields) => {
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

  it('a cancel during a claim is noted once even if a registration follows', () => {
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

  it('a timer before the deadline is noted and changes nothing else', () => {
    const record = registered({ deadlineAt: afterNoon(60) });
    const byTimer = { ...command, cause: 'timeout' } as const;
    expect(withRefusedCommand(record, byTimer, { outcome: { kind: 'not_over' }, eventId }, noon)).toEqual({
      ...record,
      history: [asks(byTimer, 'not_over')],
    });
  });

  it('a timer before the deadline is noted even if it found a claim before', () => {
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
  ] as const)(
    'a session cancel that spares a request which is %s notes %s and changes nothing else',
    (state, outcome) => {
      const record = registered({ state, cancellation: settledWith({ outcome: 'pending' }) });
      expect(withSparedMember(record, command, eventId, noon)).toEqual({
        ...record,
        history: [{ ...asks(command, outcome), state }],
      });
    },
  );

  it('a cancel of a request with a contradiction leaves the record due', () => {
    const question = { about: 'contradiction', eventId: ownEventId('event', '1') } as const;
    const record = responded(registered({ state: 'CANCELED', attention: 'contradiction', question }));
    expect(record).toMatchObject({ attention: 'contradiction', question });
    expect(versioned(record, undefined, afterNoon(2)).dueAt).toBe(afterNoon(2));
  });
});
