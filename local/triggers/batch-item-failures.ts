import * as v from 'valibot';

/** The result of a function with `ReportBatchItemFailures` for its batch. */
export type BatchReport =
  | { readonly kind: 'all-succeeded' }
  | { readonly kind: 'some-failed'; readonly identifiers: ReadonlySet<string> }
  /** Lambda treats this as a failure of the whole batch. */
  | { readonly kind: 'malformed' };

const response = v.object({
  batchItemFailures: v.nullish(v.array(v.object({ itemIdentifier: v.pipe(v.string(), v.minLength(1)) }))),
});

/**
 * Reads the response by Lambda's rules. Nothing, an empty object, and a list that is empty, null or missing mean
 * success. An identifier that is empty, null, misspelled or not in the batch fails all of it.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export function readBatchReport(payload: unknown, inBatch: ReadonlySet<string>): BatchReport {
  if (payload === null || payload === undefined) return { kind: 'all-succeeded' };
  const parsed = v.safeParse(response, payload);
  if (!parsed.success) return { kind: 'malformed' };
  const identifiers = new Set(parsed.output.batchItemFailures?.map((failure) => failure.itemIdentifier));
  if (identifiers.size === 0) return { kind: 'all-succeeded' };
  const known = [...identifiers].every((identifier) => inBatch.has(identifier));
  return known ? { kind: 'some-failed', identifiers } : { kind: 'malformed' };
}
