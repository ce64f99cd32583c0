import { styleText } from 'node:util';
import { type Actor, actorStyles, type Narrator, nameWidth } from './timeline.ts';

/** Where the board is drawn: a terminal. */
export interface Terminal {
  write(text: string): void;
}

/** One line for each session, which shows its latest step and changes in place. */
export class SessionBoard implements Narrator {
  readonly #terminal: Terminal;
  readonly #steps = new Map<string, string>();
  readonly #startedAt = performance.now();

  constructor(terminal: Terminal, sessions: readonly string[]) {
    this.#terminal = terminal;
    for (const session of sessions) this.#steps.set(session, '');
    terminal.write('\n'.repeat(sessions.length));
    this.#draw();
  }

  show(session: string, actor: Actor, text: string): void {
    const elapsed = ((performance.now() - this.#startedAt) / 1_000).toFixed(1).padStart(5);
    this.#steps.set(session, `${elapsed} s  ${styleText(actorStyles[actor], actor.padEnd(8))}  ${text}`);
    this.#draw();
  }

  /** Goes up to the first line and writes all of them again. Lines that would wrap would be counted wrongly: they are not wrapped. */
  #draw(): void {
    const lines = [...this.#steps].map(
      ([session, step]) => `\r\u001B[2K  ${styleText('bold', session.padEnd(nameWidth))}  ${step}\n`,
    );
    this.#terminal.write(`\u001B[${this.#steps.size}A\u001B[?7l${lines.join('')}\u001B[?7h`);
  }
}
