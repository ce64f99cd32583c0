import { closeSync, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { provenSample } from '../rounds.ts';
import { defaultLatencies } from '../stand-ins/latencies.ts';
import { median } from '../statistics.ts';
import { startWorkbench } from '../workbench.ts';

/** One call of a warm function: its calls to others, its milliseconds, and the bytes that it logged. */
export interface Job {
  readonly calls: readonly string[];
  readonly millis: number;
  readonly logBytes: number;
}

const times = 41;

/** Runs subjects of the benchmark one after the other, on a whole core and with the usual latencies. */
export async function measureJobs<Name extends string>(
  folder: string,
  names: readonly Name[],
): Promise<Readonly<Record<Name, Job>>> {
  const workbench = await startWorkbench(folder, defaultLatencies);
  const jobs: Partial<Record<Name, Job>> = {};
  try {
    for (const name of names) {
      const subject = workbench.subjects.find((each) => each.name === name);
      if (!subject) throw new Error(`The benchmark has no ${name}.`);
      const log = openSync(join(folder, `${name}.log`), 'a');
      const sandboxed = { ...subject.sandboxed, stdout: log };
      const { bundles, standIns } = workbench;
      const sample = await provenSample(
        { ...subject, sandboxed },
        { bootstrap: bundles.bootstrap, standIns, calls: times },
      );
      jobs[name] = {
        calls: subject.calls,
        millis: median(sample.calls.slice(1).map(({ millis }) => millis)),
        logBytes: fstatSync(log).size / times,
      };
      closeSync(log);
    }
  } finally {
    await workbench.stop();
  }
  return jobs as Record<Name, Job>;
}
