import middy, { type MiddlewareObj } from '@middy/core';
import type { LambdaFunctionURLEvent } from 'aws-lambda';
import type { SigningKeys, WebhookArrivals } from '../application/ports.ts';
import type { DeliveryVerdict, receiveWebhook, VerifiedDelivery } from '../application/receive-webhook.ts';
import { instantFromMillis } from '../domain/instant.ts';
import type { QuarantinedDelivery } from '../domain/quarantined-delivery.ts';
import { readDelivery } from './klarna-delivery.ts';
import {
  signatureHeader,
  signaturePattern,
  signingKeyIdHeader,
  signingKeyIdPattern,
  verify,
} from './klarna-signature.ts';
import { type MismatchReason, reasonOfMismatch } from './signature-mismatch.ts';
import { type HttpResponse, jsonResponse } from '../http/response.ts';
import { count, fault, note, telemetry, warn } from '../telemetry/telemetry.ts';

/** What the webhook's handler needs. */
export interface WebhookHandlerDependencies {
  readonly signingKeys: SigningKeys;
  readonly receive: ReturnType<typeof receiveWebhook>;
  readonly arrivals: Pick<WebhookArrivals, 'note'>;
}

/** Klarna limits a body to 1 MB; a state change has about 1 KB. */
const bodyLimit = 64 * 1024;
const jsonContentType = /^application\/([a-z0-9.-]+\+)?json\s*(;|$)/i;

const received = jsonResponse(200, { received: true });

/** The parts of a function URL call that the handler reads. */
export type UrlCall = Pick<LambdaFunctionURLEvent, 'headers' | 'body' | 'isBase64Encoded'> & {
  readonly requestContext: {
    readonly http: Pick<LambdaFunctionURLEvent['requestContext']['http'], 'method'>;
  };
};

/** Why a call was refused. Those from `missing_header` on are about the signature. */
type RefusalReason =
  'method' | 'size' | 'content_type' | 'missing_header' | 'malformed_header' | 'unknown_key' | MismatchReason;

/** The result of a call: refused before its contents were used, or received with a verdict. */
type Reception =
  | {
      readonly kind: 'refused';
      readonly status: number;
      /** For the log. The sender learns no more than `detail`. */
      readonly reason: RefusalReason;
      readonly detail: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'received';
      readonly signingKeyId: string;
      readonly delivery: VerifiedDelivery;
      readonly verdict: DeliveryVerdict;
    };

/**
 * The handler of the function URL. Klarna treats 200 as received, expects 400 for a bad signature, and retries after
 * any other status.
 */
export const webhookHandler = (dependencies: WebhookHandlerDependencies) => {
  const receive = receiveCall({ ...dependencies, onArrival: noteArrivals(dependencies.arrivals) });
  return middy<LambdaFunctionURLEvent, HttpResponse>()
    .use(telemetry())
    .use(unavailable())
    .handler(async (event) => {
      const reception = await receive(event);
      report(reception);
      return reception.kind === 'received'
        ? received
        : jsonResponse(reception.status, { detail: reception.detail }, reception.headers);
    });
};

/** What {@link receiveCall} needs. */
interface ReceiveCallDependencies extends Pick<WebhookHandlerDependencies, 'signingKeys' | 'receive'> {
  /** Called beside the write, for each delivery with a valid signature of this key. It must not reject. */
  readonly onArrival: (signingKeyId: string) => Promise<void>;
}

/** The webhook's order of work: cheap checks → key by id → HMAC over the raw bytes → parse → bind → one write. */
export const receiveCall =
  ({ signingKeys, receive, onArrival }: ReceiveCallDependencies) =>
  async (event: UrlCall): Promise<Reception> => {
    const refusal = refusalOf(event);
    if (refusal) return refusal;
    const bytes = bytesOf(event);
    if (bytes.length > bodyLimit) return refuse([413, 'size'], `The body has more than ${bodyLimit} bytes.`);

    const { [signatureHeader]: signature = '', [signingKeyIdHeader]: keyId = '' } = event.headers;
    if (!signaturePattern.test(signature) || !signingKeyIdPattern.test(keyId)) {
      return refuse(
        [400, signature === '' || keyId === '' ? 'missing_header' : 'malformed_header'],
        'Klarna-Signature and Klarna-Signing-Key-Id are needed, once each and well formed.',
      );
    }
    const key = await signingKeys.find(keyId);
    if (!key || !verify(bytes, key.key, signature)) {
      const reason = key ? reasonOfMismatch(bytes, key.key, signature) : 'unknown_key';
      return refuse(
        [400, reason],
        'The signature does not hold: is this the raw body, and the key of this environment?',
      );
    }

    const delivery = readDelivery(bytes, key, instantFromMillis(Date.now()));
    const [verdict] = await Promise.all([receive(delivery), onArrival(key.id)]);
    return { kind: 'received', signingKeyId: key.id, delivery, verdict };
  };

