/** The outcome of one attempt: a status and the beginning of the response, or why there was none. */
export interface PostResponse {
  readonly status?: number;
  readonly response?: string;
  readonly error?: string;
}

export interface PostedDelivery {
  readonly url: string;
  readonly body: string;
  readonly signingKeyId: string;
  readonly signature: string;
  readonly timeoutMillis: number;
  /** Ends the attempt because the simulator ends. */
  readonly stopped: AbortSignal;
}

const responseCharacters = 500;

/**
 * Sends a delivery once. Never rejects: a missing response is an outcome, too, unless the simulator ended the attempt.
 */
export async function postDelivery(delivery: PostedDelivery): Promise<PostResponse | 'stopped'> {
  try {
    const response = await fetch(delivery.url, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'user-agent': 'Klarna-Simulator',
        'klarna-signature': delivery.signature,
        'klarna-signing-key-id': delivery.signingKeyId,
      },
      body: delivery.body,
      signal: AbortSignal.any([AbortSignal.timeout(delivery.timeoutMillis), delivery.stopped]),
    });
    const text = await response.text();
    return { status: response.status, response: text.slice(0, responseCharacters) };
  } catch (error) {
    return delivery.stopped.aborted ? 'stopped' : { error: reasonOf(error) };
  }
}

/**
 * The socket's error code, such as ECONNREFUSED; else the message of `fetch`; else the name of the error, such as
 * TimeoutError.
 */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, message } = (error.cause ?? {}) as { readonly code?: string; readonly message?: string };
  return code ?? message ?? error.name;
}
