import { hour } from '../support/sessions.ts';
import { Deployment } from './deployment.ts';
import type { Fate, Trace } from './engine.ts';
import type { Violation } from './judge.ts';
import { Operator } from './operator.ts';
import { People } from './people.ts';
import { beginning, type Plan } from './plan.ts';
import { type Protocol, realProtocol } from './protocol.ts';
import { wasCanceledAfterPaid } from './simulated-klarna.ts';
import { ReferenceStream } from './reference-stream.ts';
import { StreamRelay } from './stream-relay.ts';
import { Sweep } from './sweep.ts';
import { TimerQueue } from './timer-queue.ts';
import { WebhookDeliveries } from './webhook-deliveries.ts';
import { World } from './world.ts';

/** Every run ends by then, whatever its seed. */
const longest = 120 * hour;

/** The result of a run. */
export interface Report {
  readonly plan: Plan;
  readonly violation: Violation | undefined;
  readonly course: number;
  readonly steps: number;
  readonly sites: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<string, number>;
  /** How often each event reached a record in each state, by `state × event`. */
  readonly meetings: ReadonlyMap<string, number>;
  /**
   * Milliseconds from the deadline until the record was canceled, for every session that a timer or the sweep ended.
   */
  readonly lateness: readonly number[];
  readonly sweepRepairs: number;
  readonly events: number;
  readonly published: number;
  readonly requests: number;
  readonly paid: number;
  /**
   * Requests that our DELETE ended without leave to cancel COMPLETED, and how many of them after the customer had
   * approved.
   */
  readonly canceled: number;
  readonly canceledAfterPaid: number;
  readonly mostDeletes: number;
  readonly mostCalls: number;
}

/** One history: a plan that is played. */
export class Simulation {
  readonly #world: World;
  readonly #people: People;
  readonly #sweep: Sweep;

  constructor(plan: Plan, fate: Fate, protocol: Protocol = realProtocol, trace?: Trace) {
    const world = new World(
      plan,
      fate,
      protocol.changes,
      {
        onWrite: () => {
          relay.runSoon();
          sweep.runWhenDue();
        },
        onJob: () => sweep.runWhenDue(),
        onSaid: (said) => webhooks.send(said),
        onScheduled: (key, at, generation) => {
          timerQueue.schedule(key, at, generation);
          sweep.runWhenDue();
        },
        onMessage: (key, at) => timerQueue.enqueue(key, at),
        onHandOver: (key, at) => timerQueue.enqueue(key, at, 'attempts'),
        onAwaitedSeen: (key, seen, at) => timerQueue.settle(key, seen, at),
        onAwaited: (item) => {
          references.send(item);
          sweep.runWhenDue();
        },
      },
      trace,
    );
    const deployment = new Deployment(world, protocol);
    const relay = new StreamRelay(world, deployment);
    const references = new ReferenceStream(world, deployment);
    const sweep = new Sweep(world, deployment);
    const webhooks = new WebhookDeliveries(world, deployment);
    const timerQueue = new TimerQueue(world, deployment);
    this.#world = world;
    this.#sweep = sweep;
    this.#people = new People(world, deployment, {
      webhooks,
      timerQueue,
      operator: new Operator(world, deployment),
    });
  }

  /** Plays the plan to its end and checks everything on the way. */
  async run(): Promise<Report> {
    const { engine, klarna, judge, plan } = this.#world;
    for (const { key, isUnknown, lifetimeMillis } of plan.requests) {
      if (isUnknown) continue;
      klarna.create(key, lifetimeMillis);
    }
    for (const action of plan.actions) engine.at(beginning + action.at, () => this.#people.act(action));
    engine.at(beginning + plan.quietAfter, () => {
      engine.note('—', () => 'faults stop');
      judge.checkSoon();
    });
    await engine.run(beginning + longest);
    if (!judge.violation) judge.checkLate();
    return this.#report();
  }

  #report(): Report {
    const { engine, klarna, judge, plan } = this.#world;
    const truths = [...klarna.requests.values()];
    return {
      plan,
      violation: judge.violation,
      course: engine.course,
      steps: engine.steps,
      sites: engine.sites,
      faults: engine.injected,
      meetings: judge.meetings,
      lateness: judge.lateness,
      sweepRepairs: this.#sweep.repairs,
      events: new Set(judge.published.map(({ detail }) => detail.event_key)).size,
      published: judge.published.length,
      requests: truths.length,
      paid: truths.filter(({ life }) => life.some(({ state }) => state === 'COMPLETED')).length,
      canceled: truths.filter(({ life }) => life.some(({ by }) => by === 'cancel')).length,
      canceledAfterPaid: truths.filter(wasCanceledAfterPaid).length,
      mostDeletes: Math.max(0, ...truths.map(({ cancels }) => cancels)),
      mostCalls: Math.max(0, ...judge.totals.values()),
    };
  }
}
