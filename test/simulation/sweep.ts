import { repairs } from '../../functions/application/reconcile-payment-requests.ts';
import { instantFromMillis, millisOf } from '../../functions/domain/instant.ts';
import { minute } from '../support/sessions.ts';
import { type Deployment, limits } from './deployment.ts';
import { clockOf } from './describe-step.ts';
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
    const { table, jobs } = this.#world;
    const dues = [table.firstDue(), jobs.firstDue()].flatMap((due) =>
      due === undefined ? [] : [millisOf(due)],
    );
    return dues.length > 0 ? Math.min(...dues) : undefined;
  }

  #hasDueJobs(): boolean {
    const { engine, jobs } = this.#world;
    return jobs.dueKeys(instantFromMillis(engine.now)).length > 0;
  }

  #run(): void {
    const { engine, judge, plan } = this.#world;
    if (this.#isRunning) {
      this.runWhenDue();
      return;
    }
    this.#isRunning = true;
    const name = `sweep ${clockOf(engine.now)}`;
    this.#deployment.invoke(
      name,
      'sweep',
      async (ports, { reconcile, runJobs, cancel, dryRun }) => {
        const until = engine.now + limits.sweep - reserve;
        const report = await reconcile(ports)(until);
        const pages = this.#hasDueJobs()
          ? (
              await runJobs({
                ...ports,
                cancel: cancel(ports),
                dryRun: dryRun(ports),
                perSecond: 5,
                onFault: ports.onJobFault,
              })(until)
            ).pages
          : 0;
        return { ...report, pages };
      },
      (ending) => {
        this.#isRunning = false;
        if (ending.kind === 'returned') {
          const repaired = repairs(ending.result);
          this.repairs += repaired;
          engine.note(name, () => `   report: ${JSON.stringify(ending.result)}`);
          if (repaired > 0 && plan.mode === 'lossless') {
            judge.violate('sweep-repairs-nothing', `it repaired ${JSON.stringify(ending.result)}`);
          }
        }
        this.runWhenDue();
      },
    );
  }
}
