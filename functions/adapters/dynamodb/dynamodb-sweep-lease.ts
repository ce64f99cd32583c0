import type { Ids, SweepLease } from '../../application/ports.ts';
import { tableSchema } from '../../contract/table-schema.ts';
import type { Instant } from '../../domain/instant.ts';
import { type TableAccess, updateItem } from './table-items.ts';
import { UpdateBuilder } from './update-expression.ts';

/** Where the lease is stored, and who names its holders. */
export interface SweepLeaseOptions extends TableAccess {
  readonly ids: Ids;
}

/** The lease of the sweep, as one item of the table: until when it is held, and by which run. */
export class DynamoDbSweepLease implements SweepLease {
  readonly #options: SweepLeaseOptions;
  #holder: string | undefined;

  constructor(options: SweepLeaseOptions) {
    this.#options = options;
  }

  async take(now: Instant, until: Instant): Promise<boolean> {
    const holder = this.#options.ids.next();
    this.#holder = holder;
    const update = new UpdateBuilder().put('held_until', until).put('holder', holder);
    const [heldUntil, heldBy] = [update.name('held_until'), update.name('holder')];
    // The SDK repeats a write whose response was lost: the second attempt finds this run's own lease.
    return this.#write(
      update,
      `attribute_not_exists(${heldUntil}) OR ${heldUntil} <= ${update.value(now)} OR ${heldBy} = ${update.value(holder)}`,
    );
  }

  async release(): Promise<void> {
    if (this.#holder === undefined) return;
    const update = new UpdateBuilder().put('held_until', undefined).put('holder', undefined);
    await this.#write(update, `${update.name('holder')} = ${update.value(this.#holder)}`);
    this.#holder = undefined;
  }

  /** Returns whether the condition held. */
  async #write(update: UpdateBuilder, condition: string): Promise<boolean> {
    return (await updateItem(this.#options, tableSchema.sweepLease, update.when(condition))).written;
  }
}
