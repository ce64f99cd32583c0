import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './run-program.ts';

/** From PyPI: the emulator, what it checks tokens with, and AWS's own command line. */
const packages = ['ministack==1.5.33', 'cryptography==50.0.2', 'boto3==1.43.106', 'awscli==1.46.3'];

/** The programs of a Python environment. */
export interface PythonEnvironment {
  readonly python: string;
  readonly aws: string;
}

/** Makes a Python environment with the packages in the folder, or takes the one that is there. Throws where Python 3 is missing. */
export async function pythonEnvironment(folder: string): Promise<PythonEnvironment> {
  const programs = { python: join(folder, 'bin', 'python'), aws: join(folder, 'bin', 'aws') };
  const complete = join(folder, `complete-${packages.join('-').replaceAll(/[^\w.-]/g, '')}`);
  if (existsSync(complete)) return programs;
  await rm(folder, { recursive: true, force: true });
  await runProgram('python3', ['-m', 'venv', folder]).catch((error: unknown) => {
    throw new Error('npm run outside needs Python 3 with venv. Install it and run this again.', {
      cause: error,
    });
  });
  await runProgram(programs.python, ['-m', 'pip', 'install', '--quiet', ...packages]);
  await writeFile(complete, '');
  return programs;
}
