import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claimed, withRefusedCommand } from '../../functions/domain/cancellation.ts';
import { settled } from '../../functions/domain/cancel-attempt.ts';
import { ownEventId, parseSessionId } from '../../functions/domain/identifiers.ts';
import type { Observation } from '../../functions/domain/observation.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { nextAttempt } from '../../functions/domain/reconciliation.ts';
import { decideExtension } from '../../functions/domain/registration.ts';
import { withArmedTimer, withObservedTimer } from '../../functions/domain/session-timer.ts';
import { eventsAgain, eventsOf, type StateChangeEvent } from '../../functions/domain/state-change-event.ts';
import { appliedEntry, applyObservation, observedFields } from '../../functions/domain/transition.ts';
import { twoArrivals, webhooks } from '../support/arbitrary-observations.ts';
import { key, noon, observed, recordWith, versioned } from '../support/fixtures.ts';
import { afterNoon, minute, policy, register, registered, settledWith, armed } from '../support/sessions.ts';
import { traceIdOf } from '../../functions/domain/trace.ts';

const longer = {
  deadline: { kind: 'session_timeout', millis: 50 * minute, given: 'PT50M' },
  requestedBy: 'someone',
} as const;
const extending = { policy, eventId: ownEventId('extend', '1'), now: noon };

