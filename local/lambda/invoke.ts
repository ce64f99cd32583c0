/** The result of one invocation: the function's response, or the error as Lambda reports it. */
export type InvocationResult =
  | { readonly kind: 'response'; readonly payload: unknown }
  | {
      readonly kind: 'error';
      /**
       * `Sandbox.Timedout` for the time limit, `Runtime.ExitError` for a process that ended, else the name of the
       * error.
       */
      readonly errorType: string;
      readonly errorMessage: string;
    }
  /** The reserved concurrency is used up. Lambda responds 429. */
  | { readonly kind: 'throttled' };

/** Runs one function once. Never rejects: every failure is a result. */
export type Invoke = (payload: unknown) => Promise<InvocationResult>;
