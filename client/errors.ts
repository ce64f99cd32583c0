/** One field of a call that is wrong. */
export interface FieldError {
  readonly field: string;
  readonly given: string;
  readonly allowed: string;
}

/** Whatever a call throws. None of it holds credentials, headers or bodies. */
export abstract class LapseError extends Error {
  /** The status of the last answer, if there was one. */
  readonly status: number | undefined;

  constructor(message: string, status: number | undefined) {
    super(message);
    this.status = status;
  }
}

/** The API has refused the call: something is wrong with it, or with who calls. Repeating it changes nothing. */
export class LapseProblem extends LapseError {
  override readonly name = 'LapseProblem';
  /** The problem's type without its prefix, such as `invalid-request`; `http` where API Gateway itself refused. */
  readonly type: string;
  readonly errors: readonly FieldError[];

  constructor(type: string, status: number, detail: string, errors: readonly FieldError[]) {
    super(detail, status);
    this.type = type;
    this.errors = errors;
  }
}

/**
 * No answer in the time that there was, or only such as ask for another try. Repeating the call is safe; but a deadline that was
 * moved by a duration from now may have been moved already, and would be once more.
 */
export class LapseUnavailable extends LapseError {
  override readonly name = 'LapseUnavailable';
  /** The type of the problem that the last answer was, if it was one: `klarna-denied` wants somebody to look at the credentials. */
  readonly type: string | undefined;

  constructor(message: string, status: number | undefined, type: string | undefined) {
    super(message, status);
    this.type = type;
  }
}
