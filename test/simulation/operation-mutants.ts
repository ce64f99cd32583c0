/** Deliberate mistakes in jobs, in operator commands, and in how a version treats data of another version. */
import { isDeepStrictEqual } from 'node:util';
import { changedAttributes, type Item } from '../../functions/adapters/dynamodb/stored-payment-request.ts';
import {
  type ReplayDependencies,
  replayQuarantined,
} from '../../functions/application/replay-quarantined.ts';
import { type CancelJobDependencies, runCancelJobs } from '../../functions/application/run-cancel-jobs.ts';
import type {
  CancelJobs,
  PublishResponse,
  ReferenceStreamEntry,
  StreamEntry,
  SweepLease,
} from '../../functions/application/ports.ts';
import { instantFromMillis } from '../../functions/domain/instant.ts';
import type { AccountSettings } from '../../functions/domain/account-settings.ts';
import { withEntry } from '../../functions/domain/history.ts';
import { asNextVersion } from '../../functions/domain/next-version.ts';
import { unknownPaymentRequest } from '../../functions/domain/payment-request.ts';
import { isFinal } from '../../functions/domain/payment-request-state.ts';
import { noMemory } from '../../functions/domain/sweep-memory.ts';
import { appliedEntry, observedFields } from '../../functions/domain/transition.ts';
import type { MessageQueue } from '../../operations/queue.ts';
import { news } from './code-version.ts';
import { bending, bentWrites, type Mutant, replacing } from './mutant.ts';
import { accountNamed } from './plan.ts';
import { realProtocol, useCases } from './protocol.ts';

const runningJobs = (bend: (dependencies: CancelJobDependencies) => Partial<CancelJobDependencies>) =>
  replacing({ runJobs: (dependencies) => runCancelJobs({ ...dependencies, ...bend(dependencies) }) });

const bentJobs = (bend: (jobs: CancelJobs) => Partial<CancelJobs>) =>
  bending((ports) => ({ ...ports, jobs: { ...ports.jobs, ...bend(ports.jobs) } }));

const bentLease = (bend: (lease: SweepLease) => Partial<SweepLease>) =>
  bending((ports) => ({ ...ports, sweepLease: { ...ports.sweepLease, ...bend(ports.sweepLease) } }));

const neverEnding = instantFromMillis(Date.parse('9999-01-01T00:00:00Z'));

