/** What one invocation of a function came to: its answer, or the error as Lambda reports it. */
export type InvocationResult =
  | { readonly kind: 'response'; readonly payload: unknown }
  | {
      readonly kind: 'error';
      /** `Sandbox.Timedout` for the time limit, `Runtime.ExitError` for a process that ended, else the error's own name. */
      readonly errorType: string;
      readonly errorMessage: string;
    }
  /** Reserved concurrency is used up: what Lambda answers with 429. */
  | { readonly kind: 'throttled' };

/** Runs one function once. Never rejects: every failure is a result. */
export type Invoke = (payload: unknown) => Promise<InvocationResult>;
