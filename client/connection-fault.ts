/** Why there was no response: the code of the connection error, without the error's own texts, which may quote what was sent. */
export class ConnectionFault extends Error {
  override readonly name = 'ConnectionFault';
  /** Such as `ECONNREFUSED`, `ENOTFOUND` or `TimeoutError`. */
  readonly code: string;

  constructor(code: string) {
    super(`no response (${code})`);
    this.code = code;
  }
}

/** The code of an error or of what caused it; its name where there is none. */
export function codeOf(error: unknown): string {
  for (
    let each: unknown = error, depth = 0;
    each instanceof Error && depth < 5;
    each = each.cause, depth += 1
  ) {
    const { code } = each as { readonly code?: unknown };
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(code)) return code;
  }
  return error instanceof Error ? error.name : 'unknown';
}

const codesBeforeSending: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Whether the code says that there was no connection, so that nothing was sent. */
export const isBeforeSending = (code: string): boolean => codesBeforeSending.has(code);
