/** Deliberate mistakes in how sessions and cancels wait for a reference. */
import { nextAwaited, registrationOf } from '../../functions/domain/awaited-reference.ts';
import { bending, type Mutant, replacing } from './mutant.ts';
import { useCases } from './protocol.ts';

export const referenceMutants: readonly Mutant[] = [
  {
    name: 'a cancel that waits is forgotten when a request joins',
    invariant: 'kept-cancel-is-carried-out',
    protocol: bending((ports, task) => ({
      ...ports,
      awaited: {
        ...ports.awaited,
        read: async (key) => {
          const item = await ports.awaited.read(key);
          return item && task.function !== 'cancel' ? { ...item, cancel: undefined } : item;
        },
      },
    })),
  },
  {
    name: 'the sweep does not look at references',
    invariant: 'awaited-is-settled',
    protocol: replacing({ settleAll: () => () => Promise.resolve({}) }),
  },
  {
    name: 'a request joins before its session is registered',
    invariant: 'awaited-session-counts',
    protocol: replacing({
      settle: (dependencies) => async (key, settings, seen) => {
        const { awaited, store, clock } = dependencies;
        const item = await awaited.read(key);
        const record = seen && (await store.read({ account: key.account, paymentRequestId: seen }));
        if (item?.status !== 'waiting' || !record || item.cancel)
          return useCases.settle(dependencies)(key, settings, seen);
        const now = clock.instant();
        await awaited.save(nextAwaited(item, { status: 'joined', paymentRequestId: seen }, now));
        const registration = registrationOf(item, now);
        if (registration) await useCases.register(dependencies)(record, registration, settings);
        return 'joined';
      },
    }),
  },
  {
    name: 'the sweep believes that no request was seen whose message was lost',
    invariant: 'never-seen-is-true',
    protocol: bending((ports, task) =>
      task.function === 'sweep'
        ? { ...ports, references: { ofReference: () => nothing() } }
        : { ...ports, handOver: { ...ports.handOver, settle: () => Promise.resolve() } },
    ),
  },
  {
    name: 'what was never seen makes no event',
    invariant: 'never-seen-is-published',
    protocol: replacing({
      publish: (dependencies) => (entries, until) =>
        useCases.publish(dependencies)(
          entries.filter((entry) => 'read' in entry),
          until,
        ),
    }),
  },
];

async function* nothing() {
  yield* await Promise.resolve([]);
}
