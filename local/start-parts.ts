import type { LocalClock } from './clock/local-clock.ts';
import type { LocalOptions } from './options.ts';

/** What every step of a start needs. */
export interface StartParts {
  readonly options: LocalOptions;
  /** The absolute path of the data folder. */
  readonly data: string;
  readonly clock: LocalClock;
  /** Ends everything that was started, in reverse order. */
  readonly running: AsyncDisposableStack;
  /** Writes lines to the log file under a name. */
  readonly logAs: (speaker: string) => (line: string) => void;
}
