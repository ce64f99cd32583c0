/** An element, and how it is brought up to date. */
export interface Shown<Item> {
  readonly root: HTMLElement;
  update(item: Item): void;
}

/**
 * Shows items in order, each in an element of its own that stays the same for as long as the item is there: focus, what is
 * opened and what is selected outlast a refresh.
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
      // An element that is moved loses the focus, so only what is out of place is moved.
      if (root === before) before = before.nextElementSibling;
      else this.#parent.insertBefore(root, before);
    }
    this.#shown = next;
  }
}
