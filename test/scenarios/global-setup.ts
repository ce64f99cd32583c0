import { join } from 'node:path';
import { synthesize } from '../../local/template/synthesize.ts';
import { isDeployed, timers } from '../support/target.ts';

/** Synthesizes what the scenarios run, before several of them ask for the same at once. */
export async function setup(): Promise<void> {
  if (isDeployed) return;
  const root = join(import.meta.dirname, '..', '..');
  await synthesize(root, { timers });
}
