/** What the calls take in their query; a test compares each with docs/api.yaml. A list's is with its cursor, in list-request.ts. */
import * as v from 'valibot';
import { flag, printable } from './parse-request.ts';

/** Of a call that takes no query: `dry_run` on one that knows none must not look as if it had worked. */
export const noQuery = v.strictObject({});

/** Of the GET of a record. */
export const recordQuery = v.strictObject({ refresh: v.optional(flag, 'false') });

/** Of the DELETE of a session. */
export const sessionCancelQuery = v.strictObject({
  reason: v.optional(printable),
  dry_run: v.optional(flag, 'false'),
});

/** Of the DELETE of a Payment Request. */
export const requestCancelQuery = v.strictObject({
  ...sessionCancelQuery.entries,
  allow_completed: v.optional(flag, 'false'),
});

const cursorFormat = 'the next_cursor of a page of this report';

/** Of the GET of a job's report. */
export const reportQuery = v.strictObject({
  cursor: v.optional(
    v.pipe(v.string(cursorFormat), v.regex(/^\d{1,7}$/, cursorFormat), v.transform(Number)),
    '0',
  ),
});
