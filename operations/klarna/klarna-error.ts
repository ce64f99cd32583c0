/** What is known of a call that Klarna did not perform as asked. */
export interface KlarnaFailure {
  /** What the call was to do, such as `list webhooks`. */
  readonly what: string;
  /** The status; `undefined` where there was no complete response. */
  readonly status: number | undefined;
  /** Klarna's `error_code`, or Node's code of a failed exchange. */
  readonly code: string | undefined;
  readonly errorId: string | undefined;
  readonly correlationId: string;
  /** The parameters that Klarna names as wrong. */
  readonly parameters: readonly string[];
}

/**
 * A call that Klarna refused, or of which nothing is known. The message has codes and ids, by which Klarna's support finds the call. It
 * never has a text of Klarna, which could repeat what was sent.
 */
export class KlarnaError extends Error {
  override readonly name = 'KlarnaError';
  readonly failure: KlarnaFailure;

  constructor(failure: KlarnaFailure, options?: ErrorOptions) {
    super(sentenceOf(failure), options);
    this.failure = failure;
  }

  /** Whether Klarna may have performed the call: there was no response, or an error of Klarna's own. */
  get isUnclear(): boolean {
    const { status } = this.failure;
    return status === undefined || status >= 500;
  }
}

/** Whether it is an error of Klarna with this status. */
export const hasStatus = (error: unknown, status: number): boolean =>
  error instanceof KlarnaError && error.failure.status === status;

function sentenceOf(failure: KlarnaFailure): string {
  const { what, status, code, errorId, correlationId, parameters } = failure;
  const ids = [
    ...(errorId === undefined ? [] : [`error ${errorId}`]),
    `correlation id ${correlationId}`,
  ].join(', ');
  if (status === undefined)
    return `Klarna did not respond (${code ?? 'no code'}) to: ${what}. Run the command again. (${ids})`;
  const named = parameters.length > 0 ? `: ${parameters.join(', ')}` : '';
  const shown = [status, code].filter((each) => each !== undefined).join(' ');
  return `Klarna responded ${shown}${named} to: ${what}.${hintOf(status)} (${ids})`;
}

function hintOf(status: number): string {
  if (status === 401) return ' The API key is not valid in this environment, or it is disabled.';
  if (status === 403)
    return ' The API key may not do this, or a client certificate or an allowed address is required.';
  if (status === 429) return ' Its rate limit is used up. Run the command again later.';
  return status >= 500 ? ' Run the command again.' : '';
}
