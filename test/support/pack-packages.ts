import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runProgram } from './run-program.ts';

/**
 * Packs the three packages into a folder, and writes the files for CloudFormation below it. They are built from a clean clone, in a folder
 * and with a folder for temporary files that are not those of the tests.
 */
export async function packPackages(target: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lapse-clone-'));
  try {
    const clone = join(folder, 'a', 'clone');
    copyRepository(clone);
    const TMPDIR = join(folder, 'tmp');
    mkdirSync(TMPDIR);
    await runProgram('npm', ['run', '--silent', 'package'], {
      cwd: clone,
      environment: { TMPDIR, npm_config_ignore_scripts: 'true' },
    });
    rmSync(target, { recursive: true, force: true });
    cpSync(join(clone, 'dist', 'packages'), target, { recursive: true });
    cpSync(join(clone, 'dist', 'cloudformation'), join(target, 'cloudformation'), { recursive: true });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Copies what git has or would add, as a clone has it, and links what `npm ci` installed. */
function copyRepository(clone: string): void {
  const listed = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'];
  const files = execFileSync('git', listed, { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 }).split('\0');
  for (const file of files.filter(Boolean)) {
    mkdirSync(join(clone, dirname(file)), { recursive: true });
    cpSync(file, join(clone, file));
  }
  try {
    // Links to the same files take a second. Another file system takes copies.
    execFileSync('cp', ['-al', 'node_modules', join(clone, 'node_modules')], { stdio: 'ignore' });
  } catch {
    rmSync(join(clone, 'node_modules'), { recursive: true, force: true });
    execFileSync('cp', ['-R', 'node_modules', join(clone, 'node_modules')]);
  }
}
