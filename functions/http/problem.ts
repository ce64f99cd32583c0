import type { PaymentRequestKey } from '../domain/identifiers.ts';
import type { HttpResponse } from './response.ts';

/** Problem details (RFC 9457): one class, one list of types, one way to a response. */

/** Every type of problem, with its status and its title. The `type` in a response is `urn:lapse:problem:<name>`. */
export const problemTypes = {
  'invalid-request': [400, 'The request is invalid'],
  'invalid-page-token': [401, 'The page token is missing, invalid or expired'],
  forbidden: [403, 'The caller may not use this account'],
  'unknown-account': [404, 'The account does not exist'],
  'unknown-route': [404, 'The path does not exist'],
  'method-not-allowed': [405, 'The path does not support this method'],
  'not-found': [404, 'Payment Request, session, reference or job not found'],
  'already-final': [409, 'The Payment Request is paid or has ended'],
  'cancellation-pending': [409, 'A cancel of the Payment Request is in progress'],
  'account-in-secret': [409, 'The settings of the account are in the secret accounts'],
  'no-page-origins': [409, 'This deployment has no page origins'],
  'job-exists': [409, 'A different job has this id'],
  'extension-limit': [409, 'The session cannot be extended this far'],
  'session-full': [409, 'The session has the most Payment Requests that are allowed'],
  'payload-too-large': [413, 'The body is too large'],
  'idempotency-key-reused': [422, 'Another call had this Idempotency-Key'],
  'klarna-denied': [502, "Klarna refused the account's credentials"],
  unavailable: [503, 'Temporarily unavailable'],
  misconfigured: [500, 'The configuration of this deployment is invalid'],
  internal: [500, 'Internal error'],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemType = keyof typeof problemTypes;

/** One field that was refused: its name, the value given and the values allowed. */
export interface FieldError {
  readonly field: string;
  readonly given: string;
  readonly allowed: string;
}

export interface ProblemDetails {
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  /** Further members of the document, such as `state`. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** The methods that the path has, where the one of the call is not among them. */
  readonly allow?: readonly string[];
  /** How a caller that did not prove who it is can do so: the header `WWW-Authenticate`. */
  readonly challenge?: string;
  /** Seconds after which to try again. */
  readonly retryAfter?: number;
}

/** A refusal, thrown where it is found and turned into a response. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly type: ProblemType;
  readonly details: ProblemDetails;

  constructor(type: ProblemType, details: ProblemDetails) {
    super(details.detail);
    this.type = type;
    this.details = details;
  }
}

/** The problem of a request with these invalid fields. */
export const invalid = (...errors: readonly FieldError[]): Problem =>
  new Problem('invalid-request', {
    detail: errors.map(({ field, given, allowed }) => `${field} is ${given}; allowed: ${allowed}.`).join(' '),
    errors,
  });

/** The problem that Klarna refused the account's credentials: what it means for this call, and what to check. */
export const klarnaDenied = (meaning: string, members: Readonly<Record<string, unknown>>): Problem =>
  new Problem('klarna-denied', {
    detail: `${meaning} Check the api_key, environment and partner_account_id of the account.`,
    members,
    retryAfter: 60,
  });

/** The problem that only a tombstone is left of a Payment Request. */
export const erasedRequest = ({ paymentRequestId }: Pick<PaymentRequestKey, 'paymentRequestId'>): Problem =>
  new Problem('not-found', {
    detail: 'What was stored of this Payment Request is erased.',
    members: { payment_request_id: paymentRequestId },
  });

/** A text of the caller as a problem may quote it: the whole of a short one, else its start and its length. */
export const shortened = (text: string): string =>
  text.length > 100 ? `${text.slice(0, 100)}… (${text.length} characters)` : text;

/** A given value as a problem may quote it: a short text, the length of an array, or the words `an object`. */
export function shown(given: unknown): string {
  if (given === undefined) return 'missing';
  if (Array.isArray(given)) return `an array of ${given.length}`;
  return typeof given === 'object' && given !== null ? 'an object' : shortened(JSON.stringify(given));
}

/** The problem as a response. The first wrong field is also a member of its own, for callers that show only one. */
export function problemResponse({ type, details }: Problem): HttpResponse {
  const [status, title] = problemTypes[type];
  const { detail, errors, members, allow, challenge, retryAfter } = details;
  return {
    statusCode: status,
    headers: {
      'content-type': 'application/problem+json',
      ...(allow && { allow: allow.join(', ') }),
      ...(challenge !== undefined && { 'www-authenticate': challenge }),
      ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
    },
    body: JSON.stringify({
      type: `urn:lapse:problem:${type}`,
      title,
      status,
      detail,
      ...errors?.[0],
      ...(errors && { errors }),
      ...members,
    }),
  };
}
