/** Milliseconds to wait before the next attempt after `failures` failures in a row; 1 is the first. */
export type Backoff = (failures: number) => number;

/** Doubles from `first` up to `longest`. */
export function doublingDelay(first: number, longest: number): Backoff {
  return (failures) => Math.min(longest, first * 2 ** Math.min(failures - 1, 30));
}
