/**
 * Deliberate mistakes of kinds that are made in practice. They modify what an invocation gets from outside, or
 * replace a use case. Shipped code does not know them.
 */
import { cancelPaymentRequest } from '../../functions/application/cancel-payment-request.ts';
import type { PaymentRequestStore, WriteResult } from '../../functions/application/ports.ts';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import { receiveWebhook } from '../../functions/application/receive-webhook.ts';
import type { Account, PaymentRequestKey } from '../../functions/domain/identifiers.ts';
import { instantFromMillis, parseInstant, plusMillis } from '../../functions/domain/instant.ts';
import type { Observation } from '../../functions/domain/observation.ts';
import { hasRecorded, withEntry } from '../../functions/domain/history.ts';
import { asNextVersion } from '../../functions/domain/next-version.ts';
import {
  isKlarnaExpiryEarly,
  type PaymentRequest,
  unknownPaymentRequest,
} from '../../functions/domain/payment-request.ts';
import { isFinal } from '../../functions/domain/payment-request-state.ts';
import { armedOnSubmitted } from '../../functions/domain/registration.ts';
import { eventsOf } from '../../functions/domain/state-change-event.ts';
import { appliedEntry, observedFields } from '../../functions/domain/transition.ts';
import { quarantinedDelivery } from '../support/klarna-deliveries.ts';
import { decisionMutants } from './decision-mutants.ts';
import { bending, bentWrites, type Mutant, replacing } from './mutant.ts';
import { operationMutants } from './operation-mutants.ts';
import { attemptMutants } from './attempt-mutants.ts';
import { confirmationMutants } from './confirmation-mutants.ts';
import { erasureMutants } from './erasure-mutants.ts';
import { referenceMutants } from './reference-mutants.ts';
import { sessionMutants } from './session-mutants.ts';
import { accountNamed } from './plan.ts';
import { type Protocol, useCases } from './protocol.ts';
import type { Ports } from './simulated-ports.ts';

/** A store that shows every record modified, and undoes the modification when the record is stored. */
function seen(
  store: PaymentRequestStore,
  bend: (record: PaymentRequest) => PaymentRequest,
  unbend: (next: PaymentRequest, truth: PaymentRequest | undefined) => PaymentRequest,
): PaymentRequestStore {
  let truth: PaymentRequest | undefined;
  const see = (record: PaymentRequest | undefined) => {
    truth = record;
    return record && bend(record);
  };
  const seeResult = (result: WriteResult): WriteResult =>
    result.written ? result : { written: false, stored: see(result.stored) };
  return {
    read: async (key) => see(await store.read(key)),
    readAll: async (keys) => (await store.readAll(keys)).map(bend),
    observe: async (key, observation) => seeResult(await store.observe(key, observation)),
    noteStale: async (...noted) => seeResult(await store.noteStale(...noted)),
    register: async (made) => {
      const result = await store.register(unbend(made, undefined));
      return result.written
        ? { written: true, record: bend(result.record) }
        : { written: false, stored: see(result.stored) };
    },
    authorize: async (...told) => seeResult(await store.authorize(...told)),
    save: async (current, next) => seeResult(await store.save(current, unbend(next, truth))),
  };
}

/** Applies a webhook's observation by another rule. */
const receiving = (
  decide: (record: PaymentRequest, observation: Observation) => 'apply' | 'as-it-should-be',
): Protocol =>
  replacing({
    receive: (dependencies) => async (delivery) => {
      if (delivery.kind !== 'observation') return receiveWebhook(dependencies)(delivery);
      const { key, observation } = delivery;
      for (;;) {
        const stored = await dependencies.store.read(key);
        const now = instantFromMillis(dependencies.clock.now());
        const record = stored ?? unknownPaymentRequest(key, now);
        if (decide(record, observation) !== 'apply') return receiveWebhook(dependencies)(delivery);
        const next = asNextVersion(
          stored,
          { ...withEntry(record, appliedEntry(observation)), ...observedFields(observation) },
          { id: dependencies.ids.next(), now },
        );
        if ((await dependencies.store.save(stored, next)).written) return 'superseding';
      }
    },
  });

