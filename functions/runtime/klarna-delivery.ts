import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { QuarantineReason, SigningKey } from '../application/ports.ts';
import type { VerifiedDelivery } from '../application/receive-webhook.ts';
import { type Account, parseEventId, parsePaymentRequestId } from '../domain/identifiers.ts';
import { type Instant, parseInstant } from '../domain/instant.ts';
import { parseState } from '../domain/payment-request-state.ts';

const text = v.fallback(v.optional(v.string()), undefined);

/** What we read of a delivery. Everything else, the customer's name and token among it, is never looked at. */
const deliverySchema = v.object({
  metadata: v.object({
    event_id: text,
    event_type: text,
    occurred_at: text,
    subject_account_id: text,
    recipient_account_id: text,
    webhook_id: text,
    live: v.fallback(v.optional(v.boolean()), undefined),
  }),
  payload: v.fallback(
    v.object({ payment_request_id: text, state: text, previous_state: text, state_reason: text }),
    {},
  ),
});

const codePattern = /^[A-Za-z0-9._-]{1,100}$/;
const stateChange = 'payment.request.state-change.';

/**
 * What a delivery with a valid signature is about: an observation of a Payment Request that the key may speak for, or
 * something to keep in quarantine and why. Total: whatever the bytes are, this says what to do with them.
 */
export function readDelivery(bytes: Uint8Array, key: SigningKey, receivedAt: Instant): VerifiedDelivery {
  const bodySha256 = createHash('sha256').update(bytes).digest('hex');
  const { metadata, payload } = parse(bytes);
  const eventId = parseEventId(metadata.event_id ?? '');
  const eventType = code(metadata.event_type);
  const paymentRequestId = parsePaymentRequestId(payload.payment_request_id ?? '');
  const account = key.accounts.get(metadata.subject_account_id ?? '');
  const keep = (reason: QuarantineReason, of?: Account): VerifiedDelivery => ({
    kind: 'quarantine',
    delivery: {
      signingKeyId: key.id,
      deliveryId: eventId ?? bodySha256,
      reason,
      receivedAt,
      bodySha256,
      eventType,
      account: of,
      paymentRequestId,
    },
  });

  const refusal = bindingRefusal(metadata, key);
  if (refusal) return keep(refusal);
  if (!account) return keep(metadata.subject_account_id === undefined ? 'malformed' : 'other_account');
  if (!eventId || !eventType) return keep('malformed', account);
  const named = stateOfType(eventType);
  if (named === 'unknown') return keep('unknown_type', account);
  const occurredAt = parseInstant(metadata.occurred_at ?? '');
  if (!paymentRequestId || !occurredAt || payload.state === undefined) return keep('malformed', account);
  const state = parseState(payload.state);
  if (!state) return keep('unknown_state', account);
  if (named !== 'any' && named !== state) return keep('malformed', account);
  return {
    kind: 'observation',
    key: { account, paymentRequestId },
    observation: {
      state,
      previousState: parseState(payload.previous_state ?? ''),
      stateReason: code(payload.state_reason),
      occurredAt,
      eventId,
      source: 'webhook',
      observedAt: receivedAt,
      proof: { event_type: eventType, signing_key_id: key.id, body_sha256: bodySha256 },
    },
  };
}

type Delivery = v.InferOutput<typeof deliverySchema>;

const nothing: Delivery = { metadata: {}, payload: {} };

function parse(bytes: Uint8Array): Delivery {
  try {
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    const parsed = v.safeParse(deliverySchema, json);
    return parsed.success ? parsed.output : nothing;
  } catch {
    return nothing;
  }
}

/** One tenant's key must not speak for another: what the key is bound to must be what the delivery says. */
function bindingRefusal(metadata: Delivery['metadata'], key: SigningKey): QuarantineReason | undefined {
  const bindings = [
    [key.live, metadata.live, 'other_environment'],
    [key.recipientAccountId, metadata.recipient_account_id, 'other_recipient'],
    [key.webhookId, metadata.webhook_id, 'other_webhook'],
  ] as const;
  for (const [bound, said, reason] of bindings) {
    if (bound !== undefined && bound !== said) return said === undefined ? 'malformed' : reason;
  }
  return undefined;
}

/** The state that the type names; `any` for `payment.request.updated`, which comes in every state. */
function stateOfType(eventType: string) {
  if (eventType === 'payment.request.updated') return 'any';
  if (!eventType.startsWith(stateChange)) return 'unknown';
  return parseState(eventType.slice(stateChange.length).toUpperCase().replaceAll('-', '_')) ?? 'unknown';
}

const code = (value: string | undefined): string | undefined =>
  value !== undefined && codePattern.test(value) ? value : undefined;