export const operationMutants: readonly Mutant[] = [
  {
    name: 'the lease of the sweep excludes no other run',
    invariant: 'one-sweep-at-a-time',
    protocol: bentLease((lease) => ({ take: async (...asked) => (await lease.take(...asked)) ?? noMemory })),
  },
  {
    name: 'a sweep forgets what earlier ones could not settle',
    invariant: 'the-sweep-knows-who-waits',
    protocol: bentLease((lease) => ({ take: async (...asked) => (await lease.take(...asked)) && noMemory })),
  },
  {
    name: 'the lease of a sweep that was killed never ends',
    invariant: 'sessions-end',
    protocol: bentLease((lease) => ({ take: (now) => lease.take(now, neverEnding) })),
  },
  {
    name: 'one of two accounts on a credential never gets a turn',
    invariant: 'sessions-end',
    protocol: bending((ports) => {
      const turn = (settings: AccountSettings) =>
        settings.account === accountNamed(1) ? Promise.resolve(false) : ports.turn(settings);
      return { ...ports, turn, pace: { turn } };
    }),
  },
  {
    name: 'a job cancels paid requests',
    invariant: 'jobs-spare-what-is-paid',
    protocol: runningJobs(({ cancel }) => ({
      cancel: (key, command, settings) => cancel(key, { ...command, allowCompleted: true }, settings),
    })),
  },
  {
    name: 'a dry run of a job cancels',
    invariant: 'a-dry-run-cancels-nothing',
    protocol: runningJobs(({ cancel }) => ({ dryRun: cancel })),
  },
  {
    name: 'a job counts a page before the page is in the report',
    invariant: 'a-job-counts-its-report',
    protocol: bentJobs((jobs) => {
      let report = () => Promise.resolve();
      return {
        writePage: (...page) => {
          report = () => jobs.writePage(...page);
          return Promise.resolve();
        },
        save: async (current, next) => {
          const isSaved = await jobs.save(current, next);
          await report();
          return isSaved;
        },
      };
    }),
  },
  {
    name: 'a job that repeats a page after a crash reports it twice',
    invariant: 'a-job-counts-its-report',
    protocol: bentJobs((jobs) => ({
      writePage: async (job, page, entries) =>
        jobs.writePage(job, page, [...(await jobs.readPage(job, page)), ...entries]),
    })),
  },
  {
    name: 'a job skips the first request of its list',
    invariant: 'a-done-job-has-named-all',
    protocol: bentJobs((jobs) => ({ idsOf: async (job) => (await jobs.idsOf(job)).slice(1) })),
  },
  {
    name: 'a job by age selects a page again after it has begun it',
    invariant: 'canceled-is-reported',
    protocol: bentJobs((jobs) => ({
      save: (current, next) => jobs.save(current, { ...next, chosen: undefined }),
    })),
  },
  {
    name: 'a job continues after it was stopped',
    invariant: 'ended-jobs-rest',
    protocol: bentJobs((jobs) => ({
      save: async (current, next) => {
        if (await jobs.save(current, next)) return true;
        const stored = await jobs.read(current);
        return stored !== undefined && jobs.save(stored, { ...next, version: stored.version + 1 });
      },
    })),
  },
  {
    name: 'a stopped job does not report the page in progress',
    invariant: 'canceled-is-reported',
    protocol: bentJobs(() => ({ readPage: () => Promise.resolve([]) })),
  },
  {
    name: 'a job reports canceled without a response from Klarna',
    invariant: 'reports-are-true',
    protocol: runningJobs(({ cancel }) => ({
      cancel: async (...asked) => {
        const result = await cancel(...asked);
        return result.outcome === 'pending' ? { outcome: 'canceled', record: result.record } : result;
      },
    })),
  },
  {
    name: 'a job does not retry a page that failed',
    invariant: 'faults-are-tried-again',
    protocol: runningJobs(({ jobs }) => ({
      jobs: { ...jobs, read: (key) => jobs.read(key).then((job) => job && { ...job, attempts: 4 }) },
    })),
  },
  {
    name: 'a job that waits for a retry is not due',
    invariant: 'jobs-end',
    protocol: bentJobs((jobs) => ({
      save: (current, next) => jobs.save(current, next.attempts > 0 ? { ...next, dueAt: undefined } : next),
    })),
  },
  {
    name: 'a delivery counts as replayed before it is written',
    invariant: 'replayed-is-durable',
    protocol: replacing({
      replay: (dependencies) => async (delivery, isDryRun) => {
        const { quarantine, clock } = dependencies;
        const at = instantFromMillis(clock.now());
        await quarantine.noteReplay(delivery, { at, verdict: 'superseding' });
        return replayQuarantined(dependencies)(delivery, isDryRun);
      },
    }),
  },
  {
    name: 'a replayed delivery bypasses the transition rule',
    invariant: 'rank-never-falls',
    protocol: replacing({
      replay: (dependencies) =>
        replayQuarantined({
          ...dependencies,
          store: { ...dependencies.store, observe: overwriting(dependencies) },
        }),
    }),
  },
  {
    name: 'a mark is taken off without an entry that says why',
    invariant: 'marks-go-by-a-person',
    protocol: bentWrites((next) => ({
      ...next,
      history: next.history.filter(({ kind }) => kind !== 'resolve'),
    })),
  },
  {
    name: 'an event that the bus refuses for good is sent again',
    invariant: 'the-stream-moves-on',
    protocol: bending((ports) => ({
      ...ports,
      publisher: {
        publish: async (events) => {
          const { refused, unsent } = await ports.publisher.publish(events);
          return { refused: refused.map((each) => ({ ...each, isPermanent: false })), unsent };
        },
      },
    })),
  },
  {
    name: 'events are sent again for as long as the bus is down',
    invariant: 'the-stream-moves-on',
    protocol: replacing({
      publish: (dependencies) => (entries, until) =>
        useCases.publish(dependencies)(
          entries.map((entry) => ({ ...entry, writtenAt: Infinity })),
          until,
        ),
    }),
  },
  {
    name: 'a write that cannot be read fails its batch',
    invariant: 'nothing-fails',
    protocol: replacing({
      publish: (dependencies) => async (entries, until) => {
        for (const entry of entries) if ('read' in entry) entry.read();
        return useCases.publish(dependencies)(entries, until);
      },
    }),
  },
  {
    name: 'a write that cannot be read is skipped',
    invariant: 'written-is-published',
    protocol: replacing({
      publish: (dependencies) => (entries, until) =>
        useCases.publish(dependencies)(entries.filter(isReadable), until),
    }),
  },
  {
    name: 'an event that is set aside is not in the queue',
    invariant: 'written-is-published',
    protocol: bending((ports) => ({ ...ports, unpublished: { keep: () => Promise.resolve() } })),
  },
  {
    name: 'a replay deletes an event that the bus refuses again',
    invariant: 'written-is-published',
    protocol: bending((ports, task) =>
      task.function === 'operator'
        ? {
            ...ports,
            publisher: { publish: async (events) => accepted(await ports.publisher.publish(events)) },
          }
        : ports,
    ),
  },
  {
    name: 'a read of an unpublished batch removes it from its queue',
    invariant: 'written-is-published',
    protocol: bending((ports) => ({
      ...ports,
      queues: { ...ports.queues, unpublished: forgetful(ports.queues.unpublished) },
    })),
  },
  {
    name: 'a version overwrites attributes that it does not know',
    invariant: 'unknown-is-carried-on',
    protocol: {
      ...realProtocol,
      changes: (read, next, stored) => {
        const changes = new Map(changedAttributes(read, next));
        for (const attribute in stored) {
          if (!(attribute in next)) changes.set(attribute, undefined);
        }
        return changes;
      },
    },
  },
  {
    name: 'the key of an index is written only when it changes',
    invariant: 'written-is-indexed',
    protocol: { ...realProtocol, changes: (read, next) => differing(read, next) },
  },
  {
    name: 'an attention value that this version does not know is cleared at the end of the request',
    invariant: 'unknown-is-carried-on',
    protocol: bentWrites((next) =>
      isFinal(next.state) && String(next.attention) === news.attention
        ? { ...next, attention: undefined }
        : next,
    ),
  },
];

