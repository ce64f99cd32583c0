import { hash } from 'node:crypto';
import * as v from 'valibot';
import type { DeliveryFacts, QuarantinedDelivery, QuarantineReason } from '../domain/quarantined-delivery.ts';
import { type BoundAccount, boundAccount, type SigningKey } from '../domain/signing-key.ts';
import type { AuthorizationLink, VerifiedDelivery } from '../application/receive-webhook.ts';
import { readJson } from '../contract/read-json.ts';
import {
  type EventId,
  parseEventId,
  parsePaymentRequestId,
  parseReference,
  pathIdPattern,
  type PaymentRequestId,
} from '../domain/identifiers.ts';
import { earlierOf, formatInstant, type Instant, parseInstant } from '../domain/instant.ts';
import { believedTime, type Observation } from '../domain/observation.ts';
import { parseState } from '../domain/payment-request-state.ts';

/** The values of these fields have no spaces. A name or a sentence would have some. */
const text = v.fallback(v.optional(v.pipe(v.string(), v.regex(/^[!-~]{0,200}$/))), undefined);

/** The shop's own reference, which may have spaces. One that a path cannot carry is left out, and so is a value of another type. */
const reference = v.fallback(v.optional(v.pipe(v.string(), v.regex(pathIdPattern))), undefined);

/** Where a delivery has each fact. */
const deliverySchema = v.object({
  metadata: v.object({
    event_id: text,
    event_type: text,
    event_version: text,
    occurred_at: text,
    subject_account_id: text,
    recipient_account_id: text,
    webhook_id: text,
    live: v.fallback(v.optional(v.boolean()), undefined),
  }),
  payload: v.fallback(
    v.object({
      payment_request_id: text,
      payment_request_reference: reference,
      state: text,
      previous_state: text,
      state_reason: text,
    }),
    {},
  ),
});

const codePattern = /^[A-Za-z0-9._-]{1,100}$/;
const stateChange = 'payment.request.state-change.';
/** The version of the events about Payment Requests that this code reads. */
const readVersion = 'v2';
/**
 * Types of Klarna's other products: payments after their request, settlements, and partners. A subscription to `payment.*` gets them too
 * (https://docs.klarna.com, Webhooks).
 */
const otherFamily = /^(?:payment\.(?!request\.)[a-z0-9_-]+|partner\.[a-z0-9_-]+|settlements?)\.[a-z0-9._-]+$/;
/**
 * The shop has authorized a payment. Which field names the Payment Request is undocumented
 * (https://docs.klarna.com, Payment Transaction state definitions): its id is tried, then the reference.
 */
const authorized = 'payment.transaction.state-change.authorized';
/** An account was onboarded and can transact. Klarna sends it with version 1 in `event_version`. */
const onboarded = 'partner.account.state-change.operational';

/**
 * Judges a delivery with a valid signature. The result is an observation of a Payment Request that the key may
 * report, an authorization, a new account, or a reason for quarantine. Or Lapse does not use the delivery. Every input has a result,
 * whatever its bytes are.
 */
export const readDelivery = (bytes: Uint8Array, key: SigningKey, receivedAt: Instant): VerifiedDelivery =>
  judgeDelivery(factsOf(bytes), key, receivedAt, hash('sha256', bytes));

/** Judges facts that were read before. Another key or newer code may judge them differently. */
export function judgeDelivery(
  facts: DeliveryFacts,
  key: SigningKey,
  receivedAt: Instant,
  bodySha256: string,
): VerifiedDelivery {
  const eventId = parseEventId(facts.eventId ?? '');
  const eventType = code(facts.eventType);
  const bound = boundAccount(key, facts.subjectAccountId ?? '');
  const quarantined = (reason: QuarantineReason): QuarantinedDelivery => ({
    signingKeyId: key.id,
    deliveryId: eventId ?? bodySha256,
    reason,
    receivedAt,
    bodySha256,
    facts,
  });
  const keep = (reason: QuarantineReason): VerifiedDelivery => ({
    kind: 'quarantine',
    delivery: quarantined(reason),
  });

  const report = eventId && authorizationIn(facts, key, { eventId, receivedAt, bodySha256 });
  if (report) return report;
  // What Lapse does not use changes nothing, so it does not matter whom the key may report for.
  const isUsed = eventType === undefined || !otherFamily.test(eventType) || isOnboarding(eventType, bound);
  if (!isUsed) return { kind: 'unused', why: 'other_family', eventType, eventId };
  const refusal = bindingRefusal(facts, key);
  if (refusal) return keep(refusal);
  if (!bound) return keep(facts.subjectAccountId === undefined ? 'malformed' : 'other_account');
  if (!eventId || !eventType) return keep('malformed');
  const { account, partners } = bound;
  if (partners && eventType === onboarded) {
    return { kind: 'onboarding', account, credential: partners.credential, eventId, at: receivedAt };
  }
  const told = observationIn(facts, { eventId, eventType, receivedAt });
  switch (told) {
    case 'no_state':
      return { kind: 'unused', why: told, eventType, eventId };
    case 'malformed':
    case 'unknown_type':
    case 'unknown_version':
    case 'unknown_state':
      return keep(told);
  }
  const { paymentRequestId, observation } = told;
  const proof = { ...observation.proof, signing_key_id: key.id, body_sha256: bodySha256 };
  return {
    kind: 'observation',
    key: { account, paymentRequestId },
    ...(partners?.unknownSubject === 'quarantine' && { ifUnknown: quarantined('unknown_account') }),
    observation: { ...observation, proof },
  };
}