/** Writes the account's default timer into whatever record is stored by then. */
const armingWhatIsThere =
  ({ store }: Ports): Ports['store']['save'] =>
  async (current, next) => {
    const result = await store.save(current, next);
    const { session, deadlineAt, timer } = next;
    const isDefault = session?.requested === armedOnSubmitted && current?.session === undefined;
    if (result.written || !result.stored || !isDefault) return result;
    const armed = { ...result.stored, session, deadlineAt, timer };
    const write = { id: next.writes.at(-1) ?? '', now: next.updatedAt };
    return store.save(result.stored, asNextVersion(result.stored, armed, write));
  };

/** Sets Klarna's expiry once, and leaves it when the deadline moves. */
const onlyTheFirstExpiry =
  ({ syncExpiry }: Ports): Ports['syncExpiry'] =>
  (record, settings) =>
    record.session?.klarnaExpiry ? Promise.resolve(record) : syncExpiry(record, settings);

/** Klarna with modified responses. */
const bentResponses = (
  bend: (
    response: KlarnaResponse,
    call: 'read' | 'cancel',
    again: () => Promise<KlarnaResponse>,
  ) => KlarnaResponse | Promise<KlarnaResponse>,
): Protocol =>
  bending((ports) => {
    const { read, cancel } = ports.klarna;
    return {
      ...ports,
      klarna: {
        read: async (...asked) => bend(await read(...asked), 'read', () => read(...asked)),
        cancel: async (...asked) => bend(await cancel(...asked), 'cancel', () => cancel(...asked)),
      },
    };
  });

const fromState = (state: 'SUBMITTED' | 'IN_PROGRESS' | 'CANCELED' | 'EXPIRED'): KlarnaResponse => ({
  kind: 'payment_request',
  state,
  proof: { status: '200' },
});

const longAgo = parseInstant('2026-01-01T00:00:00Z');
const farAhead = parseInstant('9999-01-01T00:00:00Z');

