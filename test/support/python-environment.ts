import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './run-program.ts';

/** Programs of a Python environment; `aws` only where its package is installed. */
export interface PythonEnvironment {
  readonly python: string;
  readonly aws: string;
}

/** Makes a Python environment with these packages of PyPI in the folder, or takes the one that is there. Throws where Python 3 is missing. */
export async function pythonEnvironment(
  folder: string,
  packages: readonly string[],
): Promise<PythonEnvironment> {
  const programs = { python: join(folder, 'bin', 'python'), aws: join(folder, 'bin', 'aws') };
  const complete = join(folder, `complete-${packages.join('-').replaceAll(/[^\w.-]/g, '')}`);
  if (existsSync(complete)) return programs;
  await rm(folder, { recursive: true, force: true });
  await runProgram('python3', ['-m', 'venv', folder]).catch((error: unknown) => {
    throw new Error('Python 3 with venv is missing. Install it and run this again.', { cause: error });
  });
  await runProgram(programs.python, ['-m', 'pip', 'install', '--quiet', ...packages]);
  await writeFile(complete, '');
  return programs;
}
