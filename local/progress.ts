/** Shows what a start does: a line for each step, which gets its seconds when the next one begins. */
export interface Progress {
  readonly begin: (step: string) => void;
  /** Ends the last step. */
  readonly end: () => void;
}

/** @param write receives parts of lines */
export function showProgress(write: (text: string) => void, now = () => performance.now()): Progress {
  let begunAt: number | undefined;
  const end = (): void => {
    if (begunAt !== undefined) write(`  ${((now() - begunAt) / 1_000).toFixed(1)} s\n`);
    begunAt = undefined;
  };
  return {
    begin(step) {
      end();
      begunAt = now();
      write(`… ${step}`);
    },
    end,
  };
}
