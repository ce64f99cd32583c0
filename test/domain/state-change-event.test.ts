import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claimed, withRefusedCommand } from '../../functions/domain/cancellation.ts';
import { settled } from '../../functions/domain/cancel-attempt.ts';
import { withSparedTimer } from '../../functions/domain/session-timer.ts';
import { ownEventId, parseSessionId } from '../../functions/domain/identifiers.ts';
import type { Observation } from '../../functions/domain/observation.ts';
import { asNextVersion, type PaymentRequest } from '../../functions/domain/payment-request.ts';
import { decideExtension } from '../../functions/domain/registration.ts';
import { withArmedTimer } from '../../functions/domain/session-timer.ts';
import { eventsAgain, eventsOf, type StateChangeEvent } from '../../functions/domain/state-change-event.ts';
import { appliedEntry, applyObservation, observedFields } from '../../functions/domain/transition.ts';
import { twoArrivals, webhooks } from '../support/arbitrary-observations.ts';
import { key, noon, observed, recordWith } from '../support/fixtures.ts';
import { afterNoon, minute, policy, register, registered, settledWith } from '../support/sessions.ts';

const command = { cause: 'timeout', requestedBy: 'lapse:session-timer', allowCompleted: false } as const;

/** The events of a sequence of writes, as the stream shows them. */
function published(
  writes: readonly ((record: PaymentRequest | undefined) => PaymentRequest | undefined)[],
): readonly StateChangeEvent[] {
  let before: PaymentRequest | undefined;
  const events: StateChangeEvent[] = [];
  for (const write of writes) {
    const after = write(before) ?? before;
    if (!after) throw new Error('the first write writes nothing');
    events.push(...eventsOf(before, after));
    before = after;
  }
  return events;
}

const sees = (observation: Observation) => (record: PaymentRequest | undefined) =>
  asNextVersion(
    applyObservation(record ?? recordWith({ version: 0 }), observation).record,
    observation.observedAt,
  );
const registers = (record: PaymentRequest | undefined) => register(record).next;
const typesOf = (events: readonly StateChangeEvent[]) => events.map((event) => event.type.slice(16));

describe('the events of a request', () => {
  it('a paid request publishes its registration and each state', () => {
    const events = published([
      registers,
      (record) => record && withArmedTimer(record, afterNoon(30), noon),
      sees(observed('SUBMITTED', '2026-03-01T12:00:01Z')),
      sees(observed('IN_PROGRESS', '2026-03-01T12:01:00Z', { previousState: 'SUBMITTED' })),
      sees(observed('COMPLETED', '2026-03-01T12:02:00Z', { previousState: 'IN_PROGRESS' })),
      (record) => record && withSparedTimer(record, afterNoon(30)),
    ]);
    expect(
      events.map(({ type, detail }) => [type, detail.state, detail.previous_state, detail.version]),
    ).toEqual([
      ['Payment Request Registered', null, null, 1],
      ['Payment Request State Changed', 'SUBMITTED', null, 3],
      ['Payment Request State Changed', 'IN_PROGRESS', 'SUBMITTED', 4],
      ['Payment Request State Changed', 'COMPLETED', 'IN_PROGRESS', 5],
    ]);
  });

  it('a timeout publishes its cause, even if one write makes two events', () => {
    const [, ...events] = published([
      registers,
      (record) => record && claimed(record, { ...command, reason: 'time is up' }, 'l', afterNoon(30)),
      (record) =>
        record &&
        settled(
          record,
          {
            leaseId: 'l',
            facts: [
              observed('SUBMITTED', '2026-03-01T12:30:00Z', { source: 'read' }),
              observed('CANCELED', '2026-03-01T12:30:01Z', { source: 'cancel' }),
            ],
            conclusion: { kind: 'known' },
            sent: true,
            proof: {},
          },
          afterNoon(31),
        ),
    ]);
    expect(
      events.map(({ detail }) => [detail.state, detail.previous_state, detail.cause, detail.reason]),
    ).toEqual([
      ['SUBMITTED', null, null, null],
      ['CANCELED', 'SUBMITTED', 'timeout', 'time is up'],
    ]);
  });

  it('an event has every field, with readable times', () => {
    const session = { sessionId: parseSessionId('session-1'), reference: 'order 17' };
    const end = observed('CANCELED', '2026-03-01T12:30:00.5Z', {
      previousState: 'SUBMITTED',
      observedAt: afterNoon(31),
    });
    const [event] = eventsOf(registered(session), { ...sees(end)(registered(session)), version: 7 });
    expect(event).toEqual({
      type: 'Payment Request State Changed',
      detail: {
        event_key: `shop-se/${key.paymentRequestId}/${end.eventId}/state-changed`,
        schema_version: 1,
        account: 'shop-se',
        payment_request_id: key.paymentRequestId,
        session_id: 'session-1',
        reference: 'order 17',
        state: 'CANCELED',
        previous_state: 'SUBMITTED',
        cause: null,
        reason: null,
        occurred_at: '2026-03-01T12:30:00.5Z',
        recorded_at: '2026-03-01T12:31:00Z',
        version: 7,
      },
    });
  });

  it('an event without a previous state from Klarna shows the state of the record before', () => {
    const events = published([
      sees(observed('SUBMITTED')),
      sees(observed('COMPLETED', '2026-03-01T12:01:00Z')),
    ]);
    expect(events.map((event) => event.detail.previous_state)).toEqual([null, 'SUBMITTED']);
  });
});

