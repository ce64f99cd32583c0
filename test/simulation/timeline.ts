interface Event {
  readonly at: number;
  readonly rank: number;
  readonly order: number;
  readonly happen: () => void;
}

/** The coming events in virtual time. Of two events at one moment, the lower rank comes first, then the older one. */
export class Timeline {
  readonly #heap: Event[] = [];
  #order = 0;

  add(at: number, happen: () => void, rank = 0): void {
    const heap = this.#heap;
    this.#order += 1;
    const event: Event = { at, rank, order: this.#order, happen };
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const up = (index - 1) >> 1;
      const parent = heap[up];
      if (!parent || !isBefore(event, parent)) break;
      heap[index] = parent;
      index = up;
    }
    heap[index] = event;
  }

  /** Removes and returns the next event. */
  next(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let down = index * 2 + 1;
      const left = heap[down];
      if (!left) break;
      const right = heap[down + 1];
      let child = left;
      if (right && isBefore(right, left)) {
        child = right;
        down += 1;
      }
      if (!isBefore(child, last)) break;
      heap[index] = child;
      index = down;
    }
    heap[index] = last;
    return first;
  }
}

const isBefore = (a: Event, b: Event): boolean =>
  a.at !== b.at ? a.at < b.at : a.rank !== b.rank ? a.rank < b.rank : a.order < b.order;
