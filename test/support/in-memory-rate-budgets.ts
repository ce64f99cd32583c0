import type { RateBudgets } from '../../functions/application/ports.ts';
import { sameWindowMillis } from '../../functions/domain/rate-limit.ts';

/** The shared part of rate limits, in memory, as processes of one test share it. */
export class InMemoryRateBudgets implements RateBudgets {
  readonly items = new Map<string, { resetsAt: number; used: number; pausedUntil: number }>();
  writes = 0;

  take(...[credential, calls, { resetsAt, most }]: Parameters<RateBudgets['take']>): Promise<boolean> {
    this.writes += 1;
    const item = this.#itemOf(credential);
    if (item.resetsAt < resetsAt - sameWindowMillis) Object.assign(item, { resetsAt, used: 0 });
    const isTaken = item.resetsAt <= resetsAt + sameWindowMillis && item.used + calls <= most;
    if (isTaken) item.used += calls;
    return Promise.resolve(isTaken);
  }

  pausedUntil(credential: string): Promise<number> {
    return Promise.resolve(this.#itemOf(credential).pausedUntil);
  }

  pause(credential: string, until: number): Promise<void> {
    const item = this.#itemOf(credential);
    item.pausedUntil = Math.max(item.pausedUntil, until);
    return Promise.resolve();
  }

  #itemOf(credential: string) {
    const item = this.items.get(credential) ?? { resetsAt: 0, used: 0, pausedUntil: 0 };
    this.items.set(credential, item);
    return item;
  }
}
