import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import * as v from 'valibot';
import { readJson } from '../../functions/contract/read-json.ts';
import { runProgram } from '../support/run-program.ts';
import type { Archived, DeploymentParts } from './deployment.ts';

const root = join(import.meta.dirname, '..', '..');
const node = [
  '--disable-warning=ExperimentalWarning',
  '--import',
  join(import.meta.dirname, 'local-names.ts'),
];

const eventSchema = v.object({ 'detail-type': v.string(), detail: v.object({ event_key: v.string() }) });

/** Milliseconds in which a replayed event must come. */
const longestWait = 60_000;

/**
 * Replays an archive with `lapse replay`, and waits until `lapse listen` has shown one of its events. Throws where none comes. Returns the
 * type that was shown.
 */
export async function replayArchive(
  { stage, emulator }: DeploymentParts,
  { type, since, outputsFile }: Archived,
): Promise<string> {
  const stack = ['--outputs', outputsFile, '--stack', stage.stackName, '--json', '--yes'];
  const lapse = [...node, join(root, 'bin', 'lapse.ts'), ...stack];
  const listener = spawn(process.execPath, [...lapse, 'listen'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...emulator.environment },
  });
  const printed: string[] = [];
  try {
    const shown = new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('No event was replayed in time.')), longestWait);
      listener.once('exit', () => {
        clearTimeout(timer);
        reject(new Error(`lapse listen ended:\n${printed.join('\n')}`));
      });
      createInterface({ input: listener.stdout }).on('line', (line) => {
        printed.push(line);
        const event = v.safeParse(eventSchema, readJson(line));
        if (!event.success) return;
        clearTimeout(timer);
        resolve(event.output['detail-type']);
      });
    });
    await isListening(listener.stderr, printed);
    await runProgram(process.execPath, [...lapse, 'replay', '--since', since, '--type', type], {
      environment: emulator.environment,
    });
    return await shown;
  } finally {
    listener.removeAllListeners('exit');
    listener.kill('SIGINT');
    if (listener.exitCode === null) await once(listener, 'exit');
  }
}

/** Waits until the listener has its rule and its queue, which it says on standard error. */
async function isListening(output: NodeJS.ReadableStream, printed: string[]): Promise<void> {
  for await (const line of createInterface({ input: output })) {
    printed.push(line);
    if (line.startsWith('Listening')) return;
  }
}
