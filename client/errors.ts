import type { ConnectionFault } from './connection-fault.ts';
import type { FieldError } from './responses.ts';

/** What a call throws. It never holds credentials, headers or bodies. */
export abstract class LapseError extends Error {
  /** The status of the last response, if there was one. */
  readonly status: number | undefined;

  constructor(message: string, status: number | undefined, cause?: ConnectionFault) {
    super(message, cause && { cause });
    this.status = status;
  }
}

/**
 * The API refused the call: the call is wrong, or the caller may not make it. Or the API failed with 500, and a person must correct
 * the deployment (`misconfigured`) or Lapse (`internal`). Repeating the call changes nothing.
 */
export class LapseProblem extends LapseError {
  override readonly name = 'LapseProblem';
  /** The problem's type without its prefix, such as `invalid-request`. `http` if API Gateway itself refused the call. */
  readonly type: string;
  readonly errors: readonly FieldError[];

  constructor(type: string, status: number, detail: string, errors: readonly FieldError[]) {
    super(detail, status);
    this.type = type;
    this.errors = errors;
  }
}

/**
 * No response in time, or only responses that ask for another try. Repeating the call is safe, with one exception: a deadline
 * given as `session_timeout` may have moved already, and would move again.
 */
export class LapseUnavailable extends LapseError {
  override readonly name = 'LapseUnavailable';
  /** The type of the last response's problem, if it was one. `klarna-denied`: a person must correct the credentials. */
  readonly type: string | undefined;

  /** Why there was no response, with the `code` of the connection error. `undefined` if there was a response. */
  declare readonly cause: ConnectionFault | undefined;

  constructor(
    message: string,
    {
      status,
      type,
      cause,
    }: {
      readonly status: number | undefined;
      readonly type: string | undefined;
      readonly cause: ConnectionFault | undefined;
    },
  ) {
    super(message, status, cause);
    this.type = type;
  }
}