describe('events that need a consumer', () => {
  const paid = published([sees(observed('COMPLETED'))]).length;

  it('a refused cancel publishes an event', () => {
    const events = published([
      sees(observed('SUBMITTED')),
      (record) => record && claimed(record, command, 'l', noon),
      (record) =>
        record &&
        settled(
          record,
          {
            leaseId: 'l',
            facts: [observed('COMPLETED', '2026-03-01T12:01:00Z', { source: 'read' })],
            conclusion: { kind: 'known' },
            sent: false,
            proof: {},
          },
          afterNoon(1),
        ),
    ]).slice(paid);
    expect(typesOf(events)).toEqual(['State Changed', 'Cancel Refused']);
    expect(events.at(-1)?.detail).toMatchObject({ state: 'COMPLETED', cause: 'timeout' });
  });

  it.each([
    ['another final state', observed('EXPIRED', '2026-03-01T12:05:00Z')],
    ['a payment after the final state', observed('COMPLETED', '2026-03-01T12:05:00Z')],
  ])('a contradiction publishes Needs Attention: %s', (_, news) => {
    const events = published([sees(observed('CANCELED')), sees(news)]).slice(1);
    expect(typesOf(events)).toEqual(['Needs Attention']);
    expect(events[0]?.detail).toMatchObject({ state: 'CANCELED', cause: 'contradiction' });
  });

  it('a final state before the known payment publishes the state and Needs Attention', () => {
    const events = published([
      sees(observed('COMPLETED', '2026-03-01T12:05:00Z')),
      sees(observed('CANCELED')),
    ]).slice(1);
    expect(typesOf(events)).toEqual(['State Changed', 'Needs Attention']);
  });
});

