import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HistoryEntry } from '../../functions/domain/history-entry.ts';
import { bytesOf, roomIn } from '../../functions/domain/history.ts';
import { ownEventId } from '../../functions/domain/identifiers.ts';

import { asNextVersion } from '../../functions/domain/next-version.ts';
import type { Observation } from '../../functions/domain/observation.ts';
import type { Attention } from '../../functions/domain/attention.ts';
import {
  type Cancellation,
  type PaymentRequest,
  unknownPaymentRequest,
} from '../../functions/domain/payment-request.ts';
import { isOpen } from '../../functions/domain/payment-request-state.ts';
import {
  appliedEntry,
  applyObservation,
  isStaleForGood,
  isUnread,
  observedVersion,
  staleEntry,
  staleVersion,
} from '../../functions/domain/transition.ts';
import { twoArrivals, webhooks } from '../support/arbitrary-observations.ts';
import { key, noon, observed, recordWith, versioned } from '../support/fixtures.ts';
import { afterNoon, cancellationWith, registered, session, settledWith } from '../support/sessions.ts';

const later = '2026-03-01T12:01:00Z';
const seen = (record: PaymentRequest, ...facts: readonly Observation[]) =>
  facts.reduce((known, each) => applyObservation(known, each).record, record);
const submitted = seen(recordWith(), observed('SUBMITTED'));
const untimed = { about: 'time', eventId: ownEventId('x', '1') } as const;
const paid = observed('COMPLETED', later);

/** An entry that leaves so many bytes of a history with one other entry. */
function leaving(record: PaymentRequest, bytes: number): PaymentRequest {
  const entry: HistoryEntry = {
    eventId: ownEventId('test', 'large'),
    kind: 'sweep',
    recordedAt: noon,
    effect: 'noted',
    detail: { x: '' },
  };
  const rest = roomIn(record.history) - bytes - bytesOf(entry);
  return { ...record, history: [...record.history, { ...entry, detail: { x: 'a'.repeat(rest) } }] };
}

describe('isUnread', () => {
  const next = observed('IN_PROGRESS', later);
  const size = bytesOf(appliedEntry(next));

  it.each<[string, PaymentRequest, Observation, boolean]>([
    ['a first state', recordWith(), observed('SUBMITTED'), true],
    ['a first state of a registered session', registered(), observed('SUBMITTED'), true],
    ['a later open state', submitted, next, true],
    ['a payment', submitted, observed('COMPLETED', later), true],
    ['a payment with an earlier time', submitted, observed('COMPLETED', '2026-03-01T11:00:00Z'), true],
    ['an expiry', submitted, observed('EXPIRED', later), true],
    ['a decline', submitted, observed('DECLINED', later), true],
    ['a cancel, which mostly is ours', submitted, observed('CANCELED', later), false],
    ['a cancel as the first state', recordWith(), observed('CANCELED'), false],
    [
      'an open state without a known time',
      recordWith(),
      observed('SUBMITTED', '1970-01-01T00:00:00Z'),
      false,
    ],
    ['an open state while another has no known time', { ...submitted, question: untimed }, next, false],
    ['a payment while an open state has no known time', { ...submitted, question: untimed }, paid, true],
    ['the same state later', submitted, observed('SUBMITTED', later), true],
    ['an earlier open state', submitted, observed('IN_PROGRESS', '2026-03-01T11:00:00Z'), false],
    ['a tie', submitted, observed('IN_PROGRESS'), false],
    [
      'the end of a paid request',
      seen(recordWith(), observed('COMPLETED')),
      observed('EXPIRED', later),
      false,
    ],
    [
      'anything about a request that has ended',
      seen(recordWith(), observed('EXPIRED')),
      observed('COMPLETED', later),
      false,
    ],
    ['an event that the history has', { ...submitted, position: undefined }, observed('SUBMITTED'), false],
    ['news for which there is just room', leaving(submitted, size), next, true],
    ['news for which there is one byte too little', leaving(submitted, size - 1), next, false],
    ['an open state during a cancel', { ...submitted, cancellation: cancellationWith() }, next, true],
    [
      'a payment during a cancel',
      { ...submitted, cancellation: cancellationWith() },
      observed('COMPLETED', later),
      false,
    ],
    [
      'an expiry while a cancel is pending',
      { ...submitted, cancellation: settledWith({ outcome: 'pending' }) },
      observed('EXPIRED', later),
      false,
    ],
    [
      'a payment after a refused cancel',
      { ...submitted, cancellation: settledWith({ outcome: 'refused' }) },
      observed('COMPLETED', later),
      true,
    ],
    ['an open state of a request with an attention', { ...submitted, attention: 'not_found' }, next, true],
    [
      'a payment of a request with an attention, which it may settle',
      { ...submitted, attention: 'not_found' },
      observed('COMPLETED', later),
      false,
    ],
  ])('%s is written without a read: %s', (_, record, observation, expected) => {
    expect(isUnread(record, observation)).toBe(expected);
  });
});

