import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../functions/domain/observation.ts';
import { positionOf } from '../../functions/domain/observation.ts';
import type { Cancellation, PaymentRequest } from '../../functions/domain/payment-request.ts';
import { isFinal, ranks } from '../../functions/domain/payment-request-state.ts';
import { applyObservation, isStaleForGood, staleEntry } from '../../functions/domain/transition.ts';
import {
  asRead,
  twoArrivals,
  webhooks,
  webhooksOfOneEnd,
  webhooksOfOneLife,
} from '../support/arbitrary-observations.ts';
import { noon, recordWith } from '../support/fixtures.ts';

const fold = (observations: readonly Observation[], start: PaymentRequest = recordWith()): PaymentRequest =>
  observations.reduce((record, observation) => applyObservation(record, observation).record, start);

const stateOf = ({ state, position, occurredAt, previousState, stateReason, attention }: PaymentRequest) => ({
  state,
  position,
  occurredAt,
  previousState,
  stateReason,
  attention,
});

const idsOf = ({ history }: PaymentRequest) => history.map((entry) => entry.eventId).toSorted();

const cancellation: Cancellation = {
  outcome: 'canceled',
  cause: 'timeout',
  requestedBy: 'lapse:session-timer',
  requestedAt: noon,
  allowCompleted: false,
  sentBefore: false,
};

describe('observations in any order and any number of times', () => {
  it('the record is the same in any order while Klarna reports one end only', () => {
    fc.assert(
      fc.property(twoArrivals(webhooksOfOneLife), fc.boolean(), ({ facts, one, other }, ours) => {
        const start = recordWith(ours ? { cancellation } : {});
        const [a, b] = [fold(one, start), fold(other, start)];
        expect(stateOf(a)).toEqual(stateOf(b));
        expect(idsOf(a)).toEqual(idsOf(b));
        expect(idsOf(a)).toEqual(facts.map((fact) => fact.eventId).toSorted());
      }),
    );
  });

  it('an observation that is stale for good stays stale after any other observations', () => {
    let times = 0;
    fc.assert(
      fc.property(twoArrivals(webhooks), fc.nat(), ({ one }, place) => {
        const [observation, ...others] = one;
        if (!observation) return;
        const then = place % (others.length + 1);
        const record = fold(others.slice(0, then).filter(({ eventId }) => eventId !== observation.eventId));
        if (!isStaleForGood(record, observation)) return;
        times += 1;
        const later = fold(
          others.slice(then).filter(({ eventId }) => eventId !== observation.eventId),
          record,
        );
        expect(isStaleForGood(later, observation)).toBe(true);
        for (const each of [record, later]) {
          const { verdict, record: noted } = applyObservation(each, observation);
          expect(verdict).toBe('stale');
          const { recordedAt: _, ...entry } = staleEntry(observation, each.position);
          expect(noted.history.find(({ eventId }) => eventId === observation.eventId)).toMatchObject(entry);
          expect(noted.question).toEqual(each.question);
        }
      }),
    );
    expect(times).toBeGreaterThan(0);
  });

  it('the position of the record is the greatest of all observations', () => {
    fc.assert(
      fc.property(twoArrivals(webhooksOfOneLife), ({ facts, one }) => {
        expect(fold(one).position).toBe(facts.map(positionOf).toSorted().at(-1));
      }),
    );
  });

  it('the state is the same if one final state is reported several times, by webhooks and by reads', () => {
    fc.assert(
      fc.property(twoArrivals(webhooksOfOneEnd), ({ one, other }) => {
        const mixed = (list: readonly Observation[]) => fold(list.flatMap((each) => [asRead(each), each]));
        const [a, b] = [mixed(one), mixed(other)];
        expect(a.state).toBe(b.state);
        expect(idsOf(a)).toEqual(idsOf(b));
      }),
    );
  });
});

describe('observations with two different final states', () => {
  it('a final state never changes and the rank never falls', () => {
    fc.assert(
      fc.property(twoArrivals(webhooks), ({ one }) => {
        let record = recordWith();
        for (const observation of one) {
          const { record: next } = applyObservation(record, observation);
          if (record.state)
            expect(ranks[next.state ?? 'SUBMITTED']).toBeGreaterThanOrEqual(ranks[record.state]);
          if (isFinal(record.state)) {
            const { attention: _, ...before } = stateOf(record);
            expect(next).toMatchObject(before);
          }
          record = next;
        }
      }),
    );
  });

  it('a replayed observation changes nothing, however late it arrives', () => {
    fc.assert(
      fc.property(twoArrivals(webhooks), ({ one, facts }) => {
        const record = fold(one);
        for (const fact of facts) {
          expect(applyObservation(record, fact)).toEqual({ verdict: 'duplicate', record });
        }
      }),
    );
  });

  it('the state is the result of the applied history', () => {
    fc.assert(
      fc.property(twoArrivals(webhooks), ({ one }) => {
        const record = fold(one);
        const applied = record.history.filter((entry) => entry.effect === 'applied');
        expect(applied.at(-1)).toMatchObject({
          state: record.state,
          occurredAt: record.occurredAt,
          eventId: record.evidence?.eventId,
        });
      }),
    );
  });

  it('two different ends set attention, in any order', () => {
    fc.assert(
      fc.property(twoArrivals(webhooks), ({ one, facts }) => {
        const ends = new Set(facts.filter((fact) => isFinal(fact.state)).map((fact) => fact.state));
        fc.pre(ends.size > 1);
        const record = fold(one);
        expect(record.attention).toBe('contradiction');
        expect(record.question?.about).toBe('contradiction');
        expect(record.history.some((entry) => entry.attention === 'contradiction')).toBe(true);
      }),
    );
  });

  it('a payment that is not clearly before the end sets attention, in any order', () => {
    fc.assert(
      fc.property(twoArrivals(webhooksOfOneLife), ({ one }) => {
        const record = fold(one);
        fc.pre(isFinal(record.state));
        const paidAt = record.history
          .filter((entry) => entry.state === 'COMPLETED')
          .map((each) => each.occurredAt);
        const late = paidAt.some((paid) => paid && record.occurredAt && paid >= record.occurredAt);
        expect(record.attention).toBe(late ? 'contradiction' : undefined);
      }),
    );
  });

  it('the history has the facts in the order in which they arrived, each once', () => {
    fc.assert(
      fc.property(twoArrivals(webhooks), ({ one }) => {
        const arrived = one.map(({ eventId }) => eventId);
        expect(fold(one).history.map(({ eventId }) => eventId)).toEqual([...new Set(arrived)]);
      }),
    );
  });

  it('a question is open exactly if webhooks disagree and nothing has answered it, in any order', () => {
    fc.assert(
      fc.property(twoArrivals(webhooksOfOneLife), ({ one, other }) => {
        const [a, b] = [fold(one), fold(other)];
        expect(a.question?.about).toBe(b.question?.about);
        if (a.attention === 'contradiction') expect(a.question?.about).toBe('contradiction');
      }),
    );
  });
});
