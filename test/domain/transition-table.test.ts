import { describe, expect, it } from 'vitest';
import { type EventId, parseEventId } from '../../functions/domain/identifiers.ts';
import { positionOf } from '../../functions/domain/observation.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { parseState, type PaymentRequestState } from '../../functions/domain/payment-request-state.ts';
import {
  applyObservation,
  isStaleForGood,
  isUnread,
  judge,
  needsRecord,
  unreadLimit,
  type Verdict,
} from '../../functions/domain/transition.ts';
import { at, observed, recordWith } from '../support/fixtures.ts';

/**
 * The whole rule, cell by cell: S superseding, o stale, c confirming, X contradicting. The four letters of a cell are for:
 * - an observation that is earlier than the record,
 * - one at the same time with a lower event id,
 * - one at the same time with a higher event id,
 * - a later one.
 */
const table = `
record       SUBMITTED  IN_PROGRESS  COMPLETED  CANCELED  EXPIRED  DECLINED
nothing      SSSS       SSSS         SSSS       SSSS      SSSS     SSSS
SUBMITTED    ooSS       ooSS         SSSS       SSSS      SSSS     SSSS
IN_PROGRESS  ooSS       ooSS         SSSS       SSSS      SSSS     SSSS
COMPLETED    oooo       oooo         ccSS       SSSS      SSSS     SSSS
CANCELED     oooo       oooo         oXXX       cccc      XXXX     XXXX
EXPIRED      oooo       oooo         oXXX       XXXX      cccc     XXXX
DECLINED     oooo       oooo         oXXX       XXXX      XXXX     cccc
`;

const verdicts: Readonly<Record<string, Verdict>> = {
  S: 'superseding',
  o: 'stale',
  c: 'confirming',
  X: 'contradicting',
};

const arrivals = [
  { when: 'earlier', occurredAt: '2026-03-01T11:59:59.999999999Z', eventId: 'z' },
  { when: 'at the same time, lower id', occurredAt: '2026-03-01T12:00:00Z', eventId: 'a' },
  { when: 'at the same time, higher id', occurredAt: '2026-03-01T12:00:00Z', eventId: 'z' },
  { when: 'later', occurredAt: '2026-03-01T12:00:00.000000001Z', eventId: 'a' },
] as const;

const [head = [], ...rows] = table
  .trim()
  .split('\n')
  .map((line) => line.split(/\s+/));

const cells = rows.flatMap(([known = '', ...row]) =>
  row.flatMap((letters, column) =>
    arrivals.map((arrival, index) => ({
      known: parseState(known),
      told: stateOf(head[column + 1]),
      ...arrival,
      eventId: idOf(arrival.eventId),
      verdict: verdicts[letters[index] ?? ''],
    })),
  ),
);

function stateOf(text = ''): PaymentRequestState {
  const state = parseState(text);
  if (!state) throw new Error(`${text} is not a state`);
  return state;
}

function idOf(text: string): EventId {
  const id = parseEventId(text);
  if (!id) throw new Error(`${text} is not an event id`);
  return id;
}

/** A record with that state since noon, by the event `m`. */
function recordIn(state: PaymentRequestState | undefined): PaymentRequest {
  if (!state) return recordWith();
  return applyObservation(recordWith(), observed(state, undefined, { eventId: idOf('m') })).record;
}

it('the table has every recorded state against every observed state', () => {
  expect(cells).toHaveLength(7 * 6 * 4);
});