describe('observedVersion', () => {
  it('a webhook makes the whole next version', () => {
    const before = versioned(registered({ question: { about: 'tie', eventId: ownEventId('x', '1') } }));
    const fact = observed('COMPLETED', later, { klarnaExpiresAt: afterNoon(180), stateReason: 'R' });
    expect(observedVersion(before, fact)).toEqual({
      ...before,
      state: 'COMPLETED',
      previousState: undefined,
      stateReason: 'R',
      occurredAt: fact.occurredAt,
      position: `1|${fact.occurredAt}|${fact.eventId}`,
      evidence: { source: 'webhook', eventId: fact.eventId, observedAt: fact.observedAt },
      klarnaExpiresAt: afterNoon(180),
      question: undefined,
      dueAt: undefined,
      history: [appliedEntry(fact)],
      version: before.version + 1,
      sequence: before.sequence + 1,
      changes: [
        {
          kind: 'state_changed',
          eventId: fact.eventId,
          state: 'COMPLETED',
          previousState: undefined,
          stateReason: 'R',
          occurredAt: fact.occurredAt,
          recordedAt: fact.observedAt,
        },
      ],
      updatedAt: fact.observedAt,
    });
  });

  it('a webhook about an unknown request makes its first version, which is due at once', () => {
    const fact = observed('SUBMITTED');
    const record = observedVersion(unknownPaymentRequest(key, noon), fact);
    expect(record).toMatchObject({ version: 1, sequence: 1, timer: 'undecided' });
    expect(record.dueAt).toBe(fact.observedAt);
    const paid = observedVersion(unknownPaymentRequest(key, noon), observed('COMPLETED'));
    expect(paid.dueAt).toBe(noon);
    const registration = { ...unknownPaymentRequest(key, noon), timer: 'armed' } as const;
    expect(observedVersion(registration, observed('COMPLETED')).dueAt).toBeUndefined();
  });

  it('an open state does not change when the record is due', () => {
    expect(observedVersion(registered(), observed('SUBMITTED')).dueAt).toBe(afterNoon(31));
  });

  const cancellations: readonly (Cancellation | undefined)[] = [
    undefined,
    cancellationWith(),
    settledWith({ outcome: 'pending', sentBefore: true }),
    settledWith({ outcome: 'refused', sentBefore: true }),
    settledWith({ outcome: 'not_found' }),
    settledWith({ outcome: 'canceled', sentBefore: true }),
  ];
  const attentions: readonly (Attention | undefined)[] = [undefined, 'not_found', 'klarna_denied'];
  /** Webhooks of a customer who opens and closes Klarna's window. */
  const toggles = webhooks.map((list) =>
    list.map((each) => (isOpen(each.state) ? each : { ...each, state: 'IN_PROGRESS' as const })),
  );
  const expiryOf = (minutes: number) => ({ askedFor: afterNoon(minutes), shown: afterNoon(minutes) });
  const starts = fc.record({
    cancellation: fc.constantFrom(...cancellations),
    attention: fc.constantFrom(...attentions),
    isRegistered: fc.boolean(),
    onTimeout: fc.constantFrom('cancel', 'observe'),
    klarnaExpiry: fc.constantFrom(undefined, ...[20, 40, 48 * 60].map(expiryOf), {
      ...expiryOf(20),
      isFixed: true as const,
    }),
    timer: fc.constantFrom('pending', 'armed', 'sweep', 'fired'),
  });

  it('a version without a read is the version that a read would have made', () => {
    let times = 0;
    fc.assert(
      fc.property(
        twoArrivals(fc.oneof(webhooks, toggles)),
        starts,
        ({ one }, { isRegistered, timer, onTimeout, klarnaExpiry, ...fields }) => {
          const its = isRegistered
            ? { session: { ...session, onTimeout, klarnaExpiry }, deadlineAt: afterNoon(30), timer }
            : {};
          let record = versioned(recordWith({ ...its, ...fields, attentionSince: fields.attention && noon }));
          for (const [index, fact] of one.entries()) {
            const { verdict, record: applied } = applyObservation(record, fact);
            const write = { id: `w${index}`, now: fact.observedAt };
            const read = applied === record ? record : asNextVersion(record, applied, write);
            if (isUnread(record, fact)) {
              times += 1;
              expect(verdict).toBe('superseding');
              const unread = observedVersion(record, fact);
              // What was due stays due, and nothing is due earlier. The sweep derives the time again.
              const { dueAt, writes, ...same } = read;
              expect(unread).toEqual({ ...same, writes: record.writes, dueAt: unread.dueAt });
              expect(writes).toEqual([...record.writes, write.id].slice(-8));
              if (isOpen(fact.state) || (fact.state === 'COMPLETED' && record.timer === 'undecided')) {
                expect(unread.dueAt).toBe(record.dueAt ?? fact.observedAt);
                // The facts are of the first minute, and what is due in it is due at once.
                if (dueAt !== undefined)
                  expect([dueAt, afterNoon(1)].some((at) => at >= (unread.dueAt ?? noon))).toBe(true);
              } else expect([unread.dueAt, dueAt]).toEqual([undefined, undefined]);
            }
            record = read;
          }
        },
      ),
      { numRuns: 2_000 },
    );
    expect(times).toBeGreaterThan(0);
  });
});

