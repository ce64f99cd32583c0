import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ConfigurationInput } from './klarna-simulator/configuration.ts';

export interface KlarnaProcess {
  /** Without a slash at its end. */
  readonly url: string;
  stop(): Promise<void>;
}

export interface KlarnaProcessOptions {
  readonly port: number;
  /** Where its data and its configuration are kept. */
  readonly dataDirectory: string;
  readonly configuration: ConfigurationInput;
  /** Told what it says, and its end should it come early. */
  readonly onLog: (line: string) => void;
}

/** Starts the Klarna simulator as a process that ends when this one does; rejects with what it said if it cannot start. */
export async function startKlarnaProcess(options: KlarnaProcessOptions): Promise<KlarnaProcess> {
  const { port, dataDirectory, configuration, onLog } = options;
  const configurationFile = join(dataDirectory, 'configuration.json');
  await writeFile(configurationFile, JSON.stringify(configuration), { mode: 0o600 });
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, 'klarna-simulator', 'main.ts'),
      ...['--port', String(port), '--data', dataDirectory, '--config', configurationFile],
    ],
    // It notices the end of its standard input, and Ctrl-C in a terminal is not for it but for its parent.
    { stdio: ['pipe', 'pipe', 'pipe'], detached: true },
  );
  child.stdin.on('error', () => undefined);
  const said: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (said.length < 20) said.push(line);
    onLog(line);
  });
  let stopping = false;
  const closed = once(child, 'close');
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => {
      resolve((JSON.parse(line) as { listening: string }).listening);
    });
    child.once('error', reject);
    child.once('close', () => reject(new Error(`The Klarna simulator did not start: ${said.join(' ')}`)));
  });
  void closed.then(() => {
    if (!stopping) onLog('The Klarna simulator has ended: start Lapse again.');
  });
  return {
    url,
    async stop() {
      if (stopping) return;
      stopping = true;
      child.stdin.end();
      await closed;
    },
  };
}
