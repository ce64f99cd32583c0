import { Draws } from './draws.ts';
import type { Fate, FaultKind, FunctionName, Task } from './engine.ts';
import { beginning, type Plan } from './plan.ts';

/** Functions that their trigger calls again until they succeed. A failure in them loses nothing. */
const retried: readonly FunctionName[] = ['webhook', 'timer', 'publish'];

/** A random fate. Each invocation has its own stream, so that leaving out a fault changes as little as possible. */
export class RandomFate implements Fate {
  /** The injected faults, by name. */
  readonly injected: string[] = [];
  readonly #plan: Plan;
  readonly #leftOut: ReadonlySet<string>;
  readonly #streams = new Map<Task, Draws>();

  /** @param leftOut names of faults that are drawn but not injected. */
  constructor(plan: Plan, leftOut: ReadonlySet<string> = new Set()) {
    this.#plan = plan;
    this.#leftOut = leftOut;
  }

  fault(task: Task, site: string, possible: readonly FaultKind[], now: number): FaultKind | undefined {
    const { faultRate, hangingCancelRate, repeatedSaveRate, quietAfter, mode } = this.#plan;
    const isFaulty = faultRate > 0 || hangingCancelRate > 0 || repeatedSaveRate > 0;
    if (!isFaulty || now >= beginning + quietAfter) return undefined;
    if (mode === 'unswept' && !retried.includes(task.function)) return undefined;
    const draws = this.#drawsOf(task);
    if (site === 'klarna.cancel' && hangingCancelRate > 0 && draws.chance(hangingCancelRate))
      return this.#struck(task, site, 'klarna-hangs-done-late');
    if (site === 'store.save' && repeatedSaveRate > 0 && draws.chance(repeatedSaveRate))
      return this.#struck(task, site, 'repeat');
    // Calls to Klarna are rare and matter most, so they get more faults.
    if (!draws.chance(site.startsWith('klarna') ? 3 * faultRate : faultRate)) return undefined;
    const kind = draws.pick(possible);
    // After a failure of Klarna, a cancel is left to the sweep. Without the sweep it would be lost.
    if (mode === 'unswept' && (kind.startsWith('klarna') || kind === 'slow')) return undefined;
    return this.#struck(task, site, kind);
  }

  #struck(task: Task, site: string, kind: FaultKind): FaultKind | undefined {
    const name = `${task.name} / ${task.calls} ${site} ${kind}`;
    if (this.#leftOut.has(name)) return undefined;
    this.injected.push(name);
    return kind;
  }

  latency(task: Task, site: string, fault: FaultKind | undefined): readonly [number, number] {
    const draws = this.#drawsOf(task);
    const { slowestMillis, mode } = this.#plan;
    // Of calls that move Klarna's expiry, a later one may overtake an earlier one.
    const isOvertaken = site === 'klarna.move-expiry' && mode === 'full' && draws.chance(0.3);
    const most = isOvertaken ? 3_500 : draws.chance(0.1) ? slowestMillis : 25;
    const slow = fault === 'slow' ? draws.between(3_000, 45_000) : 0;
    const isBefore = draws.chance(0.5);
    // The SDK sends a request again at once, or with a pause.
    if (fault === 'repeat') return [draws.between(1, most), draws.between(1, 900)];
    // Klarna carries the call out up to three minutes after the caller has stopped waiting (see the engine).
    if (fault === 'klarna-hangs-done-late') return [draws.between(1, most), draws.between(1, 9_000)];
    return [draws.between(1, most) + (isBefore ? slow : 0), draws.between(1, most) + (isBefore ? 0 : slow)];
  }

  rank(): number {
    return 0;
  }

  retryable(task: Task): boolean {
    return this.#drawsOf(task).chance(0.7);
  }

  #drawsOf(task: Task): Draws {
    const known = this.#streams.get(task);
    if (known) return known;
    const draws = new Draws(this.#plan.seed, task.name);
    this.#streams.set(task, draws);
    return draws;
  }
}