describe('staleVersion', () => {
  const fact = observed('SUBMITTED', '2026-03-01T11:59:00Z');
  const before = versioned(seen(registered({ attempts: 3 }), observed('IN_PROGRESS')));
  const note = { against: before.position, at: afterNoon(3) };
  const size = bytesOf(staleEntry(fact, before.position));

  it('a stale fact becomes an entry of the next version, and makes no event', () => {
    const after = staleVersion(before, fact, note);
    expect(after).toEqual({
      ...before,
      history: [...before.history, { ...appliedEntry(fact), effect: 'stale', against: before.position }],
      version: before.version + 1,
      changes: [],
      updatedAt: afterNoon(3),
    });
    expect([before.changes.length, after.sequence]).toEqual([1, before.sequence]);
  });

  it('a stale fact is an entry where there is just room, and else only counted', () => {
    const roomy = leaving(before, size);
    const added = staleVersion(roomy, fact, note);
    expect([added.history.length, added.dropped]).toEqual([3, undefined]);
    const full = leaving(before, size - 1);
    const counted = staleVersion(full, fact, note);
    expect(counted).toEqual({
      ...full,
      dropped: { count: 1, first: afterNoon(3), last: afterNoon(3) },
      version: before.version + 1,
      changes: [],
      updatedAt: afterNoon(3),
    });
    const again = staleVersion(counted, fact, { ...note, at: afterNoon(4) });
    expect(again.dropped).toEqual({ count: 2, first: afterNoon(3), last: afterNoon(4) });
  });

  it('a version with a stale fact is the version that a read would have made', () => {
    let times = 0;
    fc.assert(
      fc.property(twoArrivals(webhooks), ({ one }) => {
        let record = versioned(registered());
        for (const [index, each] of one.entries()) {
          const { record: applied } = applyObservation(record, each);
          const read =
            applied === record
              ? record
              : asNextVersion(record, applied, { id: `w${index}`, now: afterNoon(index) });
          if (isStaleForGood(record, each)) {
            times += 1;
            const stale = staleVersion(record, each, { against: record.position, at: afterNoon(index) });
            expect(stale).toEqual({ ...read, writes: record.writes, dueAt: record.dueAt });
          }
          record = read;
        }
      }),
    );
    expect(times).toBeGreaterThan(0);
  });
});
