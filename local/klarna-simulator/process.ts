import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { programFiles } from '../program-files.ts';
import type { ConfigurationInput } from './configuration.ts';

export interface KlarnaProcess {
  /** Without a slash at its end. */
  readonly url: string;
  /** Kills it with SIGKILL. Connections are refused from then on. */
  kill(): Promise<void>;
  /** Starts it again at its address, with its stored data, if it was killed. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface KlarnaProcessOptions {
  readonly port: number;
  /** The folder for its data and its configuration. */
  readonly dataDirectory: string;
  readonly configuration: ConfigurationInput;
  /** Receives its output, and a line when it ends early. */
  readonly onLog: (line: string) => void;
}

/** Starts the Klarna simulator as a process that ends with this one. Rejects with its output when it cannot start. */
export async function startKlarnaProcess(options: KlarnaProcessOptions): Promise<KlarnaProcess> {
  const { dataDirectory, configuration, onLog } = options;
  const configurationFile = join(dataDirectory, 'configuration.json');
  await writeFile(configurationFile, JSON.stringify(configuration), { mode: 0o600 });
  let wanted = true;
  let child: ChildProcess | undefined;

  async function launch(port: number): Promise<string> {
    const launched = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        programFiles.klarna,
        ...['--port', String(port), '--data', dataDirectory, '--config', configurationFile],
      ],
      // It ends when its standard input ends. Ctrl-C in a terminal reaches only the parent.
      { stdio: ['pipe', 'pipe', 'pipe'], detached: true },
    );
    child = launched;
    launched.stdin.on('error', () => undefined);
    const said: string[] = [];
    createInterface({ input: launched.stderr }).on('line', (line) => {
      if (said.length < 20) said.push(line);
      onLog(line);
    });
    const listening = await new Promise<string>((resolve, reject) => {
      createInterface({ input: launched.stdout }).once('line', (line) => {
        resolve((JSON.parse(line) as { listening: string }).listening);
      });
      launched.once('error', reject);
      launched.once('close', () =>
        reject(new Error(`The Klarna simulator did not start: ${said.join(' ')}`)),
      );
    });
    launched.once('close', () => {
      if (wanted) onLog('The Klarna simulator has ended: start Lapse again.');
    });
    return listening;
  }

  /** Ends it in the given way, and waits until it has ended. */
  async function end(how: (running: ChildProcess) => void): Promise<void> {
    const running = child;
    wanted = false;
    child = undefined;
    if (running?.exitCode !== null || running.signalCode !== null) return;
    const closed = once(running, 'close');
    how(running);
    await closed;
  }

  const url = await launch(options.port);
  return {
    url,
    kill: () => end((running) => running.kill('SIGKILL')),
    async start() {
      if (wanted) return;
      wanted = true;
      await launch(Number(new URL(url).port));
    },
    stop: () => end((running) => running.stdin?.end()),
  };
}
