import type { KlarnaExpiry, KlarnaPaymentRequests } from '../../functions/application/ports.ts';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import type { Instant } from '../../functions/domain/instant.ts';
import type { PaymentRequestState } from '../../functions/domain/payment-request-state.ts';

type Call = 'read' | 'cancel' | 'expiry';
type Step = KlarnaResponse | ((klarna: ScriptedKlarna) => KlarnaResponse);

/**
 * Klarna with one Payment Request, in memory. Answers truly from `state` (`undefined`: it does not know the request), unless
 * a step is waiting for that call. Counts the calls.
 */
export class ScriptedKlarna implements KlarnaPaymentRequests, KlarnaExpiry {
  state: PaymentRequestState | undefined;
  /** Klarna's pages disagree on it; nothing of ours may depend on one. */
  cancelsCompleted = false;
  expiresAt: Instant | undefined;
  readonly calls: Call[] = [];
  /** Milliseconds that each read and each cancel was given. */
  readonly limits: number[] = [];
  readonly #steps: Record<Call, Step[]> = { read: [], cancel: [], expiry: [] };

  constructor(state: PaymentRequestState | undefined) {
    this.state = state;
  }

  /** The next answers to one kind of call, in order. */
  responses(call: Call, ...steps: readonly Step[]): this {
    this.#steps[call].push(...steps);
    return this;
  }

  read(_credentials: unknown, _id: unknown, limit: number): Promise<KlarnaResponse> {
    this.limits.push(limit);
    return this.#respond('read', () => this.shown());
  }

  cancel(_credentials: unknown, _id: unknown, limit: number): Promise<KlarnaResponse> {
    this.limits.push(limit);
    return this.#respond('cancel', () => {
      const open = this.state === 'SUBMITTED' || this.state === 'IN_PROGRESS';
      if (!open && !(this.state === 'COMPLETED' && this.cancelsCompleted)) {
        return this.state ? { kind: 'refused', isConflict: true, proof: { status: '409' } } : this.shown();
      }
      this.state = 'CANCELED';
      return this.shown();
    });
  }

  moveExpiry(_credentials: unknown, _id: unknown, expiresAt: Instant): Promise<KlarnaResponse> {
    return this.#respond('expiry', () => {
      if (this.state !== 'SUBMITTED') return { kind: 'refused', isConflict: true, proof: { status: '409' } };
      this.expiresAt = expiresAt;
      return this.shown();
    });
  }

  /** What a read shows now. */
  shown(): KlarnaResponse {
    return this.state
      ? { kind: 'payment_request', state: this.state, expiresAt: this.expiresAt, proof: { status: '200' } }
      : { kind: 'not_found', proof: { status: '404' } };
  }

  get cancels(): number {
    return this.calls.filter((call) => call === 'cancel').length;
  }

  #respond(call: Call, truth: () => KlarnaResponse): Promise<KlarnaResponse> {
    this.calls.push(call);
    const step = this.#steps[call].shift();
    return Promise.resolve(step === undefined ? truth() : typeof step === 'function' ? step(this) : step);
  }
}

/** No answer that says anything: a time-out, a reset, a 5xx. */
export const unclear: KlarnaResponse = {
  kind: 'unclear',
  retryAfterMillis: undefined,
  proof: { error: 'TimeoutError' },
};
