/**
 * The outcome of a cancel of one Payment Request. The same words in the domain, the API, the report of a job, the metrics and the
 * client.
 *
 * - `canceled`: we canceled it, on Klarna's evidence. `already_canceled`: it was CANCELED before.
 * - `already_final`: it is paid, expired or declined, and was left as it is.
 * - `would_cancel`: the result of a dry run. A cancel would send a DELETE to Klarna.
 * - `pending`: the end is not known yet. The record says so, and the sweep settles it.
 * - `not_found`: Klarna does not know the request. `klarna_denied`: Klarna refuses our credentials.
 * - `untried`: our own fault, or no time left. Repeat the call: that is safe.
 */
export const cancelOutcomes = [
  'canceled',
  'already_canceled',
  'already_final',
  'would_cancel',
  'pending',
  'not_found',
  'klarna_denied',
  'untried',
] as const;

/** One of {@link cancelOutcomes}. */
export type CancelOutcome = (typeof cancelOutcomes)[number];
