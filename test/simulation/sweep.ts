import { repairs } from '../../functions/application/reconcile-payment-requests.ts';
import { holdSweepLease } from '../../functions/application/hold-sweep-lease.ts';
import { type Instant, instantFromMillis, millisOf } from '../../functions/domain/instant.ts';
import {
  type SweepView,
  type UnsettledWatch,
  watchUnsettled,
} from '../../functions/application/watch-unsettled.ts';
import { waitingSince } from '../../functions/domain/reconciliation.ts';
import type { SweepMemory } from '../../functions/domain/sweep-memory.ts';
import { nameOf } from '../support/in-memory-payment-request-store.ts';
import { minute } from '../support/sessions.ts';
import type { Deployment } from './deployment.ts';
import { clockOf, shortOf } from './describe-step.ts';
import { Draws } from './draws.ts';
import type { Task } from './engine.ts';
import type { UseCases } from './protocol.ts';
import type { Ports } from './simulated-ports.ts';
import type { World } from './world.ts';

/** Milliseconds that the sweep reserves for the work that it starts last. */
const reserve = 20_000;

/** The sweep, every minute. A sweep with nothing due would do nothing, so only those with work are played. */
export class Sweep {
  /** Repairs of what another function should have done. */
  repairs = 0;
  readonly #world: World;
  readonly #deployment: Deployment;
  #at: number | undefined;
  #isRunning = false;
  /** The runs that hold the lease. */
  readonly #working = new Set<Task>();
  /** Whether a run has left nothing to the next one: it was killed, failed, or could not give the lease back. */
  #hasForgotten = false;
  /** The versions of records that a run has tried once more in vain. */
  readonly #triedAgain = new Map<string, number>();

  constructor(world: World, deployment: Deployment) {
    this.#world = world;
    this.#deployment = deployment;
  }

  /** Makes sure that a sweep runs once something is due. */
  runWhenDue(): void {
    const { engine, plan } = this.#world;
    if (plan.mode === 'unswept') return;
    const due = this.#firstDue();
    if (due === undefined) return;
    const at = Math.max(Math.ceil(due / minute) * minute, Math.floor(engine.now / minute) * minute + minute);
    if (this.#at !== undefined && this.#at <= at) return;
    this.#at = at;
    engine.at(at, () => {
      if (this.#at !== at) return;
      this.#at = undefined;
      this.#run();
    });
  }

  /** The time when the first record or job is due, if any is. */
  #firstDue(): number | undefined {
    const { table, jobs, authorizations, awaited } = this.#world;
    const dues = [table, jobs, authorizations, awaited].flatMap((each) => {
      const due = each.firstDue();
      return due === undefined ? [] : [millisOf(due)];
    });
    return dues.length > 0 ? Math.min(...dues) : undefined;
  }

  #hasDueAuthorizations(): boolean {
    const { engine, authorizations } = this.#world;
    return authorizations.dueKeys(instantFromMillis(engine.now)).length > 0;
  }

