import { delayAfterFailure } from '../../functions/adapters/queue/timer-message-delay.ts';
import { isMessageDone } from '../../functions/application/end-expired-session.ts';
import type {
  PaymentRequestId,
  PaymentRequestKey,
  ReferenceKey,
} from '../../functions/domain/identifiers.ts';
import { nameOf } from '../support/in-memory-payment-request-store.ts';
import { minute } from '../support/sessions.ts';
import type { Deployment } from './deployment.ts';
import { Draws } from './draws.ts';
import { timerBody } from './queue-bodies.ts';
import { beginning } from './plan.ts';
import { shortOf } from './describe-step.ts';
import type { World } from './world.ts';

/** How long a received message stays hidden, as in the stack. */
const visibilityMillis = 180_000;

/** What a message is about. */
type About = 'timer' | 'attempts';

/** Scheduler's schedules that fire, the queue that receives their messages, and its dead letters. */
export class TimerQueue {
  readonly #world: World;
  readonly #deployment: Deployment;
  #messages = 0;

  constructor(world: World, deployment: Deployment) {
    this.#world = world;
    this.#deployment = deployment;
  }

  /** A schedule is due to fire: early, late, several times, or never. */
  schedule(key: PaymentRequestKey, at: number, generation: number): void {
    const { engine, plan, timers } = this.#world;
    const draws = new Draws(plan.seed, `schedule ${nameOf(key)} ${generation}`);
    // Where DELETEs hang, the timers that send them are not lost.
    const isLost =
      draws.chance(plan.hangingCancelRate > 0 ? 0 : plan.lossRate) &&
      engine.now < beginning + plan.quietAfter;
    const isLate = draws.chance(plan.lateRate);
    const late =
      plan.mode === 'full' ? draws.pick([-4_000, 59_000, 10 * minute]) : draws.between(1_000, 20_000);
    const times = draws.chance(plan.doubleRate) ? draws.between(2, 3) : 1;
    const lateness = isLate ? late : draws.between(0, 800);
    engine.at(at + (plan.meetAt === undefined ? lateness : 0), () => {
      if (!timers.complete(key, generation)) return;
      engine.note(
        'scheduler',
        () => `${shortOf(key)} fires${isLost ? ', ** and is lost **' : times > 1 ? `, ${times} times` : ''}`,
      );
      if (isLost) return;
      for (let time = 0; time < times; time += 1)
        this.enqueue(key, engine.now + (plan.meetAt === undefined ? draws.between(5, 400) : 0));
    });
  }

  /** Queues a message that is visible from a time on. */
  enqueue(key: PaymentRequestKey, at: number, about: About = 'timer'): void {
    this.#messages += 1;
    const name = `${about === 'timer' ? 'message' : about} ${this.#messages}`;
    this.#world.engine.at(at, () => this.#receive(key, name, 1, about));
  }

  /** Queues a message that a request was seen for which something may wait. */
  settle(key: ReferenceKey, seen: PaymentRequestId, at: number): void {
    this.#messages += 1;
    const name = `reference ${this.#messages}`;
    this.#world.engine.at(at, () => this.#settle(key, seen, name, 1));
  }

  #settle(key: ReferenceKey, seen: PaymentRequestId, message: string, receive: number): void {
    const { engine, plan } = this.#world;
    this.#deployment.invoke(
      `${message} #${receive}`,
      'timer',
      async (ports, { settle }) => {
        const settings = await ports.accounts.find(key.account);
        if (!settings) throw new Error(`no account ${key.account}`);
        return { kind: await settle(ports)(key, settings, seen) };
      },
      (ending) => {
        const isDone = ending.kind === 'returned' && !['held', 'moving'].includes(ending.result.kind);
        // The sweep settles what the message could not.
        if (isDone || receive >= plan.mostReceives) return;
        const pause = ending.kind === 'died' ? visibilityMillis : delayAfterFailure(receive) * 1000;
        engine.after(pause, () => this.#settle(key, seen, message, receive + 1));
      },
    );
  }

  #receive(key: PaymentRequestKey, message: string, receive: number, about: About): void {
    const { engine, judge, plan, deadTimers } = this.#world;
    this.#deployment.invoke(
      `${message} ${shortOf(key)} #${receive}`,
      'timer',
      async (ports, { endExpired, compare }) => {
        const settings = await ports.accounts.find(key.account);
        if (!settings) throw new Error(`no account ${key.account}`);
        if (about === 'attempts') {
          const { kind } = await compare(ports)(key, settings);
          return { kind: kind === 'held' ? kind : 'nothing' } as const;
        }
        judge.meets(key, 'timer');
        return endExpired(ports)(key, settings);
      },
      (ending) => {
        if (ending.kind === 'returned' && isMessageDone(ending.result)) return;
        if (receive >= plan.mostReceives) {
          engine.note('queue', () => `${message} goes to the dead letters`);
          // The sweep compares attempts whose message failed.
          if (about === 'timer') deadTimers.send(timerBody(key, engine.now));
          return;
        }
        const pause = ending.kind === 'died' ? visibilityMillis : delayAfterFailure(receive) * 1000;
        engine.after(pause, () => this.#receive(key, message, receive + 1, about));
      },
    );
  }
}
