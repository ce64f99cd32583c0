import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bundles, bundleAll } from './bundles.ts';
import { selfSignedIdentity } from './stand-ins/certificate.ts';
import type { Latencies } from './stand-ins/latencies.ts';
import { type StandIns, startStandIns } from './stand-ins/stand-ins.ts';
import { describeBench, type Subject } from './subjects.ts';

export interface Workbench {
  readonly bundles: Bundles;
  readonly standIns: StandIns;
  readonly subjects: readonly Subject[];
  stop(): Promise<void>;
}

/** Bundles everything into a folder, starts the stand-ins, and returns what can be run. */
export async function startWorkbench(folder: string, latencies: Latencies): Promise<Workbench> {
  // In Lambda there is no package.json above a bundle.
  await writeFile(join(folder, 'package.json'), '{}');
  const identity = await selfSignedIdentity();
  const certificateFile = join(folder, 'certificate.pem');
  await writeFile(certificateFile, identity.certificate);
  const bundles = await bundleAll(folder);
  const standIns = await startStandIns(latencies, identity);
  const described = await describeBench(bundles, standIns.urls, certificateFile);
  standIns.serve(described.world);
  return { bundles, standIns, subjects: described.subjects, stop: () => standIns.stop() };
}
