import * as v from 'valibot';

/** Text that matches a pattern. The violation says what is allowed. */
export const text = (pattern: RegExp, allowed: string) =>
  v.pipe(
    v.string(),
    v.check((given) => pattern.test(given), allowed),
  );