/** A key without the number that the test gives each registration. */
const suffixOf = (eventKey: string): string => eventKey.replace(/\/register:\d+\//, '/register/');

const command = { cause: 'timeout', requestedBy: 'lapse:session-timer', allowCompleted: false } as const;

type Write = (record: PaymentRequest | undefined) => PaymentRequest | undefined;

/** The record after a write, as it is stored: the same record where nothing is written. */
function stored(before: PaymentRequest | undefined, write: Write): PaymentRequest {
  const next = write(before);
  if (next && next !== before) return versioned(next, before);
  if (!before) throw new Error('the first write writes nothing');
  return before;
}

/** The events of a sequence of writes, as the stream shows them. */
function published(writes: readonly Write[]): readonly StateChangeEvent[] {
  let record: PaymentRequest | undefined;
  const events: StateChangeEvent[] = [];
  for (const write of writes) {
    const after = stored(record, write);
    if (after !== record) events.push(...eventsOf(after));
    record = after;
  }
  return events;
}

const sees =
  (observation: Observation): Write =>
  (record) =>
    applyObservation(record ?? recordWith({ version: 0 }), observation).record;
const registers: Write = (record) => register(record).next;
const typesOf = (events: readonly StateChangeEvent[]) => events.map((event) => event.type.slice(16));

describe('the events of a request', () => {
  it('a paid request publishes its registration and each state', () => {
    const events = published([
      registers,
      sees(observed('SUBMITTED', '2026-03-01T12:00:01Z')),
      sees(observed('IN_PROGRESS', '2026-03-01T12:01:00Z', { previousState: 'SUBMITTED' })),
      sees(observed('COMPLETED', '2026-03-01T12:02:00Z', { previousState: 'IN_PROGRESS' })),
      sees(observed('COMPLETED', '2026-03-01T12:02:00Z', { eventId: ownEventId('again', '1') })),
      (record) => record && withObservedTimer(record, armed, afterNoon(30)),
      (record) => record && decideExtension(record, longer, extending).next,
    ]);
    expect(
      events.map(({ type, detail }) => [type, detail.state, detail.previous_state, detail.version]),
    ).toEqual([
      ['Payment Request Registered', null, null, 1],
      ['Payment Request State Changed', 'SUBMITTED', null, 2],
      ['Payment Request State Changed', 'IN_PROGRESS', 'SUBMITTED', 3],
      ['Payment Request State Changed', 'COMPLETED', 'IN_PROGRESS', 4],
    ]);
    expect(events.map(({ detail }) => detail.sequence)).toEqual([1, 2, 3, 4]);
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
            allowCompleted: false,
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
    expect(events.map(({ detail }) => [detail.version, detail.sequence])).toEqual([
      [3, 2],
      [3, 3],
    ]);
  });

  it('an event has every field, with readable times', () => {
    const names = { sessionId: parseSessionId('session-1'), reference: 'order 17' };
    const end = observed('CANCELED', '2026-03-01T12:30:00.5Z', {
      previousState: 'SUBMITTED',
      stateReason: 'PARTNER_CANCELED',
      observedAt: afterNoon(31),
    });
    const before = registered({ ...names, sequence: 4 });
    const [event] = eventsOf({ ...stored(before, sees(end)), version: 7 });
    expect(event).toEqual({
      type: 'Payment Request State Changed',
      detail: {
        event_key: `shop-se/${key.paymentRequestId}/${end.eventId}/state-changed`,
        schema_version: 1,
        account: 'shop-se',
        payment_request_id: key.paymentRequestId,
        trace_id: traceIdOf(key.paymentRequestId),
        session_id: 'session-1',
        reference: 'order 17',
        state: 'CANCELED',
        previous_state: 'SUBMITTED',
        state_reason: 'PARTNER_CANCELED',
        recovered_from: null,
        paid_attempts: null,
        open_attempts: null,
        cause: null,
        reason: null,
        confirmation: null,
        confirm_by: null,
        occurred_at: '2026-03-01T12:30:00.5Z',
        recorded_at: '2026-03-01T12:31:00Z',
        sequence: 5,
        version: 7,
      },
    });
  });

  it('each event has the reason of its own state', () => {
    const [back, paid] = published([
      sees(observed('SUBMITTED', undefined, { stateReason: 'PURCHASE_FLOW_ABORTED' })),
      sees(observed('COMPLETED', '2026-03-01T12:01:00Z')),
    ]);
    expect(back?.detail.state_reason).toBe('PURCHASE_FLOW_ABORTED');
    expect(paid?.detail.state_reason).toBeNull();
  });

  it('two states of one write have the reasons of their own', () => {
    const before = stored(undefined, sees(observed('SUBMITTED', undefined, { stateReason: 'A' })));
    const both: Write = (record) =>
      sees(observed('CANCELED', '2026-03-01T12:02:00Z', { stateReason: 'C' }))(
        sees(observed('IN_PROGRESS', '2026-03-01T12:01:00Z', { stateReason: 'B' }))(record),
      );
    const events = eventsOf(stored(before, both));
    // Of a state that another one follows in the same write, the reason is not kept.
    expect(events.map(({ detail }) => [detail.state, detail.state_reason])).toEqual([
      ['IN_PROGRESS', null],
      ['CANCELED', 'C'],
    ]);
  });

  it('an event of a state without a known time happened when it was recorded', () => {
    const fact = observed('SUBMITTED', '1970-01-01T00:00:00Z', { observedAt: afterNoon(3) });
    const [event] = published([sees(fact)]);
    expect(event?.detail).toMatchObject({ occurred_at: '2026-03-01T12:03:00Z', state: 'SUBMITTED' });
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
            allowCompleted: false,
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
  const known = stored(undefined, sees(observed('COMPLETED')));
  it.each<[string, (record: PaymentRequest) => PaymentRequest | undefined]>([
    ['a stale observation', sees(observed('SUBMITTED', '2026-03-01T11:00:00Z'))],
    ['a confirmation', sees(observed('COMPLETED', '2026-03-01T11:00:00Z'))],
    ['the same state at a later time', sees(observed('COMPLETED', '2026-03-01T13:00:00Z'))],
    ['a claim', (record) => claimed(record, command, 'l', noon)],
    [
      'an armed timer',
      (record) => withArmedTimer({ ...record, timer: 'pending', deadlineAt: noon }, noon, 'armed'),
    ],
    [
      'an extension',
      (record) =>
        decideExtension(
          { ...record, state: 'SUBMITTED', session: registered().session, deadlineAt: afterNoon(30) },
          longer,
          extending,
        ).next,
    ],
    ['a refused registration', registers],
    ['an attempt of the sweep', (record) => ({ ...record, ...nextAttempt(record, noon) })],
  ])('a write publishes nothing for %s', (_, write) => {
    const next = write(known);
    expect(next).toBeDefined();
    expect(next).not.toBe(known);
    const after = next && versioned(next, { ...known, state: next.state, session: next.session });
    expect(after && [eventsOf(after), after.sequence]).toEqual([[], known.sequence]);
  });

  it('a duplicate writes nothing', () => {
    expect(sees(observed('COMPLETED'))(known)).toBe(known);
  });

  it('a repeated registration of a session publishes nothing', () => {
    const before = registered();
    const { next } = register(before, { reference: 'order 18' });
    expect(next && eventsOf(versioned(next, before))).toEqual([]);
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
          const next = stored(record, sees(observation));
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
        const final = one.reduce<PaymentRequest | undefined>(
          (record, each) => stored(record, sees(each)),
          undefined,
        );
        const flagged = final?.history.filter((entry) => entry.attention !== undefined) ?? [];
        expect(called.map((event) => event.detail.cause)).toEqual(flagged.map((entry) => entry.attention));
      }),
    );
  });
});

