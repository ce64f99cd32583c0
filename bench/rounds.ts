import { type CpuShare, cpuShare } from './lambda/cpu-share.ts';
import { runSample, type Sample } from './lambda/sample.ts';
import type { StandIns } from './stand-ins/stand-ins.ts';
import { seededChance, shuffled } from './statistics.ts';
import type { Subject } from './subjects.ts';

/** The whole core, or the share of a size in megabytes after init. */
export type Size = 'whole' | 512 | 256 | 128;

export const sizes: readonly Size[] = ['whole', 512, 256, 128];

/** A size as the page names it. */
export const sizeName = (size: Size): string => (size === 'whole' ? 'a core' : `${size} MB`);

/** Calls of a warm process in each sample: many for p50 and p99, else one that shows that the process still works. */
const warmCalls: Readonly<Record<Size, number>> = { whole: 12, 512: 1, 256: 12, 128: 1 };

export interface Measured {
  readonly subject: Subject;
  readonly size: Size;
  readonly samples: Sample[];
}

export interface RoundsOptions {
  readonly bootstrap: string;
  readonly standIns: StandIns;
  readonly rounds: number;
  readonly seed: number;
  readonly sizes: readonly Size[];
  readonly onProgress: (done: number, of: number, what: string) => void;
}

/** The settings of a sample. */
export interface SampleOptions {
  readonly bootstrap: string;
  readonly standIns: StandIns;
  /** Calls of the process. The first one is cold. */
  readonly calls: number;
  /** @default 'whole' */
  readonly size?: Size;
  /** The share of a core that emulates the size. */
  readonly share?: CpuShare;
}

/** Runs every subject at every size once in each round, each time in another order. */
export async function runRounds(
  subjects: readonly Subject[],
  { bootstrap, standIns, rounds, seed, sizes: wanted, onProgress }: RoundsOptions,
): Promise<readonly Measured[]> {
  const chance = seededChance(seed);
  const all: readonly Measured[] = subjects.flatMap((subject) =>
    wanted
      .filter((size) => subject.timed === 'all' || (subject.timed === 'whole' && size === 'whole'))
      .map((size) => ({ subject, size, samples: [] })),
  );
  const shares = new Map<Size, CpuShare>();
  for (const size of wanted) if (size !== 'whole') shares.set(size, cpuShare(size));
  try {
    let done = 0;
    for (let round = 0; round < rounds; round += 1) {
      for (const { subject, size, samples } of shuffled(all, chance)) {
        onProgress(done, all.length * rounds, `${subject.name}, ${sizeName(size)}`);
        const share = shares.get(size);
        const sample = await provenSample(subject, {
          bootstrap,
          standIns,
          calls: 1 + warmCalls[size],
          size,
          ...(share && { share }),
        });
        samples.push(sample);
        done += 1;
      }
    }
    onProgress(done, done, 'done');
  } finally {
    for (const share of shares.values()) share.remove();
  }
  return all;
}

/**
 * One sample that has proved its work: every response shows it, and the stand-ins received exactly the calls of the
 * job. Throws with the missing or additional calls.
 */
export async function provenSample(
  subject: Subject,
  { bootstrap, standIns, calls, size = 'whole', share }: SampleOptions,
): Promise<Sample> {
  standIns.takeLog();
  const { sandboxed } = subject;
  const sample = await runSample(
    { ...sandboxed, bootstrap, memoryMegabytes: size === 'whole' ? sandboxed.memoryMegabytes : size },
    Array.from({ length: calls }, (_, call) => subject.event(call)),
    share,
  );
  const undone = sample.calls.find(({ reply }) => !subject.done(reply));
  if (undone) throw new Error(`${subject.name}: responded ${JSON.stringify(undone.reply)}`);
  const expected = [...subject.once, ...Array.from({ length: calls }, () => subject.calls).flat()].toSorted();
  const seen = standIns
    .takeLog()
    .map(({ call }) => call)
    .toSorted();
  if (JSON.stringify(seen) !== JSON.stringify(expected)) {
    throw new Error(`${subject.name}: called ${seen.join(', ')} where the job is ${expected.join(', ')}`);
  }
  return sample;
}
