import { describe, expect, it } from 'vitest';
import { emptyResponse } from '../../functions/domain/klarna-read.ts';
import { ownEventId } from '../../functions/domain/identifiers.ts';
import type { Observation } from '../../functions/domain/observation.ts';
import { ambiguityOf, withResponse } from '../../functions/domain/ambiguity.ts';
import { type HistoryEntry, type PaymentRequest, withEntry } from '../../functions/domain/payment-request.ts';
import { decideReconciliation, dueAfterRead } from '../../functions/domain/reconciliation.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import { at, observed, recordWith } from '../support/fixtures.ts';
import { afterNoon, cancellationWith, registered, session } from '../support/sessions.ts';

const after = (facts: readonly (Observation | HistoryEntry)[], start: PaymentRequest = recordWith()) =>
  facts.reduce(
    (record, each) => ('source' in each ? applyObservation(record, each).record : withEntry(record, each)),
    start,
  );

const now = afterNoon(5);
const later = '2026-03-01T12:01:00Z';
const read = (state: 'SUBMITTED' | 'CANCELED', occurredAt = later) =>
  observed(state, occurredAt, { source: 'read', eventId: ownEventId('read', occurredAt) });

const tie = [observed('IN_PROGRESS'), observed('SUBMITTED')];
const contradiction = [observed('CANCELED'), observed('EXPIRED', later)];

const emptyRead = emptyResponse(
  { kind: 'read', distinction: '1', response: 'not_found', proof: { status: '404' } },
  at(later),
);

describe('ambiguityOf', () => {
  it.each<[string, readonly (Observation | HistoryEntry)[], 'tie' | 'contradiction' | undefined]>([
    ['nothing', [], undefined],
    ['one webhook', [observed('SUBMITTED')], undefined],
    ['two in order', [observed('SUBMITTED'), observed('IN_PROGRESS', later)], undefined],
    ['two states with the same time', tie, 'tie'],
    ['the same two states in reverse order', tie.toReversed(), 'tie'],
    ['two states with the same time, and a later one', [...tie, observed('IN_PROGRESS', later)], undefined],
    ['two states with the same time, and a payment', [...tie, observed('COMPLETED')], undefined],
    [
      'two states with the same time, and a read with that time',
      [...tie, read('SUBMITTED', '2026-03-01T12:00:00Z')],
      undefined,
    ],
    [
      'a read, and a webhook with the same time',
      [read('SUBMITTED', '2026-03-01T12:00:00Z'), observed('IN_PROGRESS')],
      undefined,
    ],
    [
      'the same state twice',
      [observed('SUBMITTED'), observed('SUBMITTED', undefined, { eventId: ownEventId('x', '1') })],
      undefined,
    ],
    ['two final states', contradiction, 'contradiction'],
    ['a payment after a final state', [observed('CANCELED'), observed('COMPLETED', later)], 'contradiction'],
    [
      'a final state with the time of the payment',
      [observed('COMPLETED'), observed('CANCELED')],
      'contradiction',
    ],
    ['two final states, and a read', [...contradiction, read('CANCELED')], undefined],
    ['two final states, and a read without a state', [...contradiction, emptyRead], 'contradiction'],
    [
      'two final states, the second of which is a Klarna response',
      [observed('EXPIRED'), read('CANCELED')],
      undefined,
    ],
    [
      'two final states, a read, and another final state',
      [...contradiction, read('CANCELED'), observed('DECLINED', later)],
      'contradiction',
    ],
  ])(
    'the history is ambiguous only if webhooks disagree and no read followed: %s',
    (_, observations, about) => {
      expect(ambiguityOf(after(observations))?.about).toBe(about);
    },
  );

  it('an ambiguity makes the record due at once', () => {
    const waiting = registered({ reconcileAfter: afterNoon(31) });
    for (const list of [tie, tie.toReversed()]) {
      const record = after(list, waiting);
      expect(record.reconcileAfter).toBe(record.history.at(-1)?.occurredAt);
      expect(decideReconciliation(record, now)).toBe('ask');
    }
    expect(after(tie, registered({ reconcileAfter: afterNoon(-1) })).reconcileAfter).toBe(afterNoon(-1));
    expect(decideReconciliation(after(contradiction), now)).toBe('ask');
  });

  it('a record without evidence for its state has no ambiguity', () => {
    expect(ambiguityOf({ ...after(tie), evidence: undefined })).toBeUndefined();
  });

  it('a read at the same moment does not settle an ambiguity, because it may have been first', () => {
    const record = after([...contradiction, read('CANCELED')]);
    const together = record.history.map((entry) => ({ ...entry, recordedAt: now }));
    expect(ambiguityOf(record)).toBeUndefined();
    expect(ambiguityOf({ ...record, history: together })?.about).toBe('contradiction');
  });

  it('an ambiguity is not read separately if the session is due to end', () => {
    const record = after(tie, registered());
    expect(decideReconciliation(record, afterNoon(31))).toBe('end');
    expect(decideReconciliation({ ...record, timer: 'sweep' }, afterNoon(31))).toBe('expire');
  });
});