describe.each(cells)('a $known record that observes $told $when: $verdict', (cell) => {
  const { known, told, occurredAt, eventId, verdict } = cell;
  const record = recordIn(known);
  const observation = observed(told, occurredAt, { eventId, previousState: 'SUBMITTED', stateReason: 'R' });
  const isOpen = (state: string | undefined) => state === 'SUBMITTED' || state === 'IN_PROGRESS';
  const isOfOneTime = isOpen(known) && isOpen(told) && at(occurredAt) === record.occurredAt;

  it('the observation has the verdict of the table', () => {
    expect(judge(record, observation)).toBe(verdict);
  });

  it('the record changes as the verdict says and in no other way', () => {
    const { record: after, ...result } = applyObservation(record, observation);
    expect(result.verdict).toBe(verdict);
    const fact = { eventId, kind: 'webhook', state: told, occurredAt: at(occurredAt), detail: {} };
    expect(after.history.slice(0, -1)).toEqual(record.history);
    if (verdict === 'superseding') {
      expect(after).toMatchObject({
        state: told,
        previousState: 'SUBMITTED',
        stateReason: 'R',
        occurredAt: at(occurredAt),
        position: positionOf(observation),
        evidence: { source: 'webhook', eventId, observedAt: observation.observedAt },
      });
      expect(after.history.at(-1)).toMatchObject({ ...fact, effect: 'applied' });
    } else {
      const { history: _, attention, question: __, completedAt, ...rest } = after;
      expect({ ...record, ...rest }).toEqual(record);
      const isEarlier = verdict === 'confirming' && told === 'COMPLETED' && occurredAt < '2026-03-01T12';
      expect(completedAt).toBe(isEarlier ? at(occurredAt) : undefined);
      expect(after.history.at(-1)).toMatchObject({ ...fact, effect: verdict, against: record.position });
      expect(attention).toBe(verdict === 'contradicting' ? 'contradiction' : undefined);
    }
    const isTie = isOfOneTime && known !== told;
    const about = after.attention === 'contradiction' ? 'contradiction' : isTie ? 'tie' : undefined;
    expect(after.question).toEqual(about && { about, eventId });
  });

  it('the same observation is a duplicate the second time and changes nothing', () => {
    const once = applyObservation(record, observation).record;
    expect(applyObservation(once, observation)).toEqual({ verdict: 'duplicate', record: once });
    expect(applyObservation(once, observation).record).toBe(once);
  });

  it('the observation may be written without a read only if the verdict allows it', () => {
    const unread = record.position === undefined || record.position < unreadLimit(observation);
    const isEndOfPaid = known === 'COMPLETED' && ['CANCELED', 'EXPIRED', 'DECLINED'].includes(told);
    expect(unread).toBe(verdict === 'superseding' && !isEndOfPaid && !isOfOneTime);
    const isAgain = known === 'COMPLETED' && told === 'COMPLETED';
    expect(isUnread(record, observation)).toBe(unread && told !== 'CANCELED' && !isAgain);
  });
});

describe('an observation that is stale for good', () => {
  it.each([
    ['an earlier open state', 'SUBMITTED', '2026-03-01T11:59:59Z', true],
    ['another open state with the same time', 'SUBMITTED', '2026-03-01T12:00:00Z', false],
    ['a later open state', 'SUBMITTED', '2026-03-01T12:00:01Z', false],
    ['an earlier approval', 'COMPLETED', '2026-03-01T11:59:59Z', false],
    ['an earlier end', 'CANCELED', '2026-03-01T11:59:59Z', false],
  ] as const)('an observation of %s is stale for good: %s at %s, %s', (_, state, occurredAt, isStale) => {
    const record = applyObservation(recordWith(), observed('IN_PROGRESS')).record;
    expect(isStaleForGood(record, observed(state, occurredAt))).toBe(isStale);
  });

  it('an observation is not stale for good if the record has it, or has no state', () => {
    const known = observed('SUBMITTED', '2026-03-01T11:00:00Z');
    const record = [known, observed('IN_PROGRESS')].reduce(
      (before, each) => applyObservation(before, each).record,
      recordWith(),
    );
    expect(isStaleForGood(record, known)).toBe(false);
    expect(isStaleForGood(recordWith(), known)).toBe(false);
  });
});

describe('the final state of an approved request', () => {
  const paid = recordIn('COMPLETED');

  it.each([
    ['2026-03-01T11:59:59Z', 'contradiction'],
    ['2026-03-01T12:00:00Z', 'contradiction'],
    ['2026-03-01T12:00:01Z', undefined],
  ] as const)('a CANCELED at %s has the attention %s in either order', (occurredAt, attention) => {
    const end = observed('CANCELED', occurredAt);
    const approval = observed('COMPLETED', undefined, { eventId: idOf('m') });
    const { record } = applyObservation(paid, end);
    const reversed = applyObservation(applyObservation(recordWith(), end).record, approval).record;
    expect([record.state, record.attention]).toEqual(['CANCELED', attention]);
    expect([reversed.state, reversed.attention]).toEqual(['CANCELED', attention]);
    expect(record.history.at(-1)?.attention).toBe(attention);
    expect(record.question).toEqual(attention && { about: attention, eventId: end.eventId });
  });

  it.each(['read', 'cancel'] as const)(
    'a CANCELED by our %s counts as after the approval, whatever its time',
    (source) => {
      const end = observed('CANCELED', '2026-03-01T11:59:59Z', { source });
      expect(applyObservation(paid, end).record.attention).toBeUndefined();
    },
  );
});

describe('a read with the time of the known state', () => {
  const read = observed('SUBMITTED', undefined, { source: 'read', eventId: idOf('read:1') });
  const told = observed('IN_PROGRESS', undefined, { eventId: idOf('m') });

  it('a read is not a tie with a webhook of the same time, in either order', () => {
    const { record } = applyObservation(recordIn('IN_PROGRESS'), read);
    expect([record.state, record.question]).toEqual(['SUBMITTED', undefined]);
    const reversed = applyObservation(applyObservation(recordWith(), read).record, told).record;
    expect([reversed.state, reversed.question]).toEqual(['SUBMITTED', undefined]);
  });
});

