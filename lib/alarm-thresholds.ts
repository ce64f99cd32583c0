/** The values at which alarms are raised. An alarm without an entry here is raised by the first occurrence. */
export interface AlarmThresholds {
  /**
   * Webhook deliveries refused for their signature in five minutes.
   * @default 20
   */
  readonly badSignatures: number;
  /**
   * Percent of Klarna's responses that leave the result open: timeouts, 5xx and 429.
   * @default 20
   */
  readonly klarnaUnclearPercent: number;
  /**
   * Seconds between a session's deadline and its end.
   * @default 120
   */
  readonly timerLatenessSeconds: number;
  /**
   * Seconds for which a cancel has had no known end.
   * @default 900
   */
  readonly pendingCancelSeconds: number;
  /**
   * Seconds for which a session has been open after its deadline.
   * @default 900
   */
  readonly overdueSessionSeconds: number;
  /**
   * Seconds that the oldest timer message has waited in its queue.
   * @default 600
   */
  readonly timerQueueAgeSeconds: number;
  /**
   * Seconds between a change of the table and its publication.
   * @default 60
   */
  readonly streamAgeSeconds: number;
  /**
   * Repairs by the sweep in 15 minutes: work that a timer, a webhook or a caller should have done.
   * @default 5
   */
  readonly sweepRepairs: number;
  /**
   * API responses with status 5xx in five minutes.
   * @default 5
   */
  readonly apiServerErrors: number;
  /**
   * Percent of a function's time limit that its slowest invocation takes; 50 to 100.
   * @default 80
   */
  readonly durationPercent: number;
  /**
   * Percent of the account's concurrent Lambda executions in use.
   * @default 80
   */
  readonly quotaPercent: number;
  /**
   * Percent of the longest secret, 64 KB, that a secret takes; 50 to 100.
   * @default 80
   */
  readonly secretPercent: number;
}

/** The thresholds of a stack that sets none. */
export const defaultThresholds: AlarmThresholds = {
  badSignatures: 20,
  klarnaUnclearPercent: 20,
  timerLatenessSeconds: 120,
  pendingCancelSeconds: 900,
  overdueSessionSeconds: 900,
  timerQueueAgeSeconds: 600,
  streamAgeSeconds: 60,
  sweepRepairs: 5,
  apiServerErrors: 5,
  durationPercent: 80,
  quotaPercent: 80,
  secretPercent: 80,
};