describe('the sequence of events', () => {
  it('the sequences of a request have no gap and no repetition, whatever arrives', () => {
    fc.assert(
      fc.property(twoArrivals(webhooks), ({ one }) => {
        const writes = [...one.slice(0, 3).map(sees), registers, ...one.slice(3).map(sees)];
        const sequences = published(writes).map(({ detail }) => detail.sequence);
        expect(sequences).toEqual(sequences.map((_, index) => index + 1));
      }),
    );
  });

  it('the event with the highest sequence shows the state of the record', () => {
    fc.assert(
      fc.property(twoArrivals(webhooks), ({ one }) => {
        const writes = one.map(sees);
        const final = writes.reduce<PaymentRequest | undefined>(stored, undefined);
        expect(published(writes).at(-1)?.detail.state).toBe(final?.state);
      }),
    );
  });

  it('events do not depend on what the history still holds', () => {
    const record = stored(undefined, sees(observed('SUBMITTED')));
    expect(eventsOf({ ...record, history: [] })).toEqual(eventsOf(record));
  });
});

describe('eventsAgain', () => {
  const always = [afterNoon(-600), afterNoon(600)] as const;
  /** A session that was registered, with these observations. */
  function lifeOf(observations: readonly Observation[]): PaymentRequest {
    const record = stored(undefined, registers);
    return observations.reduce((known, observation) => stored(known, sees(observation)), record);
  }
  const lives = twoArrivals(webhooks).map(({ one }) => one);

  it('republished events repeat published keys, show the current state, and leave out replaced states', () => {
    fc.assert(
      fc.property(lives, (observations) => {
        const record = lifeOf(observations);
        const first = published([registers, ...observations.map(sees)]);
        const again = eventsAgain(record, ...always);
        const keys = first.map(({ detail }) => suffixOf(detail.event_key));
        for (const { detail } of again) {
          expect(keys).toContain(suffixOf(detail.event_key));
          expect(detail.state).toBe(record.state ?? null);
          expect([detail.version, detail.sequence]).toEqual([record.version, record.sequence]);
        }
        const changes = first.filter(({ type }) => type === 'Payment Request State Changed');
        const latest = again.filter(({ type }) => type === 'Payment Request State Changed');
        expect(latest.map(({ detail }) => detail.event_key)).toEqual(
          changes.slice(-1).map(({ detail }) => detail.event_key),
        );
        const others = (events: readonly StateChangeEvent[]) =>
          events
            .filter(({ type }) => type !== 'Payment Request State Changed')
            .map(({ detail }) => suffixOf(detail.event_key));
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
    const record = stored(paid, () =>
      withRefusedCommand(
        paid,
        command,
        { outcome: response, eventId: ownEventId('response', '1') },
        afterNoon(1),
      ),
    );
    const canceled = stored(paid, sees(observed('CANCELED', '2026-03-01T12:05:00Z')));
    const again = eventsAgain(record, ...always);
    expect(typesOf(again)).toEqual(['Registered', 'State Changed', 'Cancel Refused']);
    expect(again.at(-1)).toEqual(eventsOf(record)[0]);
    const accepted = claimed(canceled, command, 'l', afterNoon(6));
    expect(typesOf(eventsAgain(accepted, ...always))).toEqual(['Registered', 'State Changed']);
  });

  it('a republished final state names its cause, and a registration names none', () => {
    const record = lifeOf([]);
    const cancellation = { ...settledWith({ outcome: 'canceled' }), cause: 'timeout' as const };
    const canceled = stored({ ...record, cancellation }, sees(observed('CANCELED', '2026-03-01T12:30:00Z')));
    expect(eventsAgain(canceled, ...always).map(({ detail }) => detail.cause)).toEqual([null, 'timeout']);
  });

  it('a registration is republished only if it was accepted', () => {
    const paid = stored(undefined, sees(observed('COMPLETED')));
    expect(typesOf(eventsAgain(stored(paid, registers), ...always))).toEqual(['State Changed']);
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
