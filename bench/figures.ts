import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Measured, Size } from './rounds.ts';
import { median, quantile } from './statistics.ts';

/** The figures of one function at one size: medians over the rounds, in milliseconds, kilobytes and bytes. */
export interface Figures {
  readonly subject: string;
  readonly size: Size;
  readonly samples: number;
  readonly init: number;
  readonly first: number;
  readonly firstCpu: number;
  /** Init and first call together: the time that the first caller waits. */
  readonly sum: number;
  readonly warmP50: number;
  readonly warmP99: number;
  readonly warmCpu: number;
  readonly peakKilobytes: number;
  /** The JavaScript of the bundle. The source map is loaded only when a stack trace is read. */
  readonly bundleBytes: number;
  /** Calls to others for each call of the function. */
  readonly calls: readonly string[];
}

export function figuresOf({ subject, size, samples }: Measured): Figures {
  const of = (value: (sample: (typeof samples)[number]) => number): number => median(samples.map(value));
  const warm = samples.flatMap(({ calls }) => calls.slice(1));
  return {
    subject: subject.name,
    size,
    samples: samples.length,
    init: of(({ initMillis }) => initMillis),
    first: of(({ calls }) => calls[0]?.millis ?? Number.NaN),
    firstCpu: of(({ calls }) => calls[0]?.cpuMillis ?? Number.NaN),
    sum: of(({ initMillis, calls }) => initMillis + (calls[0]?.millis ?? Number.NaN)),
    warmP50: quantile(
      warm.map(({ millis }) => millis),
      0.5,
    ),
    warmP99: quantile(
      warm.map(({ millis }) => millis),
      0.99,
    ),
    warmCpu: median(warm.map(({ cpuMillis }) => cpuMillis)),
    peakKilobytes: of(({ peakKilobytes }) => peakKilobytes),
    bundleBytes: bundleBytes(subject.sandboxed.bundle),
    calls: subject.calls,
  };
}

/** The bytes of JavaScript in a bundle's folder. */
export const bundleBytes = (folder: string): number =>
  readdirSync(folder)
    .filter((file) => /\.[cm]?js$/.test(file))
    .reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);

/** The figures of a subject, if it was measured at this size. */
export const find = (figures: readonly Figures[], subject: string, size: Size): Figures | undefined =>
  figures.find((each) => each.subject === subject && each.size === size);
