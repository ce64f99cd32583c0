import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claimed, withRefusedCommand } from '../../functions/domain/cancellation.ts';
import { withAuthorization, withoutAuthorization } from '../../functions/domain/confirmation.ts';
import { settled } from '../../functions/domain/cancel-attempt.ts';
import { ownEventId, parseReference, parseSessionId } from '../../functions/domain/identifiers.ts';
import { resolveAttention } from '../../functions/domain/resolution.ts';
import type { Attention } from '../../functions/domain/attention.ts';
import type { CancellationCause, PaymentRequest } from '../../functions/domain/payment-request.ts';
import { paymentRequestStates } from '../../functions/domain/payment-request-state.ts';
import {
  eventsOf,
  neverSeenEventOf,
  type StateChangeEvent,
  type StateChangeEventType,
} from '../../functions/domain/state-change-event.ts';
import { type AwaitedReference, decideAwait, nextAwaited } from '../../functions/domain/awaited-reference.ts';
import { withPaidTwice } from '../../functions/domain/session-attempts.ts';
import { withObservedTimer } from '../../functions/domain/session-timer.ts';
import { observeReasons } from '../../functions/domain/payment-request.ts';
import { applyObservation } from '../../functions/domain/transition.ts';
import { twoArrivals, webhooks } from '../support/arbitrary-observations.ts';
import { requestId } from '../support/cancel-jobs.ts';
import { eventSchemas } from '../support/event-contract.ts';
import { observed, recordWith, registrationWith, versioned } from '../support/fixtures.ts';
import { pointedAt, type Schema, violations } from '../support/json-schema.ts';
import { afterNoon, armed, policy, register } from '../support/sessions.ts';

const types = {
  'Payment Request Registered': true,
  'Payment Request State Changed': true,
  'Payment Request Cancel Refused': true,
  'Payment Request Needs Attention': true,
  'Payment Request Attention Resolved': true,
  'Session Paid Twice': true,
  'Payment Request Would Have Canceled': true,
  'Payment Request Authorized': true,
  'Payment Request Not Authorized': true,
  'Payment Request Never Seen': true,
} as const satisfies Record<StateChangeEventType, true>;

const causes = {
  api: true,
  timeout: true,
  superseded: true,
  sweep: true,
  job: true,
  operator: true,
} as const satisfies Record<CancellationCause, true>;

const attentions = {
  contradiction: true,
  canceled_after_completed: true,
  paid_twice: true,
  not_authorized: true,
  not_found: true,
  klarna_denied: true,
  unknown_state: true,
} as const satisfies Record<Attention, true>;

const asPublished = ({ type, detail }: StateChangeEvent) => ({
  source: 'lapse',
  'detail-type': type,
  detail,
});

const violationsOf = (event: StateChangeEvent): readonly string[] => {
  const schema = eventSchemas.get(event.type);
  return schema ? violations(schema, asPublished(event)) : [`${event.type} has no schema`];
};

const propertiesOf = (schema: Schema) => pointedAt(schema, '#/properties/detail/properties');

const command = {
  cause: 'api',
  reason: 'basket emptied',
  requestedBy: 'test',
  allowCompleted: false,
} as const;

/** A session that waits for its Payment Request. */
function awaited(): AwaitedReference {
  const reference = parseReference('order-4711');
  if (!reference) throw new Error('no reference');
  const context = { policy, eventId: ownEventId('register', '1'), now: afterNoon(0) };
  const { next } = decideAwait(
    undefined,
    { account: recordWith().account, reference },
    registrationWith(),
    context,
  );
  if (!next) throw new Error('nothing waits');
  return next;
}

/** A request that is registered and canceled, and that Klarna then reports as paid. */
function eventfulLife(): readonly StateChangeEvent[] {
  const { next } = register(undefined, { sessionId: parseSessionId('cart-17'), reference: 'order-4711' });
  if (!next) throw new Error('not registered');
  const registered = versioned(next);
  const claim = versioned(claimed(registered, command, 'lease', afterNoon(1)), registered);
  const end = observed('CANCELED', '2026-03-01T12:01:00Z', { source: 'cancel' });
  const attempt = {
    leaseId: 'lease',
    facts: [end],
    conclusion: { kind: 'known' },
    sent: true,
    allowCompleted: false,
    proof: {},
  } as const;
  const canceled = versioned(settled(claim, attempt, afterNoon(1)), claim);
  const paid = versioned(
    applyObservation(canceled, observed('COMPLETED', '2026-03-01T12:02:00Z')).record,
    canceled,
  );
  const over = recordWith({ state: 'COMPLETED' });
  const refused = withRefusedCommand(
    over,
    command,
    { outcome: { kind: 'already_final', state: 'COMPLETED' }, eventId: ownEventId('response', '1') },
    afterNoon(1),
  );
  const first = recordWith({ state: 'COMPLETED', paymentRequestId: requestId(1) });
  const twice = versioned(withPaidTwice(over, [first, over], afterNoon(3)) ?? over, over);
  const only = withObservedTimer(
    registered,
    { ...armed, stage: { ...armed.stage, observe: true } },
    afterNoon(30),
  );
  if (!only) throw new Error('not observed');
  const observing = versioned(only, registered, afterNoon(30));
  const done = { attention: 'contradiction', by: 'operator', note: 'refunded', at: afterNoon(5) } as const;
  const { next: without = paid } = resolveAttention(paid, { ...done, eventId: ownEventId('resolve', '1') });
  const resolved = versioned(without, paid);
  const records = [
    ...[registered, claim, canceled, paid, resolved, versioned(refused, over), twice, observing],
    ...lateAuthorization(),
  ];
  return [
    ...records.flatMap((record) => eventsOf(record, { paid: [first.paymentRequestId], open: [] })),
    neverSeenEventOf(nextAwaited(awaited(), { status: 'never_seen' }, afterNoon(31))),
  ];
}

