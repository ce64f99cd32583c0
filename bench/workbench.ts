import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bundles, bundleAll } from './bundles.ts';
import { selfSignedIdentity } from './stand-ins/certificate.ts';
import type { Latencies } from './stand-ins/latencies.ts';
import { type StandIns, startStandIns } from './stand-ins/stand-ins.ts';
import { prepareSandboxes } from './sandboxes.ts';
import { worldOf } from './stand-ins/world.ts';
import { type Subject, subjectsOf } from './subjects.ts';

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
  const sandboxes = await prepareSandboxes(bundles, standIns.urls, certificateFile);
  const [cancel, webhook] = [
    sandboxes.ours('cancel-payment-request'),
    sandboxes.ours('receive-klarna-webhook'),
  ];
  standIns.serve(worldOf(cancel.environment, webhook.environment));
  return { bundles, standIns, subjects: subjectsOf(sandboxes), stop: () => standIns.stop() };
}
