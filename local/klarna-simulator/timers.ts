/** Node's longest timer, about 25 days; a later one is set in stages. */
const longestMillis = 2 ** 31 - 1;

/** At most one timer for each id. Kept in memory: whoever sets them sets them again after a restart. */
export class Timers {
  readonly #ring: (id: string) => void;
  readonly #armed = new Map<string, NodeJS.Timeout>();

  constructor(ring: (id: string) => void) {
    this.#ring = ring;
  }

  /** Rings at this time, in milliseconds since 1970 and never before it; a time that has passed rings at once. */
  set(id: string, atMillis: number): void {
    this.clear(id);
    const ring = () => {
      this.#armed.delete(id);
      if (atMillis > Date.now()) this.set(id, atMillis);
      else this.#ring(id);
    };
    const waitMillis = Math.min(Math.max(atMillis - Date.now(), 0), longestMillis);
    this.#armed.set(id, setTimeout(ring, waitMillis));
  }

  clear(id: string): void {
    clearTimeout(this.#armed.get(id));
    this.#armed.delete(id);
  }

  clearAll(): void {
    for (const timer of this.#armed.values()) clearTimeout(timer);
    this.#armed.clear();
  }
}
