import type { Cost } from './costs.ts';
import type { Figures } from './figures.ts';
import type { Goal } from './goals.ts';
import type { Latencies } from './stand-ins/latencies.ts';

/** One run, as it is kept in docs/evidence/performance.json. */
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
  /** Two runs of the same empty function, the one divided by the other. */
  readonly pair: { readonly ratio: number; readonly tolerance: number; readonly isVoid: boolean };
  /** Why Lambda's sizes could not be emulated, if they could not. */
  readonly withoutSizes?: string | undefined;
  readonly goals: readonly Goal[];
  readonly figures: readonly Figures[];
  readonly costs: readonly Cost[];
  /** What each flow asks others for, as the logs of the stand-ins have it. */
  readonly flows: readonly Flow[];
}

export interface Flow {
  readonly name: string;
  readonly calls: readonly string[];
  readonly bundleBytes: number;
}
