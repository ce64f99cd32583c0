import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { checkRecordedCalls } from './recorded-calls.ts';

/** The addresses in the `ready` line of a running system. */
export interface Addresses {
  readonly api: string;
  readonly webhook: string;
  readonly klarna: string;
  readonly control: string;
}

/** `npm start` as a process in its own process group. */
export interface LocalProcess extends Addresses {
  readonly child: ChildProcess;
  /** Everything that it has printed. */
  output(): string;
  /** Sends SIGTERM and waits for the end. Resolves to the exit code. */
  stop(): Promise<number | null>;
  /** Sends SIGKILL to every process of the group. */
  killAll(): Promise<void>;
}

/** Starts the local system on free ports and resolves when it is ready. */
export async function startLocalProcess(...options: readonly string[]): Promise<LocalProcess> {
  const ports = ['--port', '0', '--webhook-port', '0', '--klarna-port', '0', '--scenario', 'none'];
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'bin/local.ts', ...ports, ...options],
    { detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const said: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const ready = new Promise<Addresses>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      said.push(`${line}\n`);
      if (line.startsWith('ready ')) resolve(JSON.parse(line.slice('ready '.length)) as Addresses);
    });
    child.on('exit', (code) => reject(new Error(`npm start ended with ${String(code)}:\n${said.join('')}`)));
  });
  const addresses = await ready;
  return {
    ...addresses,
    child,
    output: () => said.join(''),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        try {
          await checkRecordedCalls(addresses.control);
        } finally {
          child.kill('SIGTERM');
          await once(child, 'exit');
        }
      }
      return child.exitCode;
    },
    async killAll() {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
      await once(child, 'exit');
    },
  };
}
