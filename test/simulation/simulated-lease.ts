import type { Instant } from '../../functions/domain/instant.ts';
import { noMemory, type SweepMemory } from '../../functions/domain/sweep-memory.ts';

/** The item of the sweep's lease as the table keeps it. */
export class SimulatedLease {
  #held: { readonly holder: string; readonly until: Instant } | undefined;
  #memory = noMemory;

  /** Takes the lease, unless another run holds it. The same run may repeat its write. */
  take(holder: string, now: Instant, until: Instant): SweepMemory | undefined {
    if (this.#held && this.#held.until > now && this.#held.holder !== holder) return undefined;
    this.#held = { holder, until };
    return this.#memory;
  }

  release(holder: string, memory: SweepMemory | undefined): void {
    if (this.#held?.holder !== holder) return;
    this.#held = undefined;
    this.#memory = memory ?? this.#memory;
  }
}
