import type { Account } from '../domain/identifiers.ts';
import type { KlarnaResponse } from '../domain/klarna-response.ts';
import {
  allowance,
  isHalfSeen,
  isRelaxed,
  type RateWindow,
  untilGrown,
  windowAfter,
  windowAt,
} from '../domain/rate-limit.ts';
import { DeficitRoundRobin } from './deficit-round-robin.ts';
import type { Clock, RateBudgets } from './ports.ts';

/** What background work is for. A timer goes before a job, and a job before the rest of the sweep. */
export type Urgency = 'timer' | 'job' | 'sweep';

const urgencies: readonly Urgency[] = ['timer', 'job', 'sweep'];

/** What pacing calls needs. */
export interface PaceDependencies {
  readonly budgets: RateBudgets;
  readonly clock: Clock;
  /** Called with a fault of the table. The process then goes by what it knows itself. */
  readonly onFault: (error: unknown) => void;
}

/** The calls of one attempt: a read, and the DELETE that may follow. */
const callsOfAttempt = 2;

/** Attempts that a process begins before the first response tells it the limit: a batch of timers. */
const mostProbes = 10;

/** Milliseconds for which a process does not look again whether another one was told to wait. */
const lookInterval = 5_000;

/** Milliseconds of a pause for which Klarna names no time, and of the longest that is believed. */
const unnamedPause = 1_000;
const longestPause = 120_000;

/** Milliseconds of the longest sleep of a process in which attempts wait. */
const longestSleep = 1_000;

interface Waiter {
  readonly until: number;
  readonly resolve: (isTurn: boolean) => void;
}

/**
 * The pace of one credential in one process. Every response of Klarna tells how much of the limit is left, of all callers together.
 * While that is far from the share of Lapse, attempts do not wait and nothing is written. Near it, the processes take their calls from
 * one small item of the table. After a 429 the item tells every process to wait.
 */