describe('writes without an event', () => {
  const known = sees(observed('COMPLETED'))(undefined);

  it.each<[string, (record: PaymentRequest) => PaymentRequest | undefined]>([
    ['a stale observation', sees(observed('SUBMITTED', '2026-03-01T11:00:00Z'))],
    ['a confirmation', sees(observed('COMPLETED', '2026-03-01T11:00:00Z'))],
    ['the same state at a later time', sees(observed('COMPLETED', '2026-03-01T13:00:00Z'))],
    ['a duplicate', sees(observed('COMPLETED'))],
    ['a claim', (record) => claimed(record, command, 'l', noon)],
    [
      'an armed timer',
      (record) => withArmedTimer({ ...record, timer: 'pending', deadlineAt: noon }, noon, noon),
    ],
    [
      'a timer that found nothing to do',
      (record) =>
        withSparedTimer(
          { ...record, state: 'COMPLETED', session: registered().session, deadlineAt: noon },
          noon,
        ),
    ],
    [
      'an extension',
      (record) =>
        decideExtension(
          { ...record, state: 'SUBMITTED', session: registered().session, deadlineAt: afterNoon(30) },
          {
            deadline: { kind: 'session_timeout', millis: 50 * minute, given: 'PT50M' },
            requestedBy: 'someone',
          },
          { policy, eventId: ownEventId('extend', '1'), now: noon },
        ).next,
    ],
    ['a refused registration', registers],
    ['an attempt of the sweep', (record) => asNextVersion(record, noon)],
  ])('a write publishes nothing for %s', (_, write) => {
    const after = write(known);
    expect(after).toBeDefined();
    expect(after && eventsOf(known, after)).toEqual([]);
  });

  it('a repeated registration of a session publishes nothing', () => {
    const before = registered();
    const { next } = register(before, { reference: 'order 18' });
    expect(next && eventsOf(before, next)).toEqual([]);
  });
});

describe('events of any observations in any order', () => {
  const histories = twoArrivals(webhooks);

  it('each event has its own key, and the same write gives the same events', () => {
    fc.assert(
      fc.property(histories, ({ one }) => {
        const events = published(one.map(sees));
        const keys = events.map((event) => event.detail.event_key);
        expect(new Set(keys).size).toBe(keys.length);
        expect(published(one.map(sees))).toEqual(events);
      }),
    );
  });

  it('the published states are the states that the record went through', () => {
    fc.assert(
      fc.property(histories, ({ one }) => {
        let record: PaymentRequest | undefined;
        const states: (string | undefined)[] = [];
        for (const observation of one) {
          const next = sees(observation)(record);
          if (next.state !== record?.state) states.push(next.state);
          record = next;
        }
        const told = published(one.map(sees)).filter(
          (event) => event.type === 'Payment Request State Changed',
        );
        expect(told.map((event) => event.detail.state)).toEqual(states);
      }),
    );
  });

  it('Needs Attention is published exactly for the entries with an attention', () => {
    fc.assert(
      fc.property(histories, ({ one }) => {
        const called = published(one.map(sees)).filter(
          (event) => event.type === 'Payment Request Needs Attention',
        );
        const final = one.reduce<PaymentRequest | undefined>((record, each) => sees(each)(record), undefined);
        const flagged = final?.history.filter((entry) => entry.attention !== undefined) ?? [];
        expect(called.map((event) => event.detail.cause)).toEqual(flagged.map((entry) => entry.attention));
      }),
    );
  });
});

