import { spawn } from 'node:child_process';

/** The file descriptor. */
const standardError = 2;

/**
 * Runs a program in a folder. It may ask questions. Its output goes to standard error, so that standard output holds the results of the
 * command only.
 *
 * @throws {Error} where it cannot start, or ends with another exit code than 0
 */
export async function runProgram(
  program: string,
  parameters: readonly string[],
  folder: string,
): Promise<void> {
  const child = spawn(program, parameters, { cwd: folder, stdio: ['inherit', standardError, 'inherit'] });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0)
    throw new Error(`${program} ${parameters.join(' ')} ended with exit code ${code ?? 'none'}.`);
}
