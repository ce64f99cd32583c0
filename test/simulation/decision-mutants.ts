/**
 * Mistakes of one kind: a decision on something older or less than the record has by then. Each was found in earlier code by
 * experiments from outside, and the explorer of that time did not find it (docs/evidence/reliability.md).
 */
import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import { changeRecord } from '../../functions/application/change-record.ts';
import type { endExpiredSession } from '../../functions/application/end-expired-session.ts';
import { syncKlarnaExpiry } from '../../functions/application/sync-klarna-expiry.ts';
import type { Instant } from '../../functions/domain/instant.ts';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import { isKlarnaExpiryEarly, type PaymentRequest } from '../../functions/domain/payment-request.ts';
import { decideTimeout, withObservedTimer } from '../../functions/domain/session-timer.ts';
import { bending, bentWrites, type Mutant, replacing } from './mutant.ts';
import { type Protocol, useCases } from './protocol.ts';
import type { Ports } from './simulated-ports.ts';

export const decisionMutants: readonly Mutant[] = [
  {
    name: 'a DELETE follows a read of any age',
    invariant: 'delete-follows-a-fresh-read',
    protocol: bending(stoppingTheClock),
  },
  {
    name: 'a DELETE ignores the record that its claim was written onto',
    invariant: 'no-delete-against-the-record',
    protocol: bending((ports) => ({
      ...ports,
      store: {
        ...ports.store,
        save: async (current, next) => {
          const result = await ports.store.save(current, next);
          const lease = next.cancellation?.lease?.id;
          const isOwnClaim =
            lease !== undefined && !result.written && result.stored?.cancellation?.lease?.id === lease;
          return isOwnClaim ? { written: true } : result;
        },
      },
    })),
  },
  {
    name: 'the previous state of a canceled request is ignored',
    invariant: 'paid-then-canceled-is-seen',
    protocol: withoutPreviousStates(),
  },
  {
    name: 'grace forgets that a DELETE was sent',
    invariant: 'our-cancel-has-a-cause',
    protocol: bentWrites((next, current) =>
      next.session?.graceGivenAt !== undefined && current?.session?.graceGivenAt === undefined
        ? { ...next, cancellation: undefined }
        : next,
    ),
  },
  {
    name: 'the timer writes its decision onto a record that has changed since',
    invariant: 'timer-notes-are-true',
    protocol: replacing({ endExpired: observingWhatWasRead }),
  },
  {
    name: 'an early expiry that a late response tells of is not due',
    invariant: 'early-expiry-is-due',
    protocol: bending((ports) => {
      const store: Ports['store'] = {
        ...ports.store,
        save: (current, next) =>
          ports.store.save(
            current,
            next.history.at(-1)?.kind === 'klarna_expiry' && isKlarnaExpiryEarly(next)
              ? { ...next, dueAt: current?.dueAt, retryAt: undefined }
              : next,
          ),
      };
      return { ...ports, syncExpiry: syncKlarnaExpiry({ ...ports, store, onFault: ports.onExpiryFault }) };
    }),
  },
  {
    name: 'the first call for an expiry is not made again',
    invariant: 'first-expiry-is-asked-again',
    protocol: bending((ports) => {
      const store: Ports['store'] = {
        ...ports.store,
        save: (current, next) =>
          ports.store.save(
            current,
            next.session?.isKlarnaExpiryUnanswered
              ? {
                  ...next,
                  session: { ...next.session, isKlarnaExpiryUnanswered: undefined },
                  dueAt: current?.dueAt,
                  retryAt: undefined,
                }
              : next,
          ),
      };
      return { ...ports, syncExpiry: syncKlarnaExpiry({ ...ports, store, onFault: ports.onExpiryFault }) };
    }),
  },
  {
    name: 'a paid request is final while the DELETE of another caller is out',
    invariant: 'final-means-final',
    protocol: bending((ports) => ({ ...ports, store: hidingClaims(ports.store) })),
  },
];

/** From a read until its DELETE no time passes for the caller. */
function stoppingTheClock(ports: Ports): Ports {
  const { clock, klarna } = ports;
  let stoppedAt: number | undefined;
  return {
    ...ports,
    clock: { ...clock, now: () => stoppedAt ?? clock.now() },
    klarna: {
      read: async (...call) => {
        const response = await klarna.read(...call);
        stoppedAt ??= clock.now();
        return response;
      },
      cancel: (...call) => {
        stoppedAt = undefined;
        return klarna.cancel(...call);
      },
    },
  };
}

/** Klarna, as if it never told that a canceled request was COMPLETED before. */
function withoutPreviousStates(): Protocol {
  const without = (response: KlarnaResponse): KlarnaResponse =>
    response.kind === 'payment_request' && response.state === 'CANCELED'
      ? { ...response, previousState: undefined }
      : response;
  return {
    ...replacing({
      readDelivery: (...delivered) => {
        const delivery = useCases.readDelivery(...delivered);
        if (delivery.kind !== 'observation' || delivery.observation.state !== 'CANCELED') return delivery;
        return { ...delivery, observation: { ...delivery.observation, previousState: undefined } };
      },
    }),
    bend: (ports) => ({
      ...ports,
      klarna: {
        read: async (...call) => without(await ports.klarna.read(...call)),
        cancel: async (...call) => without(await ports.klarna.cancel(...call)),
      },
    }),
  };
}

/** Notes the end of a session that was read as observed, whatever it has become since. */
function observingWhatWasRead(
  dependencies: Parameters<typeof endExpiredSession>[0],
): ReturnType<typeof endExpiredSession> {
  return async (key, settings, known) => {
    const { store, clock } = dependencies;
    const record = known ?? (await store.read(key));
    if (!record || decideTimeout(record, settings, clock.instant()) !== 'observe')
      return useCases.endExpired(dependencies)(key, settings, record);
    await changeRecord(dependencies, key, record, (stored) => ({
      next: stored && asObserved(stored, record, settings, clock.instant()),
      outcome: undefined,
    }));
    return { kind: 'observed' };
  };
}

function asObserved(
  stored: PaymentRequest,
  read: PaymentRequest,
  settings: AccountSettings,
  now: Instant,
): PaymentRequest | undefined {
  const { session, deadlineAt, state } = read;
  const next = withObservedTimer({ ...stored, session, deadlineAt, state }, settings, now);
  return next && { ...next, session: stored.session, deadlineAt: stored.deadlineAt, state: stored.state };
}

/** A store that shows a live claim on a paid request as refused, and keeps it when the record is stored. */
function hidingClaims(store: Ports['store']): Ports['store'] {
  let truth: PaymentRequest | undefined;
  const show = (record: PaymentRequest | undefined): PaymentRequest | undefined => {
    truth = record;
    return record?.state === 'COMPLETED' && record.cancellation?.lease
      ? { ...record, cancellation: { ...record.cancellation, outcome: 'refused', lease: undefined } }
      : record;
  };
  return {
    ...store,
    read: async (key) => show(await store.read(key)),
    save: async (current, next) => {
      const hidden = truth?.state === 'COMPLETED' && truth.cancellation?.lease !== undefined;
      const isOther =
        next.cancellation?.lease === undefined || next.cancellation.lease === truth?.cancellation?.lease;
      const kept = hidden && isOther ? { ...next, cancellation: truth?.cancellation } : next;
      const result = await store.save(current, kept);
      return result.written ? result : { written: false, stored: show(result.stored) };
    },
  };
}
