import type { RateBudgets } from '../../application/ports.ts';
import { sameWindowMillis } from '../../domain/rate-limit.ts';
import { credentialKeyOf } from './record-keys.ts';
import type { Item } from './stored-payment-request.ts';
import { getItem, type TableAccess, updateItem } from './table-items.ts';
import { UpdateBuilder } from './update-expression.ts';

/** What the processes share of each credential's rate limit: one small item. */
export class DynamoDbRateBudgets implements RateBudgets {
  readonly #table: TableAccess;

  constructor(table: TableAccess) {
    this.#table = table;
  }

  /** Clocks of processes differ, and Klarna rounds: windows that end within a second or so are one. */
  async take(
    credential: string,
    calls: number,
    { resetsAt, most }: { readonly resetsAt: number; readonly most: number },
  ): Promise<boolean> {
    if (calls > most) return false;
    const added = await this.#add(credential, calls, { resetsAt, most });
    if (added.written) return true;
    // A window that ends later was begun by a process that knows more.
    if (numberIn(added.stored, 'resets_at') >= resetsAt - sameWindowMillis) return false;
    // Another process may begin it at the same moment.
    return (
      (await this.#begin(credential, calls, resetsAt)) ||
      (await this.#add(credential, calls, { resetsAt, most })).written
    );
  }

  /** Adds to the calls of the window, if it is the stored one. */
  #add(
    credential: string,
    calls: number,
    { resetsAt, most }: { readonly resetsAt: number; readonly most: number },
  ) {
    const update = new UpdateBuilder().increment('used', calls);
    const [window, used] = [update.name('resets_at'), update.name('used')];
    const isSame = `${window} BETWEEN ${update.value(resetsAt - sameWindowMillis)} AND ${update.value(resetsAt + sameWindowMillis)}`;
    return this.#update(credential, update, `${isSame} AND ${used} <= ${update.value(most - calls)}`);
  }

  async pausedUntil(credential: string): Promise<number> {
    return numberIn(await getItem(this.#table, credentialKeyOf(credential), 'eventual'), 'paused_until');
  }

  async pause(credential: string, until: number): Promise<void> {
    const update = new UpdateBuilder().put('paused_until', until);
    const name = update.name('paused_until');
    await this.#update(
      credential,
      update,
      `attribute_not_exists(${name}) OR ${name} < ${update.value(until)}`,
    );
  }

  /** Begins the window, unless another process has begun it. */
  async #begin(credential: string, calls: number, resetsAt: number): Promise<boolean> {
    const update = new UpdateBuilder().put('used', calls).put('resets_at', resetsAt);
    const window = update.name('resets_at');
    const isOver = `${window} < ${update.value(resetsAt - sameWindowMillis)}`;
    return (await this.#update(credential, update, `attribute_not_exists(${window}) OR ${isOver}`)).written;
  }

  #update(credential: string, update: UpdateBuilder, condition: string) {
    return updateItem(this.#table, credentialKeyOf(credential), update.when(condition));
  }
}

function numberIn(item: Item | undefined, attribute: string): number {
  const value = item?.[attribute];
  return typeof value === 'number' ? value : 0;
}
