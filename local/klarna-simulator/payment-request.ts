import type { Instant } from '../../functions/domain/instant.ts';
import type { Environment } from './environment.ts';
import { completedContext } from './pii-canaries.ts';
import type { State } from './state-machine.ts';

/** A Payment Request as the simulator stores it. */
export interface SimulatedPaymentRequest {
  readonly payment_request_id: string;
  /** The partner that owns the request; undefined where it was created on the direct path. */
  readonly partner_account_id?: string;
  /** Undefined where the control surface made it: it is then in both. */
  readonly environment?: Environment;
  readonly state: State;
  readonly previous_state?: State;
  readonly state_reason?: string;
  readonly created_at: Instant;
  readonly updated_at: Instant;
  readonly expires_at: Instant;
  /** The fields that the partner sent, shown again unchanged. */
  readonly given: Readonly<Record<string, unknown>>;
  /** The customer left without a decision. */
  readonly abandoned_at?: Instant;
  /** When Klarna deletes it. */
  readonly delete_at?: Instant;
  /** When Klarna deleted it. The simulator still shows it on its control surface. */
  readonly deleted_at?: Instant;
}

/** Fields that only Klarna sets. A partner that sends them has no effect. */
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

/** The object as Klarna's API returns it. */
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
