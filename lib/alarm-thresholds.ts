/** When alarms ring. What has no entry here rings at the first time it happens. */
export interface AlarmThresholds {
  /** Deliveries a five minutes whose signature does not hold. */
  readonly badSignatures: number;
  /** Percent of Klarna's answers that say nothing: time-outs, 5xx, 429. */
  readonly klarnaUnclearPercent: number;
  /** Seconds by which a session ends after its deadline. */
  readonly timerLatenessSeconds: number;
  /** Seconds for which a timer's message waits in its queue. */
  readonly timerQueueAgeSeconds: number;
  /** Seconds by which publishing lags behind the table. */
  readonly streamAgeSeconds: number;
  /** What the sweep has to do in 15 minutes that a timer, a webhook or a caller should have done. */
  readonly sweepRepairs: number;
  /** Answers of the API in five minutes that are 5xx. */
  readonly apiServerErrors: number;
  /** Percent of a function's time limit that its slowest call takes. */
  readonly durationPercent: number;
  /** Percent of the account's concurrent Lambda executions. */
  readonly quotaPercent: number;
}

export const defaultThresholds: AlarmThresholds = {
  badSignatures: 20,
  klarnaUnclearPercent: 20,
  timerLatenessSeconds: 120,
  timerQueueAgeSeconds: 600,
  streamAgeSeconds: 60,
  sweepRepairs: 5,
  apiServerErrors: 5,
  durationPercent: 80,
  quotaPercent: 80,
};
