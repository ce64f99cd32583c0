import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** How a program is started. */
export interface ProgramOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a program to its end and returns all that it printed. Throws with it when it fails. */
export async function runProgram(
  program: string,
  parameters: readonly string[],
  { cwd, environment = {} }: ProgramOptions = {},
): Promise<string> {
  const child = spawn(program, parameters, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
    ...(cwd !== undefined && { cwd }),
  });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  const text = Buffer.concat(output).toString('utf8');
  if (code !== 0) throw new Error(`${program} ${parameters.join(' ')} ended with ${String(code)}:\n${text}`);
  return text;
}
