import * as v from 'valibot';
import type { KlarnaChecks, KlarnaResponse, Proof } from '../../domain/klarna-response.ts';
import { readJson } from '../../contract/read-json.ts';
import { type PaymentRequestId, parseReference } from '../../domain/identifiers.ts';
import { parseInstant } from '../../domain/instant.ts';
import { parseState } from '../../domain/payment-request-state.ts';
import type { RateSignal } from '../../domain/rate-limit.ts';
import type { HttpResponse } from './klarna-http.ts';

const text = v.fallback(v.optional(v.string()), undefined);

/** A Payment Request as Klarna shows it. Only the id and the state are always there. */
const paymentRequestSchema = v.object({
  payment_request_id: v.string(),
  state: v.string(),
  previous_state: text,
  state_reason: text,
  updated_at: text,
  expires_at: text,
  payment_request_reference: text,
});

/** Both of Klarna's error envelopes. */
const errorSchema = v.object({ error_id: text, error_code: text });

/** A code or id of Klarna that may go into history and logs: short, and not a text that a person has typed. */
const codePattern = /^[A-Za-z0-9_.:-]{1,80}$/;

/** Reads an HTTP response about this request. Branches on status and codes, never on a message. */
export function readResponse(response: HttpResponse, id: PaymentRequestId, asked: Proof): KlarnaResponse {
  const rate = rateOf(response);
  const checks = checksOf(response);
  return { ...readBody(response, id, asked), ...(rate && { rate }), ...(checks && { checks }) };
}

/** What Klarna reports of the certificate and the address of the call. A word that is not known counts as none. */
function checksOf({ headers }: HttpResponse): KlarnaChecks | undefined {
  const [certificate, address] = [
    wordIn(['NOT_PRESENT', 'VALID', 'INVALID'], headers['klarna-mtls-verification-status']),
    wordIn(['ALLOWED', 'DENIED', 'INVALID'], headers['klarna-ip-validation-status']),
  ];
  return certificate || address ? { certificate, address } : undefined;
}

const wordIn = <const Word extends string>(words: readonly Word[], given: unknown): Word | undefined =>
  words.find((word) => word === given);

/** The headers `X-Ratelimit-Limit`, `-Remaining` and `-Reset` (seconds), if all three are there. */
function rateOf({ headers }: HttpResponse): RateSignal | undefined {
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((name) => {
    const given = headers[`x-ratelimit-${name}`];
    return typeof given === 'string' && /^\d{1,9}$/.test(given) ? Number(given) : undefined;
  });
  if (!limit || remaining === undefined || reset === undefined) return undefined;
  return { limit, remaining, resetMillis: reset * 1_000 };
}

function readBody(response: HttpResponse, id: PaymentRequestId, asked: Proof): KlarnaResponse {
  const { status, body } = response;
  const json = readJson(body);
  const proof = { ...asked, status: String(status), ...errorProof(json) };
  if (status >= 200 && status < 300) return readPaymentRequest(json, id, proof);
  switch (status) {
    case 401:
    case 403:
      return { kind: 'denied', proof };
    case 404:
      return { kind: 'not_found', proof };
    case 429:
      return { kind: 'rate_limited', retryAfterMillis: waitOf(response), proof };
    default:
      return status >= 400 && status < 500
        ? { kind: 'refused', isConflict: status === 409, proof }
        : { kind: 'unclear', retryAfterMillis: waitOf(response), proof };
  }
}

/** The response to a call that failed, with the reason as a code. */
export const noResponse = ({ code }: { readonly code: string }, asked: Proof): KlarnaResponse => ({
  kind: 'unclear',
  retryAfterMillis: undefined,
  proof: { ...asked, error: code },
});

function readPaymentRequest(json: unknown, id: PaymentRequestId, proof: Proof): KlarnaResponse {
  const parsed = v.safeParse(paymentRequestSchema, json);
  // A 2xx is evidence only if it names the request and its state.
  if (!parsed.success || parsed.output.payment_request_id !== id) {
    return { kind: 'unclear', retryAfterMillis: undefined, proof };
  }
  const { state, previous_state, state_reason, updated_at, expires_at } = parsed.output;
  const { payment_request_reference: reference } = parsed.output;
  const known = parseState(state);
  if (!known) return { kind: 'unknown_state', proof: codePattern.test(state) ? { ...proof, state } : proof };
  return {
    kind: 'payment_request',
    state: known,
    previousState: previous_state === undefined ? undefined : parseState(previous_state),
    stateReason: state_reason !== undefined && codePattern.test(state_reason) ? state_reason : undefined,
    updatedAt: updated_at === undefined ? undefined : parseInstant(updated_at),
    expiresAt: expires_at === undefined ? undefined : parseInstant(expires_at),
    reference: reference === undefined ? undefined : parseReference(reference),
    proof,
  };
}

function errorProof(json: unknown): Proof {
  const parsed = v.safeParse(errorSchema, json);
  if (!parsed.success) return {};
  return Object.fromEntries(
    Object.entries(parsed.output).filter(([, value]) => value !== undefined && codePattern.test(value)),
  ) as Proof;
}

/**
 * Milliseconds that Klarna asks us to wait: `Retry-After` in seconds, or the reset of the rate limit if that is used
 * up. Every response has the three rate-limit headers, so the reset alone does not ask for a pause.
 */
function waitOf({ status, headers }: HttpResponse): number | undefined {
  const usedUp = status === 429 || headers['x-ratelimit-remaining'] === '0';
  const seconds = headers['retry-after'] ?? (usedUp ? headers['x-ratelimit-reset'] : undefined);
  return typeof seconds === 'string' && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}
