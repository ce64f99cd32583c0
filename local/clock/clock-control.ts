import * as v from 'valibot';
import type { LocalClock } from './local-clock.ts';
import { closedObject, readJson, wholeNumber } from '../shared/read-json.ts';

const day = 86_400_000;

const orderSchema = closedObject({
  /** Lets so much time pass, for everybody. */
  advanceMs: v.exactOptional(wholeNumber(0, 365 * day)),
  /** By how much single clocks are ahead of the local system's, or behind it; those that are left out are right. */
  skewMs: v.exactOptional(v.record(v.string(), wholeNumber(-day, day))),
});

export interface ClockControlOptions {
  readonly clock: LocalClock;
  /** Whose clocks there are besides the local system's own. */
  readonly owners: () => readonly string[];
  /** Told after every change, and waited for. */
  readonly onChange: () => Promise<void>;
}

/** The clocks of a local system: its own, which its AWS goes by, and everybody else's, which may be off it. */
export class ClockControl {
  readonly #options: ClockControlOptions;
  #skews: Readonly<Record<string, number>> = {};

  constructor(options: ClockControlOptions) {
    this.#options = options;
  }

  /** By how many milliseconds somebody's clock is ahead of the machine's. */
  aheadOf(owner: string): number {
    return this.#options.clock.ahead + (this.#skews[owner] ?? 0);
  }

  show(): object {
    const { clock, owners } = this.#options;
    return {
      now: new Date(clock.now()).toISOString(),
      ahead_ms: clock.ahead,
      skew_ms: Object.fromEntries(owners().map((owner) => [owner, this.#skews[owner] ?? 0])),
    };
  }

  /** Sets the clocks as the text asks, or says in one sentence why not. */
  async set(text: string): Promise<{ readonly violation: string } | undefined> {
    const { clock, owners, onChange } = this.#options;
    const read = readJson(orderSchema, text);
    if ('violation' in read) return read;
    const { advanceMs, skewMs } = read.value;
    const unknown = Object.keys(skewMs ?? {}).find((owner) => !owners().includes(owner));
    if (unknown !== undefined) {
      return { violation: `Nobody called ${unknown} has a clock; allowed: ${owners().join(', ')}.` };
    }
    if (skewMs) this.#skews = skewMs;
    if (advanceMs !== undefined) clock.advance(advanceMs);
    await onChange();
    return undefined;
  }
}
