import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** By how many milliseconds the clock is ahead of the machine's, from a moment of the machine's clock on. */
interface Move {
  readonly since: number;
  readonly ahead: number;
}

/**
 * The time of the local system in milliseconds since 1970: the machine's, until it is moved forward.
 *
 * The clock moves in jumps, and each jump wakes every waiter. It does not run faster than the machine's. Time limits of
 * calls are measured by the machine's clock, so a faster clock would make each limit too short.
 */
export class LocalClock {
  readonly #file: string | undefined;
  readonly #waiting = new Set<() => void>();
  #moves: readonly Move[];

  /** @param file keeps the jumps across a restart, because the stored data contains the later times. */
  constructor(file?: string) {
    this.#file = file;
    this.#moves =
      file !== undefined && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Move[]) : [];
  }

  now(): number {
    return this.atMachineTime(Date.now());
  }

  /** By how many milliseconds it is ahead of the machine's clock. */
  get ahead(): number {
    return this.#moves.at(-1)?.ahead ?? 0;
  }

  /** What this clock showed, or will show, at a moment of the machine's clock. */
  atMachineTime(millis: number): number {
    return millis + (this.#moves.findLast(({ since }) => since <= millis)?.ahead ?? 0);
  }

  advance(millis: number): void {
    this.#moves = [...this.#moves, { since: Date.now(), ahead: this.ahead + millis }];
    if (this.#file !== undefined) {
      writeFileSync(`${this.#file}.new`, JSON.stringify(this.#moves));
      renameSync(`${this.#file}.new`, this.#file);
    }
    for (const look of [...this.#waiting]) look();
  }

  /** Calls `look` after every jump, until the returned function is called. */
  onAdvance(look: () => void): () => void {
    this.#waiting.add(look);
    return () => this.#waiting.delete(look);
  }
}