export class CredentialPace {
  /** The part of the limit that Lapse may use. */
  share = 1;
  readonly #name: string;
  readonly #dependencies: PaceDependencies;
  readonly #waiting: Readonly<Record<Urgency, DeficitRoundRobin<Waiter>>> = {
    timer: new DeficitRoundRobin(callsOfAttempt),
    job: new DeficitRoundRobin(callsOfAttempt),
    sweep: new DeficitRoundRobin(callsOfAttempt),
  };
  #isServing = false;
  #window: RateWindow | undefined;
  /** Attempts that were begun before the first response, and when the last of them was. */
  #probes = { begun: 0, at: 0 };
  #isKnown = false;
  #pausedUntil = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Calls of this process in the window: those taken from the share and not made, and those made and not taken. */
  #own = { resetsAt: 0, taken: 0, uncounted: 0 };
  /** The processes last had to count their calls together. */
  #isPressed = false;

  constructor(name: string, dependencies: PaceDependencies) {
    this.#name = name;
    this.#dependencies = dependencies;
  }

  /** Milliseconds for which no call may be made; 0 or less where calls may be made. */
  get pauseMillis(): number {
    return this.#pausedUntil - this.#dependencies.clock.now();
  }

  /** Resolves to true when it is the account's turn, and to false where that does not come before `until`. */
  turn(account: Account, urgency: Urgency, until: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting[urgency].push(account, { until, resolve }, callsOfAttempt);
      if (this.#isServing) return;
      this.#isServing = true;
      void this.#serve();
    });
  }

  /** Notes what a response tells about the limit. */
  note(response: KlarnaResponse): void {
    const { budgets, clock, onFault } = this.#dependencies;
    const now = clock.now();
    this.#lookedAt = now;
    this.#isKnown = true;
    if (response.rate) this.#window = windowAfter(this.#window, response.rate, now);
    if (response.kind !== 'rate_limited') return;
    const pausedUntil = now + Math.min(longestPause, response.retryAfterMillis ?? unnamedPause);
    if (pausedUntil <= this.#pausedUntil) return;
    this.#pausedUntil = pausedUntil;
    budgets.pause(this.#name, pausedUntil).catch(onFault);
  }

  /** Gives turns until nothing waits any more. */
  async #serve(): Promise<void> {
    const { clock, onFault } = this.#dependencies;
    while (this.#mostUrgent()) {
      const wait = await this.#millisToWait().catch((error: unknown) => {
        onFault(error);
        return longestSleep;
      });
      if (wait === 0) {
        this.#mostUrgent()?.next()?.resolve(true);
        // The attempt begins before the next turn is given.
        await Promise.resolve();
      } else if (!this.#refuse(clock.now() + wait)) await clock.wait(Math.min(wait, longestSleep));
    }
    this.#isServing = false;
  }

  #mostUrgent(): DeficitRoundRobin<Waiter> | undefined {
    return urgencies.map((urgency) => this.#waiting[urgency]).find(({ size }) => size > 0);
  }

  /** Refuses what does not wait until this time. Returns whether it refused any. */
  #refuse(time: number): boolean {
    const late = urgencies.flatMap((urgency) => this.#waiting[urgency].takeAll(({ until }) => until < time));
    for (const { resolve } of late) resolve(false);
    return late.length > 0;
  }

  /** Milliseconds until an attempt may be tried again; 0 where one may begin now, and is counted. */
  async #millisToWait(): Promise<number> {
    await this.#look();
    const now = this.#dependencies.clock.now();
    if (now < this.#pausedUntil) return this.#pausedUntil - now;
    if (!this.#window) return this.#millisToProbe(now);
    const window = windowAt(this.#window, now);
    this.#window = window;
    if (this.#own.resetsAt !== window.resetsAt) {
      this.#own = { resetsAt: window.resetsAt, taken: 0, uncounted: 0 };
    }
    const relaxed = isRelaxed(window, this.share, this.#own.uncounted, now);
    // At the beginning of a window little is used, and a process that waits does not see what others use.
    this.#isPressed = !relaxed || (this.#isPressed && !isHalfSeen(window, now));
    if (this.#isPressed) return this.#millisToTake(window, now);
    this.#own.uncounted += callsOfAttempt;
    return 0;
  }

  /** Looks, once in a while, whether another process was told to wait. */
  async #look(): Promise<void> {
    const { budgets, clock, onFault } = this.#dependencies;
    if (clock.now() - this.#lookedAt < lookInterval) return;
    this.#lookedAt = clock.now();
    const until = await budgets.pausedUntil(this.#name).catch((error: unknown) => {
      onFault(error);
      return 0;
    });
    this.#pausedUntil = Math.max(this.#pausedUntil, until);
  }

  /** The same where nothing is known of the limit. A Klarna that tells none has none. */
  #millisToProbe(now: number): number {
    if (this.#isKnown) return 0;
    // Attempts that needed no call bring no response.
    const begun = now - this.#probes.at > 1_000 ? 0 : this.#probes.begun;
    if (begun === mostProbes) return 50;
    this.#probes = { begun: begun + 1, at: now };
    return 0;
  }

  /** The same where the processes count their calls together. */
  async #millisToTake(window: RateWindow, now: number): Promise<number> {
    const own = this.#own;
    const { resetsAt } = window;
    if (own.taken < callsOfAttempt) {
      const calls = callsAtOnce(window, this.share);
      const most = allowance(window, this.share, now);
      const { budgets } = this.#dependencies;
      if (!(await budgets.take(this.#name, calls + own.uncounted, { resetsAt, most })))
        return untilGrown(window, this.share, callsOfAttempt, now);
      own.taken += calls;
      own.uncounted = 0;
    }
    own.taken -= callsOfAttempt;
    return 0;
  }
}

/** Calls that a process takes from the share at once: those of a quarter of a second, which is how often it may ask. */
const callsAtOnce = ({ limit, windowMillis }: RateWindow, share: number): number =>
  Math.min(50, Math.max(callsOfAttempt, Math.ceil((limit * share * 1_000) / windowMillis / 4)));
