import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Lambda gives a function with this much memory one whole core (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). */
const megabytesOfACore = 1_769;

/** The period in which a throttled function gets its share. */
const periodMicros = 20_000;

/** The most that a group may weigh against other work on the machine, in each version of control groups. */
const highestShares = 262_144;
const highestWeight = 10_000;

/** A control group of processes that get a share of one core. */
export interface CpuShare {
  /** Moves a process with all its threads into the group. */
  add(pid: number): void;
  /** Removes the group, once its processes have ended. */
  remove(): void;
}

const root = '/sys/fs/cgroup';

/** Why this machine cannot emulate Lambda's share of a core; `undefined` where it can. */
export function whyNoCpuShare(): string | undefined {
  try {
    cpuShare(128).remove();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * The share of a core that a function with this much memory has after its init. Throws where control groups are not
 * available.
 */
export function cpuShare(memoryMegabytes: number): CpuShare {
  const quotaMicros = Math.round((periodMicros * memoryMegabytes) / megabytesOfACore);
  const first = existsSync(join(root, 'cpu', 'cpu.cfs_quota_us'));
  if (!first && !existsSync(join(root, 'cgroup.controllers')))
    throw new Error(`${root} has no cpu controller`);
  const group = join(root, first ? 'cpu' : '', `lapse-bench-${process.pid}-${memoryMegabytes}`);
  if (!first && !/\bcpu\b/.test(readFileSync(join(root, 'cgroup.subtree_control'), 'utf8'))) {
    throw new Error(`${root} gives its groups no share of the cpu`);
  }
  mkdirSync(group, { recursive: true });
  if (first) {
    writeFileSync(join(group, 'cpu.cfs_period_us'), String(periodMicros));
    writeFileSync(join(group, 'cpu.cfs_quota_us'), String(quotaMicros));
    writeFileSync(join(group, 'cpu.shares'), String(highestShares));
  } else {
    writeFileSync(join(group, 'cpu.max'), `${quotaMicros} ${periodMicros}`);
    writeFileSync(join(group, 'cpu.weight'), String(highestWeight));
  }
  return {
    add: (pid) => writeFileSync(join(group, 'cgroup.procs'), String(pid)),
    remove: () => rmdirSync(group),
  };
}