describe('withResponse', () => {
  const record = after(contradiction);
  const question = ambiguityOf(record);
  if (!question) throw new Error('the history has no ambiguity');
  const response = {
    eventId: ownEventId('sweep', '1'),
    detail: { response: 'not_found', status: '404' },
    dueAfter: undefined,
  };

  it('the response to an ambiguity is added to the history and changes neither state nor attention', () => {
    const responded = withResponse(record, question, response, now);
    expect(responded).toMatchObject({
      state: 'CANCELED',
      attention: 'contradiction',
      reconcileAfter: undefined,
      version: record.version + 1,
    });
    expect(responded?.history.at(-1)).toMatchObject({
      kind: 'sweep',
      effect: 'noted',
      detail: {
        looked_into: 'contradiction',
        raised_by: question.eventId,
        response: 'not_found',
        status: '404',
      },
    });
    expect(responded && ambiguityOf(responded)).toBeUndefined();
  });

  it('the response to an ambiguity does not settle a newer one', () => {
    const asked = after([observed('DECLINED', '2026-03-01T12:02:00Z')], record);
    expect(withResponse(asked, question, response, now)).toBeUndefined();
  });
});

describe('dueAfterRead', () => {
  it.each<[string, PaymentRequest, ReturnType<typeof dueAfterRead>]>([
    [
      'as before while a cancel with an unknown result continues, even if the request has ended',
      registered({
        state: 'CANCELED',
        cancellation: cancellationWith({ outcome: 'claimed' }),
        reconcileAfter: afterNoon(43),
      }),
      afterNoon(43),
    ],
    [
      'as before if Klarna does not find the request',
      registered({ attention: 'not_found', reconcileAfter: afterNoon(1) }),
      afterNoon(1),
    ],
    ['with its timer', registered({ state: 'SUBMITTED' }), afterNoon(31)],
    ['with the sweep that is its timer', registered({ timer: 'sweep' }), afterNoon(30)],
    [
      "at once if Klarna's expiry has not followed the deadline",
      registered({
        state: 'SUBMITTED',
        session: { ...session, klarnaExpiry: { askedFor: afterNoon(29), shown: afterNoon(29) } },
      }),
      now,
    ],
    ['at once if the timer is still to be armed', registered({ timer: 'pending' }), now],
    ['at once if the request was never registered', recordWith({ state: 'SUBMITTED' }), now],
    ['at once if there is no deadline, whatever its timer', recordWith({ timer: 'armed' }), now],
    ['never again if the request has ended', registered({ state: 'CANCELED' }), undefined],
  ])('after a read the record is due %s', (_, record, due) => {
    expect(dueAfterRead(record, now)).toBe(due);
  });
});
