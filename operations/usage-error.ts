/** A command that cannot be understood or cannot start: nothing was done. The exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
