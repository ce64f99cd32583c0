import type { Figures } from './figures.ts';
import type { Goal } from './goals.ts';
import type { Latencies } from './stand-ins/latencies.ts';

/** One run as docs/evidence/performance.json has it. */
export interface Run {
  readonly at: string;
  readonly commit: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly kernel: string;
    readonly memoryMegabytes: number;
    readonly node: string;
    readonly packages: Readonly<Record<string, string>>;
  };
  readonly options: {
    readonly command: string;
    readonly rounds: number;
    readonly seed: number;
    readonly latencies: Latencies;
  };
  /** The ratio of two runs of the same empty function. */
  readonly pair: { readonly ratio: number; readonly tolerance: number; readonly isVoid: boolean };
  /** Why Lambda's sizes could not be emulated, where they could not. */
  readonly withoutSizes?: string | undefined;
  readonly goals: readonly Goal[];
  readonly figures: readonly Figures[];
  /** The calls of each flow to others, from the logs of the stand-ins. */
  readonly flows: readonly Flow[];
}

export interface Flow {
  readonly name: string;
  readonly calls: readonly string[];
  readonly bundleBytes: number;
}