export const mutants: readonly Mutant[] = [
  {
    name: 'a webhook is acknowledged before it is written',
    invariant: 'acknowledged-is-durable',
    protocol: replacing({
      receive: (dependencies) => (delivery) => {
        receiveWebhook(dependencies)(delivery).catch(() => undefined);
        return Promise.resolve('superseding');
      },
    }),
  },
  {
    name: 'a stale webhook is acknowledged and not written',
    invariant: 'acknowledged-is-durable',
    protocol: bending((ports) => ({
      ...ports,
      store: { ...ports.store, noteStale: () => Promise.resolve({ written: true }) },
    })),
  },
  {
    name: 'a repeated event takes effect again',
    invariant: 'event-takes-effect-once',
    protocol: receiving((record, { eventId }) =>
      record.evidence?.eventId === eventId && !isFinal(record.state) ? 'apply' : 'as-it-should-be',
    ),
  },
  {
    name: 'the event that arrives last wins',
    invariant: 'rank-never-falls',
    protocol: receiving((record, { eventId }) =>
      hasRecorded(record, eventId) || isFinal(record.state) ? 'as-it-should-be' : 'apply',
    ),
  },
  {
    name: 'the event with the latest time wins, whatever its rank',
    invariant: 'rank-never-falls',
    protocol: receiving((record, { eventId, occurredAt }) =>
      hasRecorded(record, eventId) ||
      isFinal(record.state) ||
      (record.position?.slice(2) ?? '') > `${occurredAt}|${eventId}`
        ? 'as-it-should-be'
        : 'apply',
    ),
  },
  {
    name: 'a second final state overwrites the first',
    invariant: 'final-state-never-changes',
    protocol: receiving((record, { state }) =>
      isFinal(record.state) && isFinal(state) && record.state !== state ? 'apply' : 'as-it-should-be',
    ),
  },
  {
    name: 'a webhook with a time in the far future keeps that time',
    invariant: 'far-future-freezes-nothing',
    protocol: replacing({
      readDelivery: (...delivery) => {
        const verified = useCases.readDelivery(...delivery);
        if (verified.kind !== 'observation') return verified;
        const { observation } = verified;
        const occurredAt =
          parseInstant(observation.proof['said_to_occur_at'] ?? '') ?? observation.occurredAt;
        return { ...verified, observation: { ...observation, occurredAt } };
      },
    }),
  },
  {
    name: 'an open state without a known time is not asked about',
    invariant: 'untimed-is-asked',
    protocol: bentWrites((next) =>
      next.question?.about === 'time' ? { ...next, question: undefined } : next,
    ),
  },
  {
    name: 'a webhook of another family is quarantined',
    invariant: 'unused-changes-nothing',
    protocol: replacing({
      receive: (dependencies) => async (delivery) => {
        if (delivery.kind === 'unused')
          await dependencies.quarantine.keep({ ...quarantinedDelivery, deliveryId: delivery.eventId ?? '' });
        return receiveWebhook(dependencies)(delivery);
      },
    }),
  },
  {
    name: 'an update without a state means SUBMITTED',
    invariant: 'unused-changes-nothing',
    protocol: replacing({
      readDelivery: (bytes, ...rest) =>
        useCases.readDelivery(
          Buffer.from(
            Buffer.from(bytes)
              .toString('utf8')
              .replace(/"payload":{(?!.*"state":)/, '"payload":{"state":"SUBMITTED",'),
          ),
          ...rest,
        ),
    }),
  },
  {
    name: 'a webhook of any version is read as v2',
    invariant: 'no-change-without-a-signature',
    protocol: replacing({
      readDelivery: (bytes, ...rest) =>
        useCases.readDelivery(
          Buffer.from(
            Buffer.from(bytes).toString('utf8').replace('"event_version":"v3"', '"event_version":"v2"'),
          ),
          ...rest,
        ),
    }),
  },
  {
    name: 'a contradiction is settled without attention',
    invariant: 'contradiction-is-seen',
    protocol: bentWrites((next) => ({
      ...next,
      attention: next.attention === 'contradiction' ? undefined : next.attention,
      history: next.history.map((entry) => ({ ...entry, attention: undefined })),
    })),
  },
  {
    name: 'the writer publishes events after the write',
    invariant: 'written-is-published',
    protocol: {
      ...publishingBy('after'),
      useCases: { ...useCases, publish: () => () => Promise.resolve(allPublished) },
    },
  },
  {
    name: 'the writer publishes events before the write',
    invariant: 'published-was-written',
    protocol: {
      ...publishingBy('before'),
      useCases: { ...useCases, publish: () => () => Promise.resolve(allPublished) },
    },
  },
  {
    name: 'a batch with a refused event counts as published',
    invariant: 'written-is-published',
    protocol: replacing({
      publish: (dependencies) => async (entries, until) => ({
        ...(await useCases.publish(dependencies)(entries, until)),
        retryFrom: undefined,
      }),
    }),
  },
  {
    name: 'a claim excludes no other caller',
    invariant: 'one-holder-of-a-claim',
    protocol: bending((ports) => ({ ...ports, store: seen(ports.store, withLease(longAgo), withTrueLease) })),
  },
  {
    name: 'a claim never ends',
    invariant: 'cancels-are-settled',
    protocol: bentWrites(withLease(farAhead)),
  },
  {
    name: 'a write ignores concurrent writes',
    invariant: 'history-is-only-added-to',
    protocol: bending((ports) => ({
      ...ports,
      store: {
        ...ports.store,
        save: async (current, next) => {
          const result = await ports.store.save(current, next);
          if (result.written || !result.stored) return result;
          return ports.store.save(result.stored, { ...next, version: result.stored.version + 1 });
        },
      },
    })),
  },
  {
    name: 'a write does not increase the version',
    invariant: 'versions-have-no-gaps',
    protocol: bentWrites((next, current) => ({ ...next, version: Math.max(1, current?.version ?? 0) })),
  },
  {
    name: 'CANCELED is written because a DELETE was sent',
    invariant: 'canceled-only-on-evidence',
    protocol: bentResponses((response, call) => (call === 'cancel' ? fromState('CANCELED') : response)),
  },
  {
    name: 'a 404 always means EXPIRED',
    invariant: 'state-was-klarnas',
    protocol: bentResponses((response) => (response.kind === 'not_found' ? fromState('EXPIRED') : response)),
  },
  {
    name: 'a DELETE is sent without a read before it',
    invariant: 'no-delete-after-paid',
    protocol: bending((ports) => ({
      ...ports,
      klarna: { ...ports.klarna, read: () => Promise.resolve(fromState('SUBMITTED')) },
    })),
  },
  {
    name: 'a paid request is canceled like any other',
    invariant: 'no-delete-after-paid',
    protocol: bentResponses((response, call) =>
      call === 'read' && response.kind === 'payment_request' && response.state === 'COMPLETED'
        ? fromState('IN_PROGRESS')
        : response,
    ),
  },
  {
    name: 'a DELETE without a response is sent again at once',
    invariant: 'no-delete-after-paid',
    protocol: bentResponses((response, call, again) =>
      call === 'cancel' && response.kind === 'unclear' ? again() : response,
    ),
  },
  {
    name: 'calls to Klarna repeat until it responds',
    invariant: 'calls-to-klarna-are-bounded',
    protocol: bentResponses(async (response, call, again) => {
      let last = response;
      if (call === 'cancel') return response;
      for (let tries = 0; tries < 20 && last.kind === 'unclear'; tries += 1) last = await again();
      return last;
    }),
  },
  {
    name: 'a timer trusts its message',
    invariant: 'no-timer-cancel-before-the-deadline',
    protocol: bending((ports, task) =>
      task.function === 'timer' ? { ...ports, store: seen(ports.store, asIfOver, withTrueDeadline) } : ports,
    ),
  },
  {
    name: 'a moved deadline does not move the timer',
    invariant: 'sweep-repairs-nothing',
    protocol: bending((ports, task) =>
      task.function === 'extend'
        ? { ...ports, timer: { ...ports.timer, arm: () => Promise.resolve(false) } }
        : ports,
    ),
  },
  {
    name: "Klarna's expiry does not move with the deadline",
    invariant: 'sweep-repairs-nothing',
    protocol: bending((ports) => ({
      ...ports,
      syncExpiry: onlyTheFirstExpiry(ports),
    })),
  },
  {
    name: "Klarna's expiry does not move with the deadline, and the sweep does not try again",
    invariant: 'klarna-expiry-is-not-early',
    protocol: bending((ports) => ({
      ...ports,
      syncExpiry: onlyTheFirstExpiry(ports),
      store: {
        ...ports.store,
        save: (current, next) =>
          ports.store.save(
            current,
            isKlarnaExpiryEarly(next) ? { ...next, dueAt: next.deadlineAt, attempts: 1 } : next,
          ),
      },
    })),
  },
  {
    name: "the account's default timer replaces a registration",
    invariant: 'registrations-stay',
    protocol: bending((ports) => ({
      ...ports,
      store: { ...ports.store, save: armingWhatIsThere(ports) },
    })),
  },
  {
    name: 'the key does not contain the account',
    invariant: 'nothing-crosses-accounts',
    protocol: bending((ports) => ({ ...ports, store: ofOneAccount(ports.store) })),
  },
  {
    name: 'a pending cancel is not due',
    invariant: 'unfinished-is-due',
    protocol: bentWrites((next) =>
      next.cancellation?.outcome === 'pending' ? { ...next, dueAt: undefined } : next,
    ),
  },
  {
    name: 'an observed session is never read again',
    invariant: 'record-equals-klarna',
    protocol: bentWrites((next) =>
      next.session?.onTimeout === 'observe' && next.timer === 'fired' ? { ...next, dueAt: undefined } : next,
    ),
  },
  {
    name: 'the cancel of a crashed caller counts as refused once the request is paid',
    invariant: 'unknown-end-is-asked-for',
    protocol: bending((ports) => ({
      ...ports,
      store: seen(ports.store, asIfNothingWasSent, (next) => next),
    })),
  },
  {
    name: 'a response to a DELETE is recorded only if it says CANCELED',
    invariant: 'deletes-are-accounted-for',
    protocol: bentWrites((next) => ({
      ...next,
      history: next.history.filter(({ kind, effect }) => kind !== 'cancel' || effect !== 'noted'),
    })),
  },
  {
    name: 'a canceled paid request gets no attention',
    invariant: 'paid-then-canceled-is-seen',
    protocol: bentWrites((next) => ({
      ...next,
      attention: next.attention === 'canceled_after_completed' ? undefined : next.attention,
      history: next.history.map((entry) => ({
        ...entry,
        attention: entry.attention === 'canceled_after_completed' ? undefined : entry.attention,
      })),
    })),
  },
  {
    name: 'a settled record stays due',
    invariant: 'nothing-stays-due',
    protocol: bentWrites((next, current) => ({
      ...next,
      dueAt: next.dueAt ?? current?.dueAt,
    })),
  },
  {
    name: 'the sweep finds nothing',
    invariant: 'sessions-end',
    protocol: bending((ports) => ({ ...ports, due: { due: () => nothingDue() } })),
  },
  {
    name: 'every signature is accepted',
    invariant: 'no-change-without-a-signature',
    protocol: replacing({ verify: () => true }),
  },
  {
    name: 'the body of a webhook is stored',
    invariant: 'no-secret-leaves',
    protocol: replacing({
      readDelivery: (bytes, key, receivedAt) => {
        const delivery = useCases.readDelivery(bytes, key, receivedAt);
        if (delivery.kind !== 'observation') return delivery;
        const proof = { ...delivery.observation.proof, body: new TextDecoder().decode(bytes) };
        return { ...delivery, observation: { ...delivery.observation, proof } };
      },
    }),
  },
  {
    name: 'a timer cancels a paid request',
    invariant: 'no-delete-after-paid',
    protocol: replacing({
      endExpired: (dependencies) => async (key, settings) => ({
        kind: 'ended',
        cancel: await cancelPaymentRequest({ ...dependencies, klarna: paidShownAsOpen(dependencies.klarna) })(
          key,
          { cause: 'timeout', requestedBy: 'lapse:session-timer', allowCompleted: false },
          settings,
        ),
      }),
    }),
  },
  {
    name: 'the sweep waits a minute for a timer although it is the only timer',
    invariant: 'the-sweep-is-on-time',
    protocol: bentWrites((next) =>
      next.timer === 'sweep' && next.deadlineAt !== undefined && next.dueAt === next.deadlineAt
        ? { ...next, dueAt: plusMillis(next.deadlineAt, 60_000) }
        : next,
    ),
  },
  {
    name: 'events have the version of the record as their sequence',
    invariant: 'every-fact-is-an-event',
    protocol: bentWrites((next) => ({ ...next, sequence: next.version })),
  },
  {
    name: 'a write keeps the events of the one before it',
    invariant: 'every-fact-is-an-event',
    protocol: bentWrites((next, current) => ({
      ...next,
      changes: next.changes.length === 0 ? (current?.changes ?? []) : next.changes,
    })),
  },
  {
    name: 'only the first event of a write is published',
    invariant: 'every-fact-is-an-event',
    protocol: bentWrites((next) => ({
      ...next,
      changes: next.changes.slice(0, 1),
      sequence: next.sequence - Math.max(0, next.changes.length - 1),
    })),
  },
  {
    name: 'the oldest entries are dropped, whatever they are',
    invariant: 'what-matters-is-kept',
    protocol: bentWrites((next, current) => {
      const { dropped } = next;
      if (!dropped || !current || current.dropped) return next;
      const kept = current.history.slice(dropped.count);
      const added = next.history.filter((entry) => !current.history.includes(entry));
      return { ...next, history: [...kept, ...added] };
    }),
  },
  {
    name: 'dropped entries are not counted',
    invariant: 'history-is-only-added-to',
    protocol: bentWrites((next) => ({ ...next, dropped: undefined })),
  },
  {
    name: 'the history is not bounded',
    invariant: 'item-is-bounded',
    protocol: bentWrites((next, current) => {
      const known = new Set(next.history.map(({ eventId }) => eventId));
      const lost = (current?.history ?? []).filter(({ eventId }) => !known.has(eventId));
      return { ...next, history: [...lost, ...next.history], dropped: undefined };
    }),
  },
  {
    name: 'an event tells the state before the write that made it',
    invariant: 'highest-sequence-is-the-record',
    protocol: bentWrites((next, current) => ({
      ...next,
      changes: next.changes.map((change) =>
        change.kind === 'state_changed' ? change : { ...change, state: current?.state },
      ),
    })),
  },
  ...operationMutants,
  ...decisionMutants,
  ...sessionMutants,
  ...attemptMutants,
  ...confirmationMutants,
  ...referenceMutants,
  ...erasureMutants,
];

const allPublished = { retryFrom: undefined, published: [], setAside: [] } as const;

/** Publishes with every write, before or after it, instead of from the stream. */
function publishingBy(when: 'before' | 'after'): Protocol {
  return bending((ports) => ({
    ...ports,
    store: {
      ...ports.store,
      save: async (current, next) => {
        const events = eventsOf(next);
        if (when === 'before' && events.length > 0) await ports.publisher.publish(events);
        const result = await ports.store.save(current, next);
        if (when === 'after' && result.written && events.length > 0) await ports.publisher.publish(events);
        return result;
      },
      observe: async (key, observation) => {
        const result = await ports.store.observe(key, observation);
        const after = result.written ? await ports.store.read(key) : undefined;
        const events = after ? eventsOf(after) : [];
        if (events.length > 0) await ports.publisher.publish(events);
        return result;
      },
    },
  }));
}

function withLease(until: PaymentRequest['deadlineAt']) {
  return (record: PaymentRequest): PaymentRequest => {
    const { cancellation } = record;
    return cancellation?.lease && until
      ? { ...record, cancellation: { ...cancellation, lease: { ...cancellation.lease, until } } }
      : record;
  };
}

/** An unchanged lease gets its true end back. */
const withTrueLease = (next: PaymentRequest, truth: PaymentRequest | undefined): PaymentRequest => {
  const lease = truth?.cancellation?.lease;
  return next.cancellation && lease && next.cancellation.lease?.id === lease.id
    ? { ...next, cancellation: { ...next.cancellation, lease } }
    : next;
};

const asIfNothingWasSent = (record: PaymentRequest): PaymentRequest =>
  record.state === 'COMPLETED' && record.cancellation?.outcome === 'claimed'
    ? {
        ...record,
        cancellation: { ...record.cancellation, outcome: 'pending', sentBefore: false, lease: undefined },
      }
    : record;

const asIfOver = (record: PaymentRequest): PaymentRequest =>
  record.deadlineAt && longAgo ? { ...record, deadlineAt: longAgo } : record;

const withTrueDeadline = (next: PaymentRequest, truth: PaymentRequest | undefined): PaymentRequest =>
  next.deadlineAt === longAgo && truth ? { ...next, deadlineAt: truth.deadlineAt } : next;

/** Treats every key as the first account's, and shows what is read as the asking account's. */
function ofOneAccount(store: PaymentRequestStore): PaymentRequestStore {
  const shared = <Key extends PaymentRequestKey>(key: Key): Key => ({ ...key, account: accountNamed(0) });
  const shown = (record: PaymentRequest | undefined, account: Account) => record && { ...record, account };
  const shownResult = (result: WriteResult, account: Account): WriteResult =>
    result.written ? result : { written: false, stored: shown(result.stored, account) };
  return {
    read: async (key) => shown(await store.read(shared(key)), key.account),
    readAll: async (keys) =>
      (await store.readAll(keys.map(shared))).map((record) => ({
        ...record,
        account: keys[0]?.account ?? record.account,
      })),
    observe: async (key, observation) =>
      shownResult(await store.observe(shared(key), observation), key.account),
    noteStale: async (key, ...noted) =>
      shownResult(await store.noteStale(shared(key), ...noted), key.account),
    register: async (made) => {
      const result = await store.register(shared(made));
      return result.written
        ? { written: true, record: { ...result.record, account: made.account } }
        : { written: false, stored: shown(result.stored, made.account) };
    },
    authorize: async (key, report) => shownResult(await store.authorize(shared(key), report), key.account),
    save: async (current, next) => shownResult(await store.save(current, shared(next)), next.account),
  };
}

const paidShownAsOpen = (klarna: Ports['klarna']): Ports['klarna'] => ({
  ...klarna,
  read: async (...asked) => {
    const response = await klarna.read(...asked);
    return response.kind === 'payment_request' && response.state === 'COMPLETED'
      ? fromState('IN_PROGRESS')
      : response;
  },
});

async function* nothingDue(): AsyncGenerator<PaymentRequestKey> {
  await Promise.resolve();
  yield* [];
}
