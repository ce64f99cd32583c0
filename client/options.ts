/** AWS credentials. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** How calls are authorized: SigV4 with AWS credentials, a bearer token, or nothing, for a local system. */
export type Authorization =
  | {
      /** A function is called before every attempt, so temporary credentials may rotate. The SDK's providers cache by themselves. */
      readonly credentials: Credentials | (() => Promise<Credentials>);
      /** The region of the API, which SigV4 signs. */
      readonly region: string;
    }
  | {
      /** Returns a token. It is called before every attempt, because the token may expire between two. */
      readonly token: () => Promise<string>;
    }
  | 'none';

/** How calls are sent. */
export interface TransportOptions {
  /** The API's address, without a path. A slash at its end is ignored. */
  readonly url: string;
  /** Who calls. It has no default, so that a caller of a deployed API cannot forget it. */
  readonly authorization: Authorization;
  /**
   * Who is behind the calls, such as `operator:night-shift` or `user:4711`: the header `X-Requested-By` of every call that changes
   * something. The record adds it to `requested_by`.
   */
  readonly requestedBy?: string | undefined;
  /**
   * Returns the `traceparent` of the call that is made, such as that of the active OpenTelemetry span. It is called before every attempt.
   * Lapse's log lines, the history and the calls to Klarna continue that trace. A value that is not one line of ASCII is left out.
   */
  readonly traceparent?: (() => string | undefined) | undefined;
  /**
   * Milliseconds for a call with all its attempts: 1 to 900000. A smaller budget suits a shopper who waits.
   *
   * @default 30000
   */
  readonly budgetMillis?: number;
  /**
   * Milliseconds for one attempt within the budget, with the time that credentials or a token take: 1 to 900000. Then the client
   * repeats the call if that is safe.
   *
   * @default 10000
   */
  readonly attemptMillis?: number;
  /**
   * Sends a request. Replace it to use a proxy or an agent of your own, or in a test.
   *
   * @default the global `fetch`
   */
  readonly fetch?: (request: Request) => Promise<Response>;
  /**
   * The time in milliseconds since 1970, by which the budget is counted. Replace it in a test.
   *
   * @default Date.now
   */
  readonly now?: () => number;
  /**
   * Waits between two attempts, and rejects with the signal's reason when the signal aborts. Replace it in a test.
   *
   * @default a timer
   */
  readonly wait?: (millis: number, signal: AbortSignal | undefined) => Promise<void>;
  /**
   * A number in [0, 1), evenly distributed, for the jitter between attempts. Replace it in a test.
   *
   * @default Math.random
   */
  readonly random?: () => number;
}

/**
 * Throws where an option is wrong: one sentence that says which, what was given and what is allowed. It repeats no credentials.
 *
 * @throws {TypeError}
 */
export function checkOptions(options: TransportOptions & { readonly account: string }): void {
  const { url, account, authorization, requestedBy, budgetMillis, attemptMillis } = options;
  requireUrl(url, authorization);
  if (typeof account !== 'string' || !/^[a-z0-9-]{1,32}$/.test(account))
    refuse('account', account, '1 to 32 of a-z, 0-9 and -');
  requireAuthorization(authorization);
  if (requestedBy !== undefined && !/^(?:user|operator):[A-Za-z0-9._@+-]{1,64}$/.test(requestedBy))
    refuse('requestedBy', requestedBy, 'user: or operator: and 1 to 64 of A-Z, a-z, 0-9 and ._@+-');
  for (const [name, millis] of Object.entries({ budgetMillis, attemptMillis })) {
    if (millis === undefined) continue;
    if (!Number.isInteger(millis) || millis < 1 || millis > 900_000)
      refuse(name, millis, 'a whole number from 1 to 900000');
  }
}

function requireUrl(given: unknown, authorization: unknown): void {
  const allowed = 'the address of the API without a path, such as https://lapse.shop.example';
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined;
  if (typeof given === 'string' && given.includes('@')) return refuse('url', 'a text with an @', allowed);
  if (!url || !['https:', 'http:'].includes(url.protocol)) return refuse('url', given, allowed);
  if (url.pathname.replaceAll('/', '') !== '' || url.search !== '' || url.hash !== '')
    return refuse('url', given, allowed);
  const isHere = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (url.protocol === 'http:' && !isHere && authorization !== 'none')
    return refuse('url', given, 'https where calls are authorized, or http of this machine');
}

function requireAuthorization(given: unknown): void {
  const allowed =
    "'none', { token: a function }, or { credentials: an object or a function, region: such as 'eu-north-1' }";
  if (given === 'none') return;
  if (typeof given !== 'object' || given === null) return refuse('authorization', kindOf(given), allowed);
  const { token, credentials, region } = given as Readonly<Record<string, unknown>>;
  if (token !== undefined && credentials === undefined) {
    if (typeof token !== 'function') refuse('authorization.token', kindOf(token), 'a function');
    return;
  }
  if (credentials === undefined || token !== undefined)
    return refuse('authorization', `an object with ${Object.keys(given).join(', ') || 'nothing'}`, allowed);
  if (typeof credentials !== 'function' && !areCredentials(credentials))
    refuse(
      'authorization.credentials',
      kindOf(credentials),
      'a function, or an object with the texts accessKeyId and secretAccessKey, without spaces',
    );
  if (typeof region !== 'string' || !/^[a-z]{2}(?:-[a-z]+)+-\d$/.test(region))
    refuse('authorization.region', region, 'a Region of AWS, such as eu-north-1');
}

/** Whether these are AWS credentials with texts that a signature can be made of. */
export function areCredentials(given: unknown): given is Credentials {
  if (typeof given !== 'object' || given === null) return false;
  const { accessKeyId, secretAccessKey, sessionToken } = given as Readonly<Record<string, unknown>>;
  return (
    isText(accessKeyId) && isText(secretAccessKey) && (sessionToken === undefined || isText(sessionToken))
  );
}

/** Text that a header can carry. An error of the platform about any other text would quote it. */
export const isText = (given: unknown): given is string =>
  typeof given === 'string' && /^[\x21-\x7e]+$/.test(given);

/** What a value is, where the value itself may be a secret. */
const kindOf = (given: unknown): string => {
  if (given === null || given === undefined) return String(given);
  return given === '' ? 'an empty text' : `a value of the type ${typeof given}`;
};

function refuse(field: string, given: unknown, allowed: string): never {
  const text =
    typeof given === 'string' ? given.slice(0, 200) : typeof given === 'number' ? `${given}` : kindOf(given);
  throw new TypeError(`${field} is ${text || 'empty'}; allowed: ${allowed}.`);
}