describe('eventsAgain', () => {
  const always = [afterNoon(-600), afterNoon(600)] as const;
  /** A session that was registered, with these observations. */
  function lifeOf(observations: readonly Observation[]): PaymentRequest {
    const record = registers(undefined);
    if (!record) throw new Error('not registered');
    return observations.reduce<PaymentRequest>((known, observation) => sees(observation)(known), record);
  }
  const lives = twoArrivals(webhooks).map(({ one }) => one);

  it('republished events repeat published keys, show the current state, and leave out replaced states', () => {
    fc.assert(
      fc.property(lives, (observations) => {
        const record = lifeOf(observations);
        const first = eventsOf(undefined, record);
        const again = eventsAgain(record, ...always);
        const keys = first.map(({ detail }) => detail.event_key);
        for (const { detail } of again) {
          expect(keys).toContain(detail.event_key);
          expect(detail.state).toBe(record.state ?? null);
          expect(detail.version).toBe(record.version);
        }
        const changes = first.filter(({ type }) => type === 'Payment Request State Changed');
        const latest = again.filter(({ type }) => type === 'Payment Request State Changed');
        expect(latest.map(({ detail }) => detail.event_key)).toEqual(
          changes.slice(-1).map(({ detail }) => detail.event_key),
        );
        const others = (events: readonly StateChangeEvent[]) =>
          events
            .filter(({ type }) => type !== 'Payment Request State Changed')
            .map(({ detail }) => detail.event_key);
        expect(others(again)).toEqual(others(first));
      }),
    );
  });

  it('a republished state names the event that caused it, in whichever order they were written', () => {
    // Both arrived at once, and the first to arrive was written last. A read has shown the same state since. Each
    // entry has the time of its arrival, as in a write without a read.
    const submitted = observed('SUBMITTED', '2026-03-01T12:00:01Z', { observedAt: afterNoon(2) });
    const paid = observed('COMPLETED', '2026-03-01T12:00:02Z', { observedAt: afterNoon(1) });
    const read = observed('COMPLETED', '2026-03-01T12:00:03Z', { observedAt: afterNoon(5), source: 'read' });
    const record = recordWith({
      ...observedFields(read),
      history: [paid, submitted, read].map(appliedEntry),
    });
    const told = eventsAgain(record, noon, afterNoon(3));
    expect(told.map(({ detail }) => [detail.state, detail.event_key.split('/').at(-2)])).toEqual([
      ['COMPLETED', paid.eventId],
    ]);
  });

  it('a refused cancel is republished', () => {
    const paid = lifeOf([observed('COMPLETED')]);
    const response = { kind: 'already_final', state: 'COMPLETED' } as const;
    const record = withRefusedCommand(
      paid,
      command,
      { outcome: response, eventId: ownEventId('response', '1') },
      afterNoon(1),
    );
    const canceled = sees(observed('CANCELED', '2026-03-01T12:05:00Z'))(paid);
    const again = eventsAgain(record, ...always);
    expect(typesOf(again)).toEqual(['Registered', 'State Changed', 'Cancel Refused']);
    expect(again.at(-1)).toEqual(eventsOf(paid, record)[0]);
    const accepted = claimed(canceled, command, 'l', afterNoon(6));
    expect(typesOf(eventsAgain(accepted, ...always))).toEqual(['Registered', 'State Changed']);
  });

  it('a republished final state names its cause, and a registration names none', () => {
    const record = lifeOf([]);
    const cancellation = { ...settledWith({ outcome: 'canceled' }), cause: 'timeout' as const };
    const canceled = sees(observed('CANCELED', '2026-03-01T12:30:00Z'))({ ...record, cancellation });
    expect(eventsAgain(canceled, ...always).map(({ detail }) => detail.cause)).toEqual([null, 'timeout']);
  });

  it('a registration is republished only if it was accepted', () => {
    const paid = sees(observed('COMPLETED'))(undefined);
    const refused = registers(paid);
    expect(refused && typesOf(eventsAgain(refused, ...always))).toEqual(['State Changed']);
    const abandoned = claimed(recordWith({ version: 0 }), command, 'l', noon);
    const registeredLater = registers({ ...abandoned, cancellation: undefined });
    const events = registeredLater && eventsAgain(registeredLater, ...always);
    expect(events?.map(({ detail }) => detail.event_key)).toEqual([
      expect.stringMatching(/\/register:\d+\/registered$/),
    ]);
  });

  it('a republished state has the time when it began', () => {
    const record = lifeOf([observed('COMPLETED'), observed('COMPLETED', '2026-03-01T12:01:00Z')]);
    expect(eventsAgain(record, ...always).at(-1)?.detail.occurred_at).toBe('2026-03-01T12:00:00Z');
  });

  it('only the events of the requested time range are republished', () => {
    const record = lifeOf([]);
    expect(typesOf(eventsAgain(record, noon, noon))).toEqual(['Registered']);
    expect(eventsAgain(record, afterNoon(1), afterNoon(2))).toEqual([]);
    expect(eventsAgain(record, afterNoon(-2), afterNoon(-1))).toEqual([]);
  });
});
