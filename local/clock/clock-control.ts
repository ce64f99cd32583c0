import * as v from 'valibot';
import { recordOf } from '../../functions/contract/record-of.ts';
import type { LocalClock } from './local-clock.ts';
import { closedObject, checkedJson, wholeNumber } from '../shared/checked-json.ts';

const day = 86_400_000;

const orderSchema = closedObject({
  /** Lets this much time pass on every clock. */
  advanceMs: v.exactOptional(wholeNumber(0, 365 * day)),
  /** By how much single clocks differ from the local system's clock. Clocks left out do not differ. */
  skewMs: v.exactOptional(recordOf(v.string(), wholeNumber(-day, day))),
});

export interface ClockControlOptions {
  readonly clock: LocalClock;
  /** Names of the clocks besides the local system's own. */
  readonly owners: () => readonly string[];
  /** Called after every change, and awaited. */
  readonly onChange: () => Promise<void>;
}

/**
 * The clocks of a local system: its own, which the AWS stand-ins use, and one for each function and for Klarna, which
 * may differ.
 */
export class ClockControl {
  readonly #options: ClockControlOptions;
  #skews: Readonly<Record<string, number>> = {};

  constructor(options: ClockControlOptions) {
    this.#options = options;
  }

  /** By how many milliseconds an owner's clock is ahead of the machine's. */
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

  /** Sets the clocks as the JSON text says, or returns one sentence about what is wrong with it. */
  async set(text: string): Promise<{ readonly violation: string } | undefined> {
    const { clock, owners, onChange } = this.#options;
    const read = checkedJson(orderSchema, text);
    if ('violation' in read) return read;
    const { advanceMs, skewMs } = read.value;
    const unknown = Object.keys(skewMs ?? {}).find((owner) => !owners().includes(owner));
    if (unknown !== undefined) {
      return { violation: `There is no clock called ${unknown}; allowed: ${owners().join(', ')}.` };
    }
    if (skewMs) this.#skews = skewMs;
    if (advanceMs !== undefined) clock.advance(advanceMs);
    await onChange();
    return undefined;
  }
}
