/** Deliberate mistakes in how the attempts of a session are compared. */
import type { SessionPaymentRequests } from '../../functions/application/ports.ts';
import { isOpen } from '../../functions/domain/payment-request-state.ts';
import { bending, type Mutant, replacing } from './mutant.ts';
import { useCases } from './protocol.ts';

/** An index in which no session has a member. */
export const alone: SessionPaymentRequests = {
  async *ofSession() {
    yield* await Promise.resolve([]);
  },
};

export const attemptMutants: readonly Mutant[] = [
  {
    name: 'two payments of a session are not compared',
    invariant: 'paid-twice-is-seen',
    protocol: replacing({
      compare: () => (key) => Promise.resolve({ kind: 'nothing', record: undefined, key }),
      endExpired: (dependencies) => useCases.endExpired({ ...dependencies, sessions: alone }),
      reconcile: (dependencies) => useCases.reconcile({ ...dependencies, sessions: alone }),
    }),
  },
  {
    name: 'a cancel for another attempt has leave to cancel a paid one',
    invariant: 'superseded-is-not-paid',
    protocol: replacing({
      compare: (dependencies) => async (key, settings) => {
        const record = await dependencies.store.read(key);
        const { account, sessionId } = record ?? {};
        if (!record?.session?.supersedes || !account || sessionId === undefined)
          return { kind: 'nothing', record };
        for await (const member of dependencies.sessions.ofSession(account, sessionId)) {
          if (member.paymentRequestId === key.paymentRequestId) continue;
          const command = {
            cause: 'superseded',
            reason: key.paymentRequestId,
            requestedBy: 'lapse:supersedes',
            allowCompleted: true,
          } as const;
          await useCases.cancel(dependencies)(member, command, settings);
        }
        return { kind: 'compared', record };
      },
    }),
  },
  {
    name: 'an attempt ends all others, whether it supersedes them or not',
    invariant: 'superseded-by-another',
    protocol: replacing({
      compare: (dependencies) => async (key, settings) => {
        const record = await dependencies.store.read(key);
        if (!record?.isToBeCompared || record.sessionId === undefined) return { kind: 'nothing', record };
        for await (const member of dependencies.sessions.ofSession(record.account, record.sessionId)) {
          const command = {
            cause: 'superseded',
            reason: key.paymentRequestId,
            requestedBy: 'lapse:supersedes',
            allowCompleted: false,
          } as const;
          const other = await dependencies.store.read(member);
          if (other && isOpen(other.state))
            await useCases.cancel(dependencies)(member, command, settings, other);
        }
        return { kind: 'compared', record };
      },
    }),
  },
  {
    name: 'the stream hands nothing over, and a payment is not due',
    invariant: 'paid-twice-is-seen',
    protocol: {
      ...bending((ports) => ({
        ...ports,
        handOver: { ...ports.handOver, compare: () => Promise.resolve() },
        store: {
          ...ports.store,
          save: (current, next) => ports.store.save(current, { ...next, isToBeCompared: undefined }),
        },
      })),
    },
  },
];
