import type { Reference } from './identifiers.ts';
import type { Instant } from './instant.ts';
import type { PaymentRequestState } from './payment-request-state.ts';
import type { RateSignal } from './rate-limit.ts';

/** The correlation id, the status, and Klarna's error id and code: for the history and logs. Never a body. */
export type Proof = Readonly<Record<string, string>>;

/** What Klarna returned for one call, or that it did not respond. */
export type KlarnaResponse = {
  readonly proof: Proof;
  readonly rate?: RateSignal;
  readonly checks?: KlarnaChecks;
} & (
  | ({ readonly kind: 'payment_request' } & ShownPaymentRequest)
  /** The request exists, in a state that this version does not know. */
  | { readonly kind: 'unknown_state' }
  /** 404. */
  | { readonly kind: 'not_found' }
  /** 401 or 403: the credentials or their permissions. */
  | { readonly kind: 'denied' }
  /** 429. */
  | { readonly kind: 'rate_limited'; readonly retryAfterMillis: number | undefined }
  /** Any other 4xx: nothing was done. `isConflict` is 409: the state forbids it, or another change is under way. */
  | { readonly kind: 'refused'; readonly isConflict?: boolean }
  /** No response, a 5xx, or a 2xx that cannot be read: the call may have taken effect. */
  | { readonly kind: 'unclear'; readonly retryAfterMillis: number | undefined }
);

/** What Klarna reports of a call before it refuses calls for it. Absent where Klarna reports nothing. */
export interface KlarnaChecks {
  /** The client certificate. */
  readonly certificate?: 'NOT_PRESENT' | 'VALID' | 'INVALID' | undefined;
  /** The address that the call came from. */
  readonly address?: 'ALLOWED' | 'DENIED' | 'INVALID' | undefined;
}

/**
 * The checks that this call would not pass. A call without a certificate passes where the account has none: Klarna reports that of every
 * such call.
 */
export const failedChecks = (
  { certificate, address }: KlarnaChecks,
  hasCertificate: boolean,
): readonly (keyof KlarnaChecks)[] => [
  ...(certificate === 'INVALID' || (certificate === 'NOT_PRESENT' && hasCertificate)
    ? (['certificate'] as const)
    : []),
  ...(address === 'DENIED' || address === 'INVALID' ? (['address'] as const) : []),
];

/** A Payment Request as Klarna shows it. Only the state is always there. */
export interface ShownPaymentRequest {
  readonly state: PaymentRequestState;
  readonly previousState?: PaymentRequestState | undefined;
  readonly stateReason?: string | undefined;
  readonly updatedAt?: Instant | undefined;
  readonly expiresAt?: Instant | undefined;
  /** The shop's own reference. A text that a path cannot carry is left out. */
  readonly reference?: Reference | undefined;
}
