/** An element, and how to update it. */
export interface Shown<Item> {
  readonly root: HTMLElement;
  update(item: Item): void;
}

/**
 * Shows items in order. Each keeps its element while it is in the list, so focus, open details and selection survive a
 * refresh.
 */
export class KeyedList<Item> {
  readonly #parent: HTMLElement;
  readonly #keyOf: (item: Item) => string;
  readonly #make: (item: Item) => Shown<Item>;
  #shown = new Map<string, Shown<Item>>();

  constructor(parent: HTMLElement, keyOf: (item: Item) => string, make: (item: Item) => Shown<Item>) {
    this.#parent = parent;
    this.#keyOf = keyOf;
    this.#make = make;
  }

  show(items: readonly Item[]): void {
    const next = new Map<string, Shown<Item>>();
    for (const item of items) {
      const key = this.#keyOf(item);
      const shown = this.#shown.get(key) ?? this.#make(item);
      shown.update(item);
      next.set(key, shown);
    }
    for (const [key, { root }] of this.#shown) if (!next.has(key)) root.remove();
    let before = this.#parent.firstElementChild;
    for (const { root } of next.values()) {
      // A moved element loses the focus, so only elements in the wrong place are moved.
      if (root === before) before = before.nextElementSibling;
      else this.#parent.insertBefore(root, before);
    }
    this.#shown = next;
  }
}
