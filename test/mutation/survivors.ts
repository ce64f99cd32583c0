import type { Change } from './change.ts';

/** Changes that no test can notice, and why not. */
export interface Survivor extends Change {
  readonly why: string;
}

export const survivors: readonly Survivor[] = [];
