import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';

/** A process that ends when its parent does, however the parent ends. */
export interface OwnedProcess {
  readonly pid: number | undefined;
  /** Resolves when it has ended, with the reason: `code 1`, `signal SIGKILL`, or why it could not be started. */
  readonly ended: Promise<string>;
  hasEnded(): boolean;
  /** Asks it to end, kills it after five seconds, and resolves when it has ended. */
  stop(): Promise<void>;
}

const graceMilliseconds = 5_000;

/**
 * Becomes the program by `exec`, so its pid, exit code and signals are the program's own. A background shell reads the
 * pipe from the parent. When the pipe closes without a line, the parent has ended, even by SIGKILL, and the shell kills
 * the program. Descriptors are moved aside first, because a shell gives background commands an empty standard input.
 */
const endWithParent = `
  exec 3<&0 </dev/null
  { read -r released <&3 || kill -9 $$; } >/dev/null 2>&1 &
  exec "$0" "$@" 3<&-
`;

/**
 * Starts a program that ends with this process, in a process group of its own. Ctrl-C in a terminal reaches this
 * process only, which then ends everything in order. Every line of both outputs goes to `onLine`.
 */
export function startOwnedProcess(
  program: string,
  programArguments: readonly string[],
  onLine: (line: string) => void,
): OwnedProcess {
  const child = spawn('sh', ['-c', endWithParent, program, ...programArguments], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  for (const output of [child.stdout, child.stderr]) createInterface({ input: output }).on('line', onLine);
  // The watching shell closes its end of the pipe when it ends; a later write is not a fault.
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
    // `close` comes after `exit`: the last lines of output have been read by then.
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
