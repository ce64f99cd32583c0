/** Deliberate mistakes in how a record is erased, and in what comes after. */
import type { PaymentRequestStore } from '../../functions/application/ports.ts';
import type { PaymentRequest } from '../../functions/domain/payment-request.ts';
import { authorizedVersion } from '../../functions/domain/unread-authorization.ts';
import { alone } from './attempt-mutants.ts';
import { bending, type Mutant, replacing } from './mutant.ts';
import { useCases } from './protocol.ts';
import type { Ports } from './simulated-ports.ts';

export const erasureMutants: readonly Mutant[] = [
  {
    name: 'an erasure deletes the record instead of leaving a tombstone',
    invariant: 'erased-stays-erased',
    protocol: bending((ports) => ({
      ...ports,
      erasure: { ...ports.erasure, replace: (current) => ports.erasure.remove(current) },
    })),
  },
  {
    name: 'a late webhook writes its facts onto a tombstone',
    invariant: 'erased-stays-erased',
    protocol: bending((ports, task) =>
      task.function === 'webhook' ? { ...ports, store: takingFacts(ports.store) } : ports,
    ),
  },
  {
    name: 'a late report of an authorization is written onto a tombstone',
    invariant: 'erased-stays-erased',
    protocol: bending((ports, task) =>
      task.function === 'webhook' ? { ...ports, store: takingReports(ports.store) } : ports,
    ),
  },
  {
    name: 'a registration takes a tombstone for a record that has ended',
    invariant: 'erased-stays-erased',
    protocol: bending((ports, task) =>
      task.function === 'register' ? { ...ports, store: withoutErasure(ports.store) } : ports,
    ),
  },
  {
    name: 'a tombstone keeps the session',
    invariant: 'tombstone-holds-the-state-alone',
    protocol: replacedBy((tombstone, { sessionId }) => ({ ...tombstone, sessionId })),
  },
  {
    name: 'an erasure does not look at the other attempts of a session',
    invariant: 'open-session-keeps-its-payment',
    protocol: replacing({
      erase: (dependencies) => useCases.erase({ ...dependencies, sessions: alone }),
    }),
  },
  {
    name: 'an erasure does not look at the watch of a payment',
    invariant: 'tombstone-holds-the-state-alone',
    protocol: replacing({
      erase: (dependencies) => useCases.erase({ ...dependencies, store: withoutWatch(dependencies.store) }),
    }),
  },
  {
    name: 'a tombstone forgets the state',
    invariant: 'tombstone-holds-the-state-alone',
    protocol: replacedBy((tombstone) => ({ ...tombstone, state: undefined, position: undefined })),
  },
];

function replacedBy(bend: (tombstone: PaymentRequest, current: PaymentRequest) => PaymentRequest) {
  return bending((ports): Ports => ({
    ...ports,
    erasure: {
      ...ports.erasure,
      replace: (current, tombstone) => ports.erasure.replace(current, bend(tombstone, current)),
    },
  }));
}

const takingFacts = (store: PaymentRequestStore): PaymentRequestStore => ({
  ...store,
  observe: async (key, observation) => {
    const stored = await store.read(key);
    return stored?.erasedAt === undefined
      ? store.observe(key, observation)
      : store.save(stored, {
          ...stored,
          reference: observation.reference,
          version: stored.version + 1,
          updatedAt: observation.observedAt,
        });
  },
});

const takingReports = (store: PaymentRequestStore): PaymentRequestStore => ({
  ...store,
  authorize: async (key, report) => {
    const stored = await store.read(key);
    return stored?.erasedAt === undefined
      ? store.authorize(key, report)
      : store.save(stored, authorizedVersion(stored, report));
  },
});

const withoutWatch = (store: PaymentRequestStore): PaymentRequestStore => ({
  ...store,
  read: async (key) => {
    const record = await store.read(key);
    return record && { ...record, confirmation: undefined };
  },
});

const shown = <Stored extends PaymentRequest | undefined>(record: Stored): Stored =>
  record && { ...record, erasedAt: undefined };

const withoutErasure = (store: PaymentRequestStore): PaymentRequestStore => ({
  ...store,
  read: async (key) => shown(await store.read(key)),
  register: async (made) => {
    const result = await store.register(made);
    return result.written ? result : { written: false, stored: shown(result.stored) };
  },
});
