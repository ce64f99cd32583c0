import { join } from 'node:path';
import { programFiles } from '../program-files.ts';
import { synthesize, type SynthesisOptions } from './synthesize.ts';

const root = join(import.meta.dirname, '..', '..');

/** The folder of the cloud assembly: in the package it is there, and in the repository it is synthesized from the sources. */
export async function assemblyFor(timers: NonNullable<SynthesisOptions['timers']>): Promise<string> {
  if (programFiles.assemblies !== undefined) return join(programFiles.assemblies, timers);
  const { cdkOut } = await synthesize(root, { timers, pageOrigins: localPageOrigins });
  return cdkOut;
}

/** The local stack serves pages. Their origins replace this one where the functions start. */
export const localPageOrigins = ['http://localhost:3000'] as const;