describe('attention after our cancel met an approval', () => {
  const cancellation = {
    outcome: 'claimed',
    cause: 'timeout',
    requestedBy: 'lapse:session-timer',
    requestedAt: at('2026-03-01T12:00:00Z'),
    allowCompleted: false,
    sentBefore: false,
  } as const;
  const approval = observed('COMPLETED', '2026-03-01T12:00:05Z');
  const end = observed('CANCELED', '2026-03-01T12:00:07Z');
  const both = (record: PaymentRequest, order: readonly (typeof end)[]) =>
    order.reduce((current, each) => applyObservation(current, each).record, record);

  it.each([
    ['approval first', [approval, end]],
    ['end first', [end, approval]],
  ])('a cancel after an approval sets attention once: %s', (_, order) => {
    const record = both(recordWith({ cancellation }), order);
    expect(record).toMatchObject({ state: 'CANCELED', attention: 'canceled_after_completed' });
    const flagged = record.history.filter((entry) => entry.attention !== undefined);
    expect(flagged.map((entry) => entry.attention)).toEqual(['canceled_after_completed']);
  });

  it.each([
    ['the caller allowed it', { ...cancellation, allowCompleted: true }],
    ['our cancel was refused', { ...cancellation, outcome: 'refused' }],
    ['the cancel was not ours', undefined],
  ] as const)('a cancel after an approval sets no attention if %s', (_, its) => {
    expect(both(recordWith({ cancellation: its }), [approval, end]).attention).toBeUndefined();
  });

  it.each(['webhook', 'read', 'cancel'] as const)(
    'a cancel whose %s tells of COMPLETED before it sets attention, though the approval itself is not known',
    (source) => {
      const told = observed('CANCELED', '2026-03-01T12:00:08Z', { source, previousState: 'COMPLETED' });
      const attentionOf = (record: PaymentRequest, ...facts: readonly (typeof end)[]) =>
        both(record, facts).attention;
      expect(attentionOf(recordWith({ cancellation }), told)).toBe('canceled_after_completed');
      expect(attentionOf(recordWith({ cancellation }), end, told)).toBe('canceled_after_completed');
      const allowed = { ...cancellation, allowCompleted: true };
      expect(attentionOf(recordWith({ cancellation: allowed }), told)).toBeUndefined();
      expect(attentionOf(recordWith(), told)).toBeUndefined();
      expect(needsRecord(told)).toBe(true);
    },
  );

  it('the attention is set once even if Klarna reports CANCELED twice', () => {
    const again = observed('CANCELED', '2026-03-01T12:00:09Z');
    const record = both(recordWith({ cancellation }), [approval, end, again]);
    expect(record.attention).toBe('canceled_after_completed');
    expect(record.history.map((entry) => entry.attention)).toEqual([
      undefined,
      'canceled_after_completed',
      undefined,
    ]);
  });

  it('a contradiction takes precedence over the attention of our cancel', () => {
    const later = observed('COMPLETED', '2026-03-01T12:00:08Z');
    for (const order of [
      [end, approval, later],
      [end, later, approval],
      [later, end, approval],
      [later, approval, end],
      [approval, end, later],
      [approval, later, end],
    ]) {
      expect(both(recordWith({ cancellation }), order).attention).toBe('contradiction');
    }
  });
});

describe('previousState', () => {
  it('the previous state is taken from the webhook and never guessed', () => {
    const record = recordIn('SUBMITTED');
    const told = observed('COMPLETED', '2026-03-01T12:01:00Z');
    expect(applyObservation(record, told).record.previousState).toBeUndefined();
    expect(applyObservation(record, { ...told, previousState: 'IN_PROGRESS' }).record.previousState).toBe(
      'IN_PROGRESS',
    );
  });

  it('the previous state of a read or a cancel is the recorded state', () => {
    const read = observed('IN_PROGRESS', '2026-03-01T12:01:00Z', { source: 'read' });
    const canceled = observed('CANCELED', '2026-03-01T12:02:00Z', { source: 'cancel' });
    const again = observed('IN_PROGRESS', '2026-03-01T12:01:30Z', { source: 'read' });
    const first = applyObservation(recordIn('SUBMITTED'), read).record;
    expect(first.previousState).toBe('SUBMITTED');
    expect(applyObservation(first, again).record.previousState).toBe('SUBMITTED');
    expect(applyObservation(first, canceled).record.previousState).toBe('IN_PROGRESS');
    const telling = { ...canceled, previousState: 'SUBMITTED' } as const;
    expect(applyObservation(first, telling).record.previousState).toBe('SUBMITTED');
  });
});

it('the Klarna expiry is kept if a newer fact does not show it', () => {
  const expiry = at('2026-03-01T15:00:00Z');
  const first = observed('SUBMITTED', undefined, { klarnaExpiresAt: expiry });
  const record = applyObservation(recordWith(), first).record;
  expect(
    applyObservation(record, observed('IN_PROGRESS', '2026-03-01T12:01:00Z')).record.klarnaExpiresAt,
  ).toBe(expiry);
});
