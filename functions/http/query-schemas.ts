/** The queries of the calls. A test compares each with docs/api.yaml. The query of a list is in list-request.ts. */
import * as v from 'valibot';
import { flag, text } from './parse-request.ts';

/** For a call without a query: a `dry_run` that has no effect is refused. */
export const noQuery = v.strictObject({});

/** For the GET of a record. */
export const recordQuery = v.strictObject({ refresh: v.optional(flag, 'false') });

/** For the DELETE of a session. */
export const sessionCancelQuery = v.strictObject({
  reason: v.optional(text),
  dry_run: v.optional(flag, 'false'),
});

/** For the DELETE of a Payment Request. Without `allow_completed`, the account decides. */
export const requestCancelQuery = v.strictObject({
  ...sessionCancelQuery.entries,
  allow_completed: v.optional(flag),
});

const cursorFormat = 'the next_cursor of a page of this report';

/** For the GET of a job's report. */
export const reportQuery = v.strictObject({
  cursor: v.optional(
    v.pipe(v.string(cursorFormat), v.regex(/^\d{1,7}$/, cursorFormat), v.transform(Number)),
    '0',
  ),
});
