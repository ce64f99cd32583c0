import type { Instant } from '../../functions/domain/instant.ts';
import { completedContext } from './pii-canaries.ts';
import type { State } from './state-machine.ts';

/** A Payment Request as the simulator keeps it. */
export interface SimulatedPaymentRequest {
  readonly payment_request_id: string;
  /** The partner whose request it is; none, if it was made on the direct path. */
  readonly partner_account_id?: string;
  readonly state: State;
  readonly previous_state?: State;
  readonly state_reason?: string;
  readonly created_at: Instant;
  readonly updated_at: Instant;
  readonly expires_at: Instant;
  /** What the partner gave at creation and after, shown again as it came. */
  readonly given: Readonly<Record<string, unknown>>;
  /** The customer has left without a word. */
  readonly abandoned_at?: Instant;
  /** From when on Klarna no longer knows it. */
  readonly delete_at?: Instant;
  /** Klarna does not know it any more; the simulator remembers. */
  readonly deleted_at?: Instant;
}

/** Fields that are Klarna's to say; a partner that sends them is not listened to. */
const klarnasFields: ReadonlySet<string> = new Set([
  'payment_request_id',
  'payment_request_url',
  'state',
  'previous_state',
  'state_reason',
  'state_context',
  'created_at',
  'updated_at',
  'expires_at',
]);

/** The partner's part of a body. */
export const givenFields = (body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(body).filter(([field]) => !klarnasFields.has(field)));

/** The object as Klarna's API answers with it. */
export const shownPaymentRequest = (request: SimulatedPaymentRequest): Readonly<Record<string, unknown>> => ({
  payment_request_id: request.payment_request_id,
  payment_request_url: `https://pay.klarna.example/requests/${request.payment_request_id.split(':').at(-1) ?? ''}`,
  ...request.given,
  state: request.state,
  previous_state: request.previous_state,
  state_reason: request.state_reason,
  state_context: request.state === 'COMPLETED' ? completedContext : undefined,
  created_at: request.created_at,
  updated_at: request.updated_at,
  expires_at: request.expires_at,
});