/** What a webhook is known by. */
interface DeliveryIds {
  readonly eventId: EventId;
  readonly eventType: string;
  readonly receivedAt: Instant;
}

/** What a webhook of the family `payment.request` tells about a state, or why it tells none. */
function observationIn(
  facts: DeliveryFacts,
  { eventId, eventType, receivedAt }: DeliveryIds,
):
  | { readonly paymentRequestId: PaymentRequestId; readonly observation: Observation }
  | Extract<QuarantineReason, 'malformed' | `unknown_${'type' | 'version' | 'state'}`>
  | 'no_state' {
  const named = stateOfType(eventType);
  if (named === 'unknown') return 'unknown_type';
  if (!facts.eventVersion) return 'malformed';
  if (facts.eventVersion !== readVersion) return 'unknown_version';
  if (named === 'any' && facts.state === undefined) return 'no_state';
  const paymentRequestId = parsePaymentRequestId(facts.paymentRequestId ?? '');
  const saidAt = parseInstant(facts.occurredAt ?? '');
  if (!paymentRequestId || !saidAt || facts.state === undefined) return 'malformed';
  const state = parseState(facts.state);
  if (!state) return 'unknown_state';
  if (named !== 'any' && named !== state) return 'malformed';
  const occurredAt = believedTime(state, saidAt, receivedAt);
  const observation: Observation = {
    state,
    previousState: parseState(facts.previousState ?? ''),
    stateReason: code(facts.stateReason),
    occurredAt,
    reference: parseReference(facts.reference ?? ''),
    eventId,
    source: 'webhook',
    observedAt: receivedAt,
    proof: {
      event_type: eventType,
      ...(occurredAt !== saidAt && { said_to_occur_at: formatInstant(saidAt) }),
    },
  };
  return { paymentRequestId, observation };
}

/** Whether a webhook tells of a new account of an acquiring partner, whose accounts the key may report. */
const isOnboarding = (eventType: string, bound: BoundAccount | undefined): boolean =>
  eventType === onboarded && bound?.partners !== undefined;

/**
 * A report of an authorization, where the key may report for its account; `undefined` for any other delivery. It is used or it is not, but it
 * is never quarantined: the subscription may hold transactions of other integrations.
 */
function authorizationIn(
  facts: DeliveryFacts,
  key: SigningKey,
  { eventId, receivedAt, bodySha256 }: Omit<DeliveryIds, 'eventType'> & { readonly bodySha256: string },
): VerifiedDelivery | undefined {
  const bound = boundAccount(key, facts.subjectAccountId ?? '');
  if (facts.eventType !== authorized || !bound || bindingRefusal(facts, key)) return undefined;
  const proof = { event_type: authorized, signing_key_id: key.id, body_sha256: bodySha256 };
  const at = earlierOf(parseInstant(facts.occurredAt ?? '') ?? receivedAt, receivedAt);
  return {
    kind: 'authorization',
    account: bound.account,
    link: linkOf(facts),
    report: { eventId, source: 'webhook', at, reportedAt: receivedAt, proof },
    ...(bound.partners?.unknownSubject === 'quarantine' && { onlyIfKnown: true }),
  };
}

/** The payment that a report of an authorization names. */
function linkOf({ paymentRequestId: id, reference: own }: DeliveryFacts): AuthorizationLink {
  const paymentRequestId = parsePaymentRequestId(id ?? '');
  const named = parseReference(own ?? '');
  if (paymentRequestId) return { by: 'payment_request_id', paymentRequestId };
  return named ? { by: 'reference', reference: named } : { by: 'nothing' };
}

function factsOf(bytes: Uint8Array): DeliveryFacts {
  const { metadata, payload } = parse(bytes);
  return {
    eventId: metadata.event_id,
    eventType: metadata.event_type,
    // An empty text says that there is none. What earlier code stored has no such field.
    eventVersion: metadata.event_version ?? '',
    occurredAt: metadata.occurred_at,
    subjectAccountId: metadata.subject_account_id,
    recipientAccountId: metadata.recipient_account_id,
    webhookId: metadata.webhook_id,
    live: metadata.live,
    paymentRequestId: payload.payment_request_id,
    reference: payload.payment_request_reference,
    state: payload.state,
    previousState: payload.previous_state,
    stateReason: payload.state_reason,
  };
}

type Delivery = v.InferOutput<typeof deliverySchema>;

const nothing: Delivery = { metadata: {}, payload: {} };

function parse(bytes: Uint8Array): Delivery {
  const parsed = v.safeParse(deliverySchema, readJson(bytes));
  return parsed.success ? parsed.output : nothing;
}

/** A tenant's key must not report for another tenant: the delivery must match what the key is bound to. */
function bindingRefusal(facts: DeliveryFacts, key: SigningKey): QuarantineReason | undefined {
  const bindings = [
    [key.live, facts.live, 'other_environment'],
    [key.recipientAccountId, facts.recipientAccountId, 'other_recipient'],
    [key.webhookId, facts.webhookId, 'other_webhook'],
  ] as const;
  for (const [bound, said, reason] of bindings) {
    if (bound !== undefined && bound !== said) return said === undefined ? 'malformed' : reason;
  }
  return undefined;
}

/** The state that the type names, or `any` for `payment.request.updated`, which occurs with every state. */
function stateOfType(eventType: string) {
  if (eventType === 'payment.request.updated') return 'any';
  if (!eventType.startsWith(stateChange)) return 'unknown';
  return parseState(eventType.slice(stateChange.length).toUpperCase().replaceAll('-', '_')) ?? 'unknown';
}

const code = (value: string | undefined): string | undefined =>
  value !== undefined && codePattern.test(value) ? value : undefined;
