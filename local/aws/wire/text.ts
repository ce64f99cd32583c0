import * as v from 'valibot';

/** Text of a form, which says what is allowed when it is not. */
export const text = (pattern: RegExp, allowed: string) =>
  v.pipe(
    v.string(),
    v.check((given) => pattern.test(given), allowed),
  );
