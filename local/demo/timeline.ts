import { styleText } from 'node:util';

/** Who acts in a line of the timeline. */
export type Actor = 'shop' | 'customer' | 'klarna' | 'lapse';

type Style = Parameters<typeof styleText>[0];

/** The colour of each actor. */
export const actorStyles: Readonly<Record<Actor, Style>> = {
  shop: 'cyan',
  customer: 'magenta',
  klarna: 'yellow',
  lapse: 'green',
};

/** The longest name of a session. */
export const nameWidth = 19;

/** Shows the steps of the sessions as they happen. */
export interface Narrator {
  show(session: string, actor: Actor, text: string): void;
}

/** Prints each step as it happens: seconds since the start, the story, the actor and the action. */
export class Timeline implements Narrator {
  readonly #print: (line: string) => void;
  readonly #startedAt = performance.now();

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  show(story: string, actor: Actor, text: string): void {
    const elapsed = ((performance.now() - this.#startedAt) / 1_000).toFixed(2).padStart(6);
    this.#print(
      `${styleText('dim', `${elapsed} s`)}  ${story.padEnd(nameWidth)}  ${styleText(actorStyles[actor], actor.padEnd(8))}  ${text}`,
    );
  }
}

/** Rows under a heading; each column is as wide as its widest cell. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd();
  return [styleText('bold', line(heading)), ...rows.map(line)];
}
