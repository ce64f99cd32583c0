import { Draws } from './draws.ts';
import type { Fate, FaultKind, FunctionName, Task } from './engine.ts';
import { beginning, type Plan } from './plan.ts';

/** Functions that are called again by their trigger until they succeed: what fails in them is not lost. */
const retried: readonly FunctionName[] = ['webhook', 'timer', 'publish'];

/** Fate by chance: each invocation has a stream of its own, so that a fault left out changes as little as possible. */
export class RandomFate implements Fate {
  /** What was injected, by name. */
  readonly injected: string[] = [];
  readonly #plan: Plan;
  readonly #leftOut: ReadonlySet<string>;
  readonly #streams = new Map<Task, Draws>();

  /** @param leftOut faults that are drawn and not injected, by name. */
  constructor(plan: Plan, leftOut: ReadonlySet<string> = new Set()) {
    this.#plan = plan;
    this.#leftOut = leftOut;
  }

  fault(task: Task, site: string, possible: readonly FaultKind[], now: number): FaultKind | undefined {
    const { faultRate, quietAfter, mode } = this.#plan;
    if (faultRate === 0 || now >= beginning + quietAfter) return undefined;
    if (mode === 'unswept' && !retried.includes(task.function)) return undefined;
    const draws = this.#drawsOf(task);
    // Klarna is called seldom, and is what matters.
    if (!draws.chance(site.startsWith('klarna') ? 3 * faultRate : faultRate)) return undefined;
    const kind = draws.pick(possible);
    // Klarna's own failures leave a cancel to the sweep: without one they are a loss.
    if (mode === 'unswept' && (kind.startsWith('klarna') || kind === 'slow')) return undefined;
    const name = `${task.name} / ${task.calls} ${site} ${kind}`;
    if (this.#leftOut.has(name)) return undefined;
    this.injected.push(name);
    return kind;
  }

  latency(task: Task, _site: string, fault: FaultKind | undefined): readonly [number, number] {
    const draws = this.#drawsOf(task);
    const { slowestMillis } = this.#plan;
    const most = draws.chance(0.1) ? slowestMillis : 25;
    const slow = fault === 'slow' ? draws.between(3_000, 45_000) : 0;
    const isBefore = draws.chance(0.5);
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
