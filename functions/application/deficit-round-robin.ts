/** What waits for one tenant, and the credit that it has not used. */
interface Queue<Item> {
  credit: number;
  next: number;
  readonly waiting: { readonly item: Item; readonly cost: number }[];
}

/**
 * Items of many tenants, in turn: each round gives every tenant that waits the same credit, and what an item costs is taken from it. So
 * a tenant with ten thousand items delays another one by one item of each round. (M. Shreedhar and G. Varghese, Efficient Fair Queuing
 * using Deficit Round Robin, 1995.)
 */
export class DeficitRoundRobin<Item> {
  readonly #quantum: number;
  /** In the order of their turns. */
  readonly #queues = new Map<string, Queue<Item>>();
  #size = 0;

  /** @param quantum the credit of a round. At least the cost of any item. */
  constructor(quantum: number) {
    this.#quantum = quantum;
  }

  get size(): number {
    return this.#size;
  }

  /** How many items of the tenant wait. */
  waitingOf(tenant: string): number {
    const queue = this.#queues.get(tenant);
    return queue ? queue.waiting.length - queue.next : 0;
  }

  push(tenant: string, item: Item, cost: number): void {
    const queue = this.#queues.get(tenant) ?? { credit: 0, next: 0, waiting: [] };
    queue.waiting.push({ item, cost });
    this.#queues.set(tenant, queue);
    this.#size += 1;
  }

  /** Takes every item for which this holds, out of turn. */
  takeAll(holds: (item: Item) => boolean): readonly Item[] {
    const taken: Item[] = [];
    for (const [tenant, queue] of this.#queues) {
      const waiting = queue.waiting.slice(queue.next);
      const left = waiting.filter(({ item }) => !holds(item));
      if (left.length === waiting.length) continue;
      taken.push(...waiting.filter(({ item }) => holds(item)).map(({ item }) => item));
      if (left.length === 0) this.#queues.delete(tenant);
      else this.#queues.set(tenant, { ...queue, next: 0, waiting: left });
    }
    this.#size -= taken.length;
    return taken;
  }

  /** Takes the item whose turn it is. */
  next(): Item | undefined {
    for (;;) {
      const [first] = this.#queues;
      if (!first) return undefined;
      const [tenant, queue] = first;
      const head = queue.waiting[queue.next];
      // A tenant for which nothing waits keeps no credit.
      if (!head) this.#queues.delete(tenant);
      else if (queue.credit >= head.cost) {
        queue.credit -= head.cost;
        queue.next += 1;
        this.#size -= 1;
        return head.item;
      } else {
        queue.credit += this.#quantum;
        this.#queues.delete(tenant);
        this.#queues.set(tenant, queue);
      }
    }
  }
}