/** A payment that needs a person, lapses, and is authorized after that. */
function lateAuthorization(): readonly PaymentRequest[] {
  const record = applyObservation(
    recordWith({ confirmation: { alertAfter: 2_700_000 } }),
    observed('COMPLETED'),
  ).record;
  const alerted = versioned(
    withoutAuthorization(record, false, afterNoon(45)) ?? record,
    record,
    afterNoon(45),
  );
  const lapsed = versioned(
    withoutAuthorization(alerted, false, afterNoon(60)) ?? alerted,
    alerted,
    afterNoon(60),
  );
  const report = {
    eventId: ownEventId('authorized', '1'),
    source: 'api',
    at: afterNoon(61),
    reportedAt: afterNoon(61),
    proof: {},
  } as const;
  return [alerted, lapsed, versioned(withAuthorization(lapsed, report) ?? lapsed, lapsed, afterNoon(61))];
}

it('each event type has one schema, and its example fits it', () => {
  expect([...eventSchemas.keys()].toSorted()).toEqual(Object.keys(types).toSorted());
  for (const schema of eventSchemas.values()) {
    for (const example of schema['examples'] as readonly unknown[])
      expect(violations(schema, example)).toEqual([]);
  }
});

describe('published events', () => {
  it('every published event fits its schema', () => {
    const events = eventfulLife();
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(Object.keys(types)));
    for (const event of events) expect(violationsOf(event)).toEqual([]);
  });

  it('events fit their schema for random webhooks in any order', () => {
    fc.assert(
      fc.property(twoArrivals(webhooks), ({ one }) => {
        let record: PaymentRequest | undefined;
        for (const each of one) {
          const before = record ?? recordWith({ version: 0 });
          const after = versioned(applyObservation(before, each).record, record, each.observedAt);
          for (const event of eventsOf(after)) expect(violationsOf(event)).toEqual([]);
          record = after;
        }
      }),
    );
  });

  it('published events have exactly the fields of their schema', () => {
    for (const { type, detail } of eventfulLife()) {
      const schema = eventSchemas.get(type) ?? {};
      expect(Object.keys(propertiesOf(schema))).toEqual(Object.keys(detail));
      expect(pointedAt(schema, '#/properties/detail')['required']).toEqual(Object.keys(detail));
    }
  });
});

describe('the event schemas', () => {
  const valuesOf = (type: StateChangeEventType, field: string) =>
    (propertiesOf(eventSchemas.get(type) ?? {})[field] as Schema)['enum'];

  it('the event schemas have every state, cause and attention', () => {
    const states = [...paymentRequestStates, null];
    expect(valuesOf('Payment Request Cancel Refused', 'state')).toEqual(states);
    expect(valuesOf('Payment Request State Changed', 'state')).toEqual(paymentRequestStates);
    expect(valuesOf('Payment Request State Changed', 'previous_state')).toEqual(states);
    expect(valuesOf('Payment Request State Changed', 'cause')).toEqual([...Object.keys(causes), null]);
    expect(valuesOf('Payment Request Cancel Refused', 'cause')).toEqual([...Object.keys(causes), null]);
    expect(valuesOf('Payment Request Needs Attention', 'cause')).toEqual(Object.keys(attentions));
    expect(valuesOf('Payment Request Would Have Canceled', 'cause')).toEqual(observeReasons);
  });

  it('the event schemas refuse a wrong event', () => {
    const [event] = eventfulLife();
    if (!event) throw new Error('nothing is published');
    const { detail } = event;
    const wrong: readonly Readonly<Record<string, unknown>>[] = [
      { ...detail, version: 0 },
      { ...detail, sequence: 0 },
      { ...detail, sequence: undefined },
      { ...detail, state: 'PAUSED' },
      { ...detail, occurred_at: 'noon' },
      { ...detail, schema_version: 2 },
      { ...detail, session_id: undefined },
      Object.fromEntries(Object.entries(detail).filter(([name]) => name !== 'reference')),
    ];
    const schema = eventSchemas.get(event.type) ?? {};
    for (const each of wrong)
      expect(violations(schema, { ...asPublished(event), detail: each })).not.toEqual([]);
  });

  it('docs/reference/events.md links every event schema', () => {
    const docs = join(import.meta.dirname, '..', '..', 'docs');
    const explained = readFileSync(join(docs, 'reference', 'events.md'), 'utf8');
    for (const file of readdirSync(join(docs, 'events'))) expect(explained).toContain(`(../events/${file})`);
    for (const type of Object.keys(types)) expect(explained).toContain(`\`${type}\``);
  });
});