  #hasDueJobs(): boolean {
    const { engine, jobs } = this.#world;
    return jobs.dueKeys(instantFromMillis(engine.now)).length > 0;
  }

  #run(): void {
    const { engine, plan } = this.#world;
    if (this.#isRunning) {
      this.runWhenDue();
      return;
    }
    this.#isRunning = true;
    const name = `sweep ${clockOf(engine.now)}`;
    // Scheduler invokes at least once.
    const isRepeated = new Draws(plan.seed, `repetition of ${name}`).chance(0.1);
    if (isRepeated) this.#invoke(`${name} again`, () => undefined);
    this.#invoke(name, () => {
      this.#isRunning = false;
      this.runWhenDue();
    });
  }

  #invoke(name: string, over: () => void): void {
    const { engine, judge, plan, table } = this.#world;
    const startedAt = instantFromMillis(engine.now);
    this.#deployment.invoke(
      name,
      'sweep',
      (ports, useCases, task) => this.#workAlone(ports, useCases, task),
      (ending) => {
        if (ending.kind !== 'returned') this.#hasForgotten = true;
        if (ending.kind === 'returned' && ending.result) {
          // Klarna's expiry cannot move while the customer pays. If the customer steps back or the session is only observed by then,
          // only the sweep moves it afterwards.
          const mayFollow = [...table.records.values()].some(
            ({ session, history }) =>
              session?.onTimeout === 'observe' ||
              history.some(({ kind, effect }) => kind === 'klarna_expiry' && effect !== 'accepted') ||
              // A caller moved it at the same moment.
              history.filter(({ kind, recordedAt }) => kind === 'klarna_expiry' && recordedAt >= startedAt)
                .length > 1,
          );
          // An account that is over its share of Klarna's limit waits for its turn, and the sweep may be the first to have it.
          const isInTurn = plan.overShare === undefined;
          const { arm, end } = ending.result;
          const repaired = repairs({ ...ending.result, arm: mayFollow ? 0 : arm, end: isInTurn ? end : 0 });
          this.repairs += repaired;
          engine.note(name, () => `   report: ${JSON.stringify(ending.result)}`);
          if (repaired > 0 && plan.mode === 'lossless') {
            judge.violate('sweep-repairs-nothing', `it repaired ${JSON.stringify(ending.result)}`);
          }
        }
        over();
      },
    );
  }

  #workAlone(ports: Ports, useCases: UseCases, task: Task) {
    const { engine, judge } = this.#world;
    const startedAt = instantFromMillis(engine.now);
    const onFault = () => (this.#hasForgotten = true);
    const lease = holdSweepLease({ ...ports, lease: ports.sweepLease, onFault });
    return lease(task.endsAt, async (known) => {
      for (const other of this.#working) {
        if (!other.dead) judge.violate('one-sweep-at-a-time', `${other.name} is still at work`);
      }
      this.#working.add(task);
      try {
        return await this.#watched(ports, useCases, { known, startedAt, until: task.endsAt - reserve });
      } finally {
        this.#working.delete(task);
      }
    });
  }

  async #watched(
    ports: Ports,
    useCases: UseCases,
    { known, startedAt, until }: { known: SweepMemory; startedAt: Instant; until: number },
  ) {
    const watch = watchUnsettled(ports, known);
    const tried: string[] = [];
    const see: UnsettledWatch['see'] = (seen) => {
      watch.see(seen);
      if (seen.attempts > 0) tried.push(nameOf(seen.key));
    };
    const report = await this.#work(ports, useCases, { until, see });
    const { memory, ...gauges } = await watch.view();
    this.#checkGauges(gauges, startedAt);
    for (const name of tried) {
      const { attempts, version } = this.#world.table.records.get(name) ?? { attempts: 0, version: 0 };
      if (attempts > 0) this.#triedAgain.set(name, version);
    }
    return { report, memory };
  }

  /** A record that an earlier run has tried again in vain, and that nothing has changed since, is in the gauges. */
  #checkGauges(gauges: Omit<SweepView, 'memory'>, startedAt: Instant): void {
    if (this.#hasForgotten) return;
    for (const [name, version] of this.#triedAgain) {
      const record = this.#world.table.records.get(name);
      if (record?.version !== version) {
        this.#triedAgain.delete(name);
        continue;
      }
      const since = waitingSince(record);
      const ageOf = (moment = startedAt) => Math.max(0, millisOf(startedAt) - millisOf(moment));
      const [pendingCancel, overdueSession] = [ageOf(since.pendingCancel), ageOf(since.overdueSession)];
      if (pendingCancel > gauges.pendingCancelAge || overdueSession > gauges.overdueSessionAge) {
        const waits = `${pendingCancel} ms for its cancel, ${overdueSession} ms for its end`;
        this.#world.judge.violate('the-sweep-knows-who-waits', `${shortOf(record)} has waited ${waits}`);
      }
    }
  }

  async #work(
    ports: Ports,
    { reconcile, join, settleAll, runJobs, cancel, dryRun }: UseCases,
    { until, see }: { readonly until: number; readonly see: UnsettledWatch['see'] },
  ) {
    const report = await reconcile(ports)(until, see);
    const now = instantFromMillis(this.#world.engine.now);
    if (this.#world.awaited.dueKeys(now).length > 0) await settleAll(ports)(until);
    if (this.#hasDueAuthorizations()) await join({ ...ports, onFault: ports.onJoinFault })(until);
    if (!this.#hasDueJobs()) return { ...report, pages: 0 };
    const { pages } = await runJobs({
      ...ports,
      cancel: cancel(ports),
      dryRun: dryRun(ports),
      perSecond: 5,
      onFault: ports.onJobFault,
    })(until);
    return { ...report, pages };
  }
}