function isReadable(entry: StreamEntry | ReferenceStreamEntry): boolean {
  try {
    if ('read' in entry) entry.read();
    return true;
  } catch {
    return false;
  }
}

const accepted = (_: PublishResponse): PublishResponse => ({ refused: [], unsent: [] });

const forgetful = (queue: MessageQueue): MessageQueue => ({
  ...queue,
  async *messages() {
    for await (const message of queue.messages()) {
      await queue.remove(message);
      yield message;
    }
  },
});

/** Applies every observation without a read at Klarna. */
const overwriting =
  ({ store, clock, ids }: ReplayDependencies): ReplayDependencies['store']['observe'] =>
  async (key, observation) => {
    const now = instantFromMillis(clock.now());
    const stored = await store.read(key);
    const record = withEntry(stored ?? unknownPaymentRequest(key, now), appliedEntry(observation));
    const next = { ...record, ...observedFields(observation) };
    return store.save(stored, asNextVersion(stored, next, { id: ids.next(), now }));
  };

function differing(read: Item, next: Item): ReadonlyMap<string, unknown> {
  const changes = new Map(changedAttributes(read, next));
  for (const [attribute, value] of changes) {
    if (isDeepStrictEqual(read[attribute], value)) changes.delete(attribute);
  }
  return changes;
}
