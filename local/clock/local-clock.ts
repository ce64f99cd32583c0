import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** From this moment of the machine's on, in milliseconds since 1970, the time was so much ahead of the machine's. */
interface Move {
  readonly since: number;
  readonly ahead: number;
}

/**
 * The time of the local system, in milliseconds since 1970: the machine's, until it is moved on.
 *
 * It moves in jumps, and whoever waits for a moment is told to look again. It does not run faster: what a single call may take,
 * in functions and between them, is measured by the machine's time, and a faster clock would make every limit too short.
 */
export class LocalClock {
  readonly #file: string | undefined;
  readonly #waiting = new Set<() => void>();
  #moves: readonly Move[];

  /** @param file remembers the jumps over a restart, since what was written down has the later times in it. */
  constructor(file?: string) {
    this.#file = file;
    this.#moves =
      file !== undefined && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Move[]) : [];
  }

  now(): number {
    return this.atMachineTime(Date.now());
  }

  /** By how many milliseconds it is ahead of the machine's. */
  get ahead(): number {
    return this.#moves.at(-1)?.ahead ?? 0;
  }

  /** What this clock showed, or will show, at a moment of the machine's. */
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

  /** Calls `look` after every jump until what is returned is called. */
  onAdvance(look: () => void): () => void {
    this.#waiting.add(look);
    return () => this.#waiting.delete(look);
  }
}
