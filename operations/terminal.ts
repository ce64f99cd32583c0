import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';

/** What a command writes to and reads from. */
export interface Terminal {
  /** Writes a line to standard output: a result. */
  readonly out: (line: string) => void;
  /** Writes a line to standard error: progress, questions and errors. */
  readonly err: (line: string) => void;
  /** Whether colours help: standard output is a terminal, and `NO_COLOR` is not set (https://no-color.org). */
  readonly hasColours: boolean;
  /** Asks a question and returns the response; `undefined` where there is no person to ask. */
  readonly ask: (question: string) => Promise<string | undefined>;
  /**
   * Reads a secret from standard input, up to its end or, on a terminal, up to the end of the line without showing it. `undefined` where
   * standard input is empty.
   */
  readonly readSecret: (question: string) => Promise<string | undefined>;
  /**
   * Aborted when the person interrupts the command (SIGINT), or the system ends it (SIGTERM). A command that asks for it must end by
   * itself then; a second SIGINT ends the process at once.
   */
  readonly interruption: () => AbortSignal;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  let interruption: AbortSignal | undefined;
  return {
    interruption: () => (interruption ??= untilSignal()),
    out: (line) => stdout.write(`${line}\n`),
    err: (line) => stderr.write(`${line}\n`),
    hasColours: stdout.isTTY && (env['NO_COLOR'] ?? '') === '',
    ask: async (question) => {
      if (!stdin.isTTY) return undefined;
      const lines = createInterface({ input: stdin, output: stderr });
      try {
        return await lines.question(question);
      } finally {
        lines.close();
      }
    },
    readSecret: async (question) => {
      const secret = stdin.isTTY ? await readHidden(question) : await text(stdin);
      return secret.trim() === '' ? undefined : secret.trim();
    },
  };
}

function untilSignal(): AbortSignal {
  const interrupted = new AbortController();
  const abort = () => {
    // Without a listener, the next signal ends the process.
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, abort);
    interrupted.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, abort);
  return interrupted.signal;
}

/** Reads a line without showing it. */
function readHidden(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  return new Promise((resolve, reject) => {
    let typed = '';
    const end = (finish: () => void) => {
      stdin.setRawMode(false);
      stdin.pause();
      stdin.off('data', read);
      stderr.write('\n');
      finish();
    };
    const read = (characters: string) => {
      for (const character of characters) {
        if (character === '\r' || character === '\n' || character === '\u0004') {
          end(() => resolve(typed));
          return;
        }
        if (character === '\u0003') {
          end(() => reject(new Error('Interrupted: nothing was done.')));
          return;
        }
        typed = character === '\u007f' ? typed.slice(0, -1) : typed + character;
      }
    };
    stdin.on('data', read);
    stdin.resume();
  });
}
