/**
 * The metrics that the functions write, and how each is read: as the sum or the highest value of a period. Their only dimension is
 * the name of this Lapse, so two of them in one account share none, and none costs more with more functions. CloudWatch bills a
 * metric for the hours in which it has data.
 */
export const metrics = {
  /** A webhook with a valid signature arrived: at most once a minute for each process. */
  WebhookArrival: 'Sum',
  /** Webhooks refused with status 400: missing, malformed or wrong signature, or unknown key. */
  BadSignature: 'Sum',
  /** Webhooks with a valid signature that were moved aside. */
  WebhookQuarantined: 'Sum',
  /** Webhooks that could not be stored, so that Klarna sends them again. */
  WebhookFault: 'Sum',
  /** Records that need attention, for any cause but `not_authorized`. */
  Attention: 'Sum',
  /** Those of them that the customer had approved a moment before our cancel. */
  CanceledAfterCompleted: 'Sum',
  /** Sessions of which the customer approved two Payment Requests. */
  PaidTwice: 'Sum',
  /** Payments that were not authorized in time: once at the alert, and once when they lapse. */
  NotAuthorized: 'Sum',
  /** Milliseconds between a session's deadline and its end. */
  TimerLateness: 'Maximum',
  /** Milliseconds for which the oldest cancel has had no known end. The sweep writes it every minute. */
  PendingCancelAge: 'Maximum',
  /** Milliseconds for which the oldest session has been open after its deadline. The sweep writes it every minute. */
  OverdueSessionAge: 'Maximum',
  /** Records with work to do now or later, at least. The sweep writes it every minute. */
  OpenRequests: 'Maximum',
  /** Records that were due when the sweep began, at least. The sweep writes it every minute. */
  DueRecords: 'Maximum',
  /** Work of the sweep that a timer, a webhook or a caller should have done. */
  SweepRepairs: 'Sum',
  /** Records that the sweep could not settle because of a fault, until it can. The sweep writes it every minute. */
  SweepFailures: 'Minimum',
  /** Milliseconds that Klarna took to respond. The number of its values is the number of responses. */
  KlarnaMillis: 'Maximum',
  /** Klarna's responses that leave the result open: timeouts, 5xx and 429. */
  KlarnaUnclear: 'Sum',
  /** Faults that the operator must correct, among them credentials that Klarna refuses. */
  ConfigurationFault: 'Sum',
  /** Bugs. */
  InternalFault: 'Sum',
  /** Reads of a secret for which the last known value served. */
  SecretStale: 'Sum',
  /** Percent of the longest secret that a secret takes, where it is half or more. */
  SecretUsed: 'Maximum',
  /** Percent of the time limit that an invocation took, where it took half or more. */
  TimeLimitUsed: 'Maximum',
} as const;

/** Any metric. */
export type MetricName = keyof typeof metrics;

/** The namespace of the metrics. */
export const metricsNamespace = 'Lapse';

/** The name of the dimension that holds the name of this Lapse. */
export const metricsDimension = 'stack';
