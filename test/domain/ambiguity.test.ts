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

describe('a question that webhooks leave open', () => {
  it.each<[string, readonly (Observation | HistoryEntry)[], 'tie' | 'contradiction' | undefined]>([
    ['nothing', [], undefined],
    ['one webhook', [observed('SUBMITTED')], undefined],
    ['two in order', [observed('SUBMITTED'), observed('IN_PROGRESS', later)], undefined],
    ['two states of one time', tie, 'tie'],
    ['the same in the other order', tie.toReversed(), 'tie'],
    ['two states of one time, and a later one', [...tie, observed('IN_PROGRESS', later)], undefined],
    ['two states of one time, and a payment', [...tie, observed('COMPLETED')], undefined],
    [
      'two states of one time, and a read of the same time',
      [...tie, read('SUBMITTED', '2026-03-01T12:00:00Z')],
      undefined,
    ],
    [
      'a read, and a webhook of the same time',
      [read('SUBMITTED', '2026-03-01T12:00:00Z'), observed('IN_PROGRESS')],
      undefined,
    ],
    [
      'one state told twice',
      [observed('SUBMITTED'), observed('SUBMITTED', undefined, { eventId: ownEventId('x', '1') })],
      undefined,
    ],
    ['two ends', contradiction, 'contradiction'],
    ['a payment after the end', [observed('CANCELED'), observed('COMPLETED', later)], 'contradiction'],
    ['the end of what was paid at that time', [observed('COMPLETED'), observed('CANCELED')], 'contradiction'],
    ['two ends, and a read', [...contradiction, read('CANCELED')], undefined],
    ['two ends, and a read that says nothing', [...contradiction, emptyRead], 'contradiction'],
    [
      'two ends, of which Klarna itself answered the second',
      [observed('EXPIRED'), read('CANCELED')],
      undefined,
    ],
    [
      'two ends, a read, and another end',
      [...contradiction, read('CANCELED'), observed('DECLINED', later)],
      'contradiction',
    ],
  ])('after %s', (_, observations, about) => {
    expect(ambiguityOf(after(observations))?.about).toBe(about);
  });

  it('makes the record due at once, whatever it waits for', () => {
    const waiting = registered({ reconcileAfter: afterNoon(31) });
    for (const list of [tie, tie.toReversed()]) {
      const record = after(list, waiting);
      expect(record.reconcileAfter).toBe(record.history.at(-1)?.occurredAt);
      expect(decideReconciliation(record, now)).toBe('ask');
    }
    expect(after(tie, registered({ reconcileAfter: afterNoon(-1) })).reconcileAfter).toBe(afterNoon(-1));
    expect(decideReconciliation(after(contradiction), now)).toBe('ask');
  });

  it('is none where nothing has given the record its state', () => {
    expect(ambiguityOf({ ...after(tie), evidence: undefined })).toBeUndefined();
  });

  it('is not answered by a read of the same moment, which may have come first', () => {
    const record = after([...contradiction, read('CANCELED')]);
    const together = record.history.map((entry) => ({ ...entry, recordedAt: now }));
    expect(ambiguityOf(record)).toBeUndefined();
    expect(ambiguityOf({ ...record, history: together })?.about).toBe('contradiction');
  });

  it('is left to the end of the session where that has come', () => {
    const record = after(tie, registered());
    expect(decideReconciliation(record, afterNoon(31))).toBe('end');
    expect(decideReconciliation({ ...record, timer: 'sweep' }, afterNoon(31))).toBe('expire');
  });
});

describe('the answer', () => {
  const record = after(contradiction);
  const question = ambiguityOf(record);
  if (!question) throw new Error('there is no question');
  const response = {
    eventId: ownEventId('sweep', '1'),
    detail: { response: 'not_found', status: '404' },
    dueAfter: undefined,
  };

  it('is an entry of the history; the state and the attention stay', () => {
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

  it('is none to a question that was raised meanwhile', () => {
    const asked = after([observed('DECLINED', '2026-03-01T12:02:00Z')], record);
    expect(withResponse(asked, question, response, now)).toBeUndefined();
  });
});

describe('after a look the record is due', () => {
  it.each<[string, PaymentRequest, ReturnType<typeof dueAfterRead>]>([
    [
      'as it was while a cancel of which the end is not known goes on, though the request has ended',
      registered({
        state: 'CANCELED',
        cancellation: cancellationWith({ outcome: 'claimed' }),
        reconcileAfter: afterNoon(43),
      }),
      afterNoon(43),
    ],
    [
      'as it was where Klarna does not know it',
      registered({ attention: 'not_found', reconcileAfter: afterNoon(1) }),
      afterNoon(1),
    ],
    ['with its timer', registered({ state: 'SUBMITTED' }), afterNoon(31)],
    ['with the sweep that is its timer', registered({ timer: 'sweep' }), afterNoon(30)],
    [
      "at once, where Klarna's own expiry has not followed the deadline",
      registered({
        state: 'SUBMITTED',
        session: { ...session, klarnaExpiry: { askedFor: afterNoon(29), shown: afterNoon(29) } },
      }),
      now,
    ],
    ['at once, where the timer is still to be armed', registered({ timer: 'pending' }), now],
    ['at once, where nobody has registered it', recordWith({ state: 'SUBMITTED' }), now],
    ['at once, where there is no deadline, whatever its timer', recordWith({ timer: 'armed' }), now],
    ['no more, once it has ended', registered({ state: 'CANCELED' }), undefined],
  ])('%s', (_, record, due) => {
    expect(dueAfterRead(record, now)).toBe(due);
  });
});
