/** Where published events are read: each comes at least once. */
export interface EventSource {
  /** The events as texts of JSON, from now on, until the signal aborts. */
  events(signal: AbortSignal): AsyncIterable<string>;
  /** Removes what reading them needed. */
  close(): Promise<void>;
}
