import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';

/** A process that ends when its parent does, however the parent ends. */
export interface OwnedProcess {
  readonly pid: number | undefined;
  /** Resolves when it has ended, with why: `code 1`, `signal SIGKILL`, or why it could not be started. */
  readonly ended: Promise<string>;
  hasEnded(): boolean;
  /** Asks it to end, insists after five seconds, and resolves when it has ended. */
  stop(): Promise<void>;
}

const graceMilliseconds = 5_000;

/**
 * Becomes the program by `exec`, so that its pid, exit code and signals are the program's own. A watcher left behind reads
 * the pipe from the parent: the pipe's end without a word means that the parent is gone, SIGKILL included, and the program
 * goes too. Descriptors are moved aside first, since a shell gives background commands an empty standard input.
 */
const leash = `
  exec 3<&0 </dev/null
  { read -r released <&3 || kill -9 $$; } >/dev/null 2>&1 &
  exec "$0" "$@" 3<&-
`;

/**
 * Starts a program on the leash, in a process group of its own: Ctrl-C in a terminal reaches the parent, which can then end
 * things in order. Every line of its two outputs goes to `onLine`.
 */
export function startOwnedProcess(
  program: string,
  programArguments: readonly string[],
  onLine: (line: string) => void,
): OwnedProcess {
  const child = spawn('sh', ['-c', leash, program, ...programArguments], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  for (const output of [child.stdout, child.stderr]) createInterface({ input: output }).on('line', onLine);
  // The watcher's end of the pipe closes with it; writing to it afterwards is no fault.
  child.stdin.on('error', () => undefined);

  let hasEnded = false;
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => {
      hasEnded = true;
      resolve(error.message);
    });
    child.on('exit', () => {
      hasEnded = true;
      child.stdin.end('released\n');
    });
    // Later than `exit`: its last words have been read.
    child.on('close', (code, signal) => {
      resolve(code === null ? `signal ${String(signal)}` : `code ${code}`);
    });
  });

  return {
    pid: child.pid,
    ended,
    hasEnded: () => hasEnded,
    async stop() {
      if (hasEnded) return;
      child.kill('SIGTERM');
      const insist = new AbortController();
      void wait(graceMilliseconds, undefined, { signal: insist.signal }).then(
        () => child.kill('SIGKILL'),
        () => undefined,
      );
      await ended;
      insist.abort();
    },
  };
}
