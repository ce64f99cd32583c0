import type { PaymentRequestKey } from '../../functions/domain/identifiers.ts';
import { type Instant, millisOf } from '../../functions/domain/instant.ts';
import { nameOf } from '../support/in-memory-payment-request-store.ts';

/** A timer with a closer deadline goes straight to the queue, as in the deployment. */
const shortTimerMillis = 90_000;

/** The armed timers: at most one schedule per session, and the messages that went to the queue. */
export interface TimerEvents {
  /** Called when a schedule was made or moved. It fires at this time unless it is moved or removed before. */
  readonly onScheduled: (key: PaymentRequestKey, at: number, generation: number) => void;
  /** Called with a message for the queue, visible from this time on. */
  readonly onMessage: (key: PaymentRequestKey, at: number) => void;
}

interface Schedule {
  readonly key: PaymentRequestKey;
  readonly deadlineAt: Instant;
  readonly generation: number;
}

/** EventBridge Scheduler and the queue behind it, as the adapter uses them. */
export class SimulatedTimers {
  readonly schedules = new Map<string, Schedule>();
  readonly #now: () => number;
  readonly #events: TimerEvents;
  #generation = 0;

  constructor(now: () => number, events: TimerEvents) {
    this.#now = now;
    this.#events = events;
  }

  /** Whether a schedule for another deadline was moved or removed. */
  arm(key: PaymentRequestKey, deadlineAt: Instant): boolean {
    // `at(…)` has whole seconds, so the time is rounded up.
    const goesOff = Math.ceil(millisOf(deadlineAt) / 1000) * 1000;
    if (goesOff - this.#now() <= shortTimerMillis) {
      this.#events.onMessage(key, Math.max(goesOff, this.#now()));
      return this.remove(key);
    }
    const existing = this.schedules.get(nameOf(key));
    if (existing?.deadlineAt === deadlineAt) return false;
    this.#generation += 1;
    const { account, paymentRequestId } = key;
    this.schedules.set(nameOf(key), {
      key: { account, paymentRequestId },
      deadlineAt,
      generation: this.#generation,
    });
    this.#events.onScheduled(key, goesOff, this.#generation);
    return existing !== undefined;
  }

  remove(key: PaymentRequestKey): boolean {
    return this.schedules.delete(nameOf(key));
  }

  /** Removes a schedule that has fired. Returns `false` if it no longer exists. */
  complete(key: PaymentRequestKey, generation: number): boolean {
    return this.schedules.get(nameOf(key))?.generation === generation && this.schedules.delete(nameOf(key));
  }
}
