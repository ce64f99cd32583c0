import { join } from 'node:path';
import { localPageOrigins } from '../../local/template/assembly.ts';
import { synthesize } from '../../local/template/synthesize.ts';
import { timers } from '../support/target.ts';
import { readTargetFile } from '../support/target-file.ts';

/** Synthesizes the stack once, before several scenarios ask for it at the same time. */
export async function setup(): Promise<void> {
  const file = process.env['TARGET'];
  if (file !== undefined) {
    try {
      readTargetFile(file);
      return;
    } catch (error) {
      // One sentence, instead of a stack from each file of scenarios.
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(1);
    }
  }
  const root = join(import.meta.dirname, '..', '..');
  await synthesize(root, { timers, pageOrigins: localPageOrigins });
}
