import { join } from 'node:path';
import { synthesize } from '../../local/template/synthesize.ts';
import { isDeployed, timers } from '../support/target.ts';

/** Synthesizes the stack once, before several scenarios ask for it at the same time. */
export async function setup(): Promise<void> {
  if (isDeployed) return;
  const root = join(import.meta.dirname, '..', '..');
  await synthesize(root, { timers });
}