/** Milliseconds between two notes of one process about the same key. */
const noteInterval = 10_000;

/**
 * Notes which keys webhooks arrive with: the first of each key at once, then at most one in ten seconds. A note that fails is left out,
 * because the delivery itself does not depend on it.
 */
function noteArrivals(arrivals: Pick<WebhookArrivals, 'note'>): (signingKeyId: string) => Promise<void> {
  const notedAt = new Map<string, number>();
  return async (signingKeyId) => {
    const now = Date.now();
    if (now - (notedAt.get(signingKeyId) ?? Number.NEGATIVE_INFINITY) < noteInterval) return;
    notedAt.set(signingKeyId, now);
    try {
      await arrivals.note(signingKeyId, instantFromMillis(now));
    } catch {
      notedAt.delete(signingKeyId);
      warn('arrival.fault', { signing_key_id: signingKeyId });
    }
  };
}

function report(reception: Reception): void {
  if (reception.kind === 'refused') {
    if (reception.status === 400) count('BadSignature');
    note('webhook.refused', { status: reception.status, reason: reception.reason });
    return;
  }
  const { delivery, verdict, signingKeyId } = reception;
  if (delivery.kind === 'onboarding') {
    const { account, credential, eventId } = delivery;
    note('webhook.onboarded', { account, credential, event_id: eventId });
    return;
  }
  const quarantined = quarantinedAs(delivery, verdict);
  if (quarantined) {
    const { reason, deliveryId } = quarantined;
    count('WebhookQuarantined');
    warn('webhook.quarantined', { reason, event_id: deliveryId, signing_key_id: signingKeyId });
  }
  if (quarantined || delivery.kind === 'quarantine') return;
  if (delivery.kind === 'unused') {
    // Another family does not tell that those about Payment Requests arrive.
    if (delivery.why === 'no_state') tellArrival();
    note('webhook.received', { event_type: delivery.eventType, event_id: delivery.eventId, verdict });
    return;
  }
  if (delivery.kind === 'authorization') {
    const { account, link, report: authorization } = delivery;
    note('webhook.authorization', { account, linked_by: link.by, event_id: authorization.eventId, verdict });
    return;
  }
  tellArrival();
  const { account, paymentRequestId } = delivery.key;
  const { state } = delivery.observation;
  note('webhook.received', { account, payment_request_id: paymentRequestId, state, verdict });
}

let toldMinute = 0;

/**
 * Tells that Klarna's webhooks arrive, at most once a minute. The alarm on their silence needs no more, and each time costs the bytes of
 * a log line. How many arrive is in the log.
 */
function tellArrival(): void {
  const minute = Math.floor(Date.now() / 60_000);
  if (minute === toldMinute) return;
  toldMinute = minute;
  count('WebhookArrival');
}

/** The delivery as it was quarantined: for what it is, or because nothing is stored about its account. */
function quarantinedAs(
  delivery: VerifiedDelivery,
  verdict: DeliveryVerdict,
): QuarantinedDelivery | undefined {
  switch (delivery.kind) {
    case 'quarantine':
      return delivery.delivery;
    case 'observation':
      return verdict === 'quarantined' ? delivery.ifUnknown : undefined;
    case 'onboarding':
    case 'authorization':
    case 'unused':
      return undefined;
  }
}

/** The checks that do not need the body. */
function refusalOf({ requestContext, headers }: UrlCall): Reception | undefined {
  if (requestContext.http.method !== 'POST')
    return refuse([405, 'method'], 'Only POST is served.', { allow: 'POST' });
  if (Number(headers['content-length'] ?? 0) > bodyLimit) {
    return refuse([413, 'size'], `The body has more than ${bodyLimit} bytes.`);
  }
  if (!jsonContentType.test(headers['content-type'] ?? '')) {
    return refuse([415, 'content_type'], 'The content type is application/json.');
  }
  return undefined;
}

/** The bytes that Klarna signed. A function URL passes bytes that are not text as base64. */
const bytesOf = ({ body, isBase64Encoded }: UrlCall): Buffer =>
  Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8');

const refuse = (
  [status, reason]: readonly [number, RefusalReason],
  detail: string,
  headers?: Readonly<Record<string, string>>,
): Reception => ({
  kind: 'refused',
  status,
  reason,
  detail,
  ...(headers && { headers }),
});

/** After any failure, the delivery is not acknowledged, and Klarna sends it again. */
const unavailable = (): MiddlewareObj<LambdaFunctionURLEvent, HttpResponse> => ({
  onError: (request) => {
    count('WebhookFault');
    fault('webhook.fault', request.error);
    request.response = jsonResponse(503, { detail: 'Send it again.' }, { 'retry-after': '10' });
  },
});
