import { describe, expect, it } from 'vitest';
import type { HistoryEntry } from '../../functions/domain/history-entry.ts';
import { withEntry } from '../../functions/domain/history.ts';
import { ownEventId } from '../../functions/domain/identifiers.ts';
import { emptyResponse, withEmptyRead, withRead } from '../../functions/domain/klarna-read.ts';
import type { Observation } from '../../functions/domain/observation.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { withResolvedQuestion } from '../../functions/domain/question.ts';
import { decideReconciliation } from '../../functions/domain/reconciliation.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import { at, observed, recordWith, versioned } from '../support/fixtures.ts';
import { afterNoon, cancellationWith, registered } from '../support/sessions.ts';

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

describe('the question of a record', () => {
  it.each<[string, readonly (Observation | HistoryEntry)[], 'tie' | 'contradiction' | undefined]>([
    ['nothing', [], undefined],
    ['one webhook', [observed('SUBMITTED')], undefined],
    ['two in order', [observed('SUBMITTED'), observed('IN_PROGRESS', later)], undefined],
    ['two states with the same time', tie, 'tie'],
    ['the same two states in reverse order', tie.toReversed(), 'tie'],
    [
      'two states with the same time, and the last of them again',
      [...tie.toReversed(), observed('IN_PROGRESS', undefined, { eventId: ownEventId('zz', '1') })],
      'tie',
    ],
    [
      'two states with the same time, and the other one again',
      [...tie, observed('IN_PROGRESS', undefined, { eventId: ownEventId('zz', '1') })],
      'tie',
    ],
    ['two states with the same time, and a later one', [...tie, observed('IN_PROGRESS', later)], undefined],
    [
      'two states with the same time, and an earlier one',
      [...tie, observed('SUBMITTED', '2026-03-01T11:59:00Z')],
      'tie',
    ],
    ['two states with the same time, and a payment', [...tie, observed('COMPLETED')], undefined],
    ['two states with the same time, and an end', [...tie, observed('EXPIRED', later)], undefined],
    [
      'two states with the same time, and a read with that time',
      [...tie, read('SUBMITTED', '2026-03-01T12:00:00Z')],
      undefined,
    ],
    ['two states with the same time, and a read without a state', [...tie, emptyRead], 'tie'],
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
    ['a tie, and two final states', [...tie, ...contradiction], 'contradiction'],
    ['two final states, and a read', [...contradiction, read('CANCELED')], undefined],
    [
      'two final states, and the second one again',
      [...contradiction, observed('EXPIRED', later)],
      'contradiction',
    ],
    [
      'two final states, and a stale webhook',
      [...contradiction, observed('SUBMITTED', '2026-03-01T11:59:00Z')],
      'contradiction',
    ],
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
  ])('a question is open only if webhooks disagree and no read followed: %s', (_, facts, about) => {
    expect(after(facts).question?.about).toBe(about);
  });

  it.each([
    ['a tie', tie],
    ['a tie in reverse order', tie.toReversed()],
    ['a contradiction', contradiction],
  ])('the question names the webhook that raised it: %s', (_, facts) => {
    expect(after(facts).question?.eventId).toBe(facts.at(-1)?.eventId);
  });

  it('a question makes the record due at once, whatever failed before', () => {
    for (const list of [tie, tie.toReversed(), contradiction]) {
      const record = after(list, registered({ attempts: 4, retryAt: afterNoon(60) }));
      expect([record.attempts, record.retryAt]).toEqual([0, undefined]);
      expect(versioned(record, undefined, now).dueAt).toBe(now);
      expect(decideReconciliation(versioned(record, undefined, now), now)).toBe('ask');
    }
  });

  it('facts that raise no question do not change the attempts', () => {
    const waiting = registered({ attempts: 4, retryAt: afterNoon(60) });
    expect(after([observed('SUBMITTED')], waiting)).toMatchObject({ attempts: 4, retryAt: afterNoon(60) });
  });

  it('a question is not read separately if the session is due to end', () => {
    const record = versioned(after(tie, registered()), undefined, now);
    expect(decideReconciliation(record, afterNoon(31))).toBe('end');
    expect(decideReconciliation({ ...record, timer: 'sweep' }, afterNoon(31))).toBe('expire');
  });

  it('a question waits for a claim under way, whose attempt reads Klarna', () => {
    const lease = { id: 'lease-1', until: afterNoon(6) };
    const record = after(tie, registered({ cancellation: cancellationWith({ lease }) }));
    expect(versioned(record, undefined, now).dueAt).toBe(afterNoon(6));
    expect(decideReconciliation({ ...record, dueAt: now }, now)).toBe('nothing');
  });

  it('a read with a state answers a question, and one without a state does not', () => {
    expect(withRead(after(tie), read('SUBMITTED')).question).toBeUndefined();
    expect(withEmptyRead(after(tie), emptyRead, true).question?.about).toBe('tie');
  });

  it('the attention of a contradiction stays after the read, for a person to see', () => {
    const record = withRead(after(contradiction), read('CANCELED'));
    expect([record.question, record.attention]).toEqual([undefined, 'contradiction']);
  });
});

describe('withResolvedQuestion', () => {
  const record = after(contradiction, recordWith({ attempts: 3, retryAt: afterNoon(60) }));
  const { question } = record;
  if (!question) throw new Error('the record has no question');
  const response = { eventId: ownEventId('sweep', '1'), detail: { response: 'not_found', status: '404' } };

  it('the response to a question is added to the history and changes neither state nor attention', () => {
    const tried = { ...record, attempts: 3, retryAt: afterNoon(60) };
    expect(withResolvedQuestion(tried, question, response, now)).toEqual({
      ...record,
      question: undefined,
      attempts: 0,
      retryAt: undefined,
      history: [
        ...record.history,
        {
          eventId: 'sweep:1',
          kind: 'sweep',
          recordedAt: now,
          effect: 'noted',
          state: 'CANCELED',
          detail: {
            looked_into: 'contradiction',
            raised_by: question.eventId,
            response: 'not_found',
            status: '404',
          },
        },
      ],
    });
  });

  it('a request that has ended is not due any more once its question has a response', () => {
    const resolved = withResolvedQuestion(record, question, response, now);
    const written = resolved && versioned(resolved, record, now);
    expect([written?.dueAt, written?.changes]).toEqual([undefined, []]);
  });

  it('the response is noted if the read has answered the question already', () => {
    const read = { ...record, question: undefined };
    expect(withResolvedQuestion(read, question, response, now)?.history).toHaveLength(3);
  });

  it('the response to a question does not settle a newer one', () => {
    const asked = after([observed('DECLINED', '2026-03-01T12:02:00Z')], record);
    expect(withResolvedQuestion(asked, question, response, now)).toBeUndefined();
  });
});
