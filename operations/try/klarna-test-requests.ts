import { hash } from 'node:crypto';
import * as v from 'valibot';
import type { Clock, Ids } from '../../functions/application/ports.ts';
import {
  integrationMetadataHeader,
  integrationMetadataOf,
} from '../../functions/adapters/klarna/integration-metadata.ts';
import { agentFor, exchange, IncompleteExchange } from '../../functions/adapters/klarna/klarna-http.ts';
import {
  authorizationOf,
  HttpKlarnaPaymentRequests,
  pathSegment,
} from '../../functions/adapters/klarna/klarna-payment-requests.ts';
import { readJson } from '../../functions/contract/read-json.ts';
import type { KlarnaCredentials } from '../../functions/domain/account-settings.ts';
import { formatDuration } from '../../functions/domain/duration.ts';
import { type PaymentRequestId, parsePaymentRequestId } from '../../functions/domain/identifiers.ts';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';

/** What a test Payment Request is for. */
export interface TestPurchase {
  /** ISO 4217. */
  readonly currency: string;
  /** In the smallest unit of the currency. */
  readonly amount: number;
  /** Our own name for it. */
  readonly reference: string;
  /** Milliseconds after which Klarna itself ends it: 15 minutes to 48 hours. */
  readonly lifetime: number;
}

/** Payment Requests in Klarna's test environment. */
export interface TestRequests {
  /** Creates one. @throws {Error} where Klarna refuses it, or does not respond */
  readonly create: (purchase: TestPurchase) => Promise<PaymentRequestId>;
  readonly read: (id: PaymentRequestId) => Promise<KlarnaResponse>;
  readonly cancel: (id: PaymentRequestId) => Promise<KlarnaResponse>;
}

/** Milliseconds for one exchange. */
const timeoutMillis = 15_000;

/** Pauses between the attempts to create a request. */
const pauses = [1_000, 3_000];

const createdSchema = v.object({ payment_request_id: v.string() });
const codesSchema = v.fallback(
  v.object({
    error_id: v.fallback(v.optional(v.string()), undefined),
    error_code: v.fallback(v.optional(v.string()), undefined),
  }),
  { error_id: undefined, error_code: undefined },
);

/**
 * The test environment of Klarna for an account (https://docs.klarna.com/acquirer/klarna-direct/, Payment Request).
 *
 * @param url its address, without a slash at the end
 */
export function klarnaTestRequests({
  url,
  klarna,
  ids,
  clock,
}: {
  readonly url: string;
  readonly klarna: KlarnaCredentials;
  readonly ids: Ids;
  readonly clock: Pick<Clock, 'wait'>;
}): TestRequests {
  // The live address is never called: every caller has an account of the test environment.
  const known = new HttpKlarnaPaymentRequests({ urls: { test: url, live: url }, ids });
  return {
    create: async (purchase) => {
      // The same key for each attempt, so that a response that was lost does not leave a second request.
      const headers = headersOf(klarna, { ids, key: idempotencyKeyOf(purchase.reference) });
      for (const pause of [...pauses, undefined]) {
        const { status, body } = await post(url, klarna, { headers, body: bodyOf(purchase) });
        if (status !== undefined && status < 300) return createdIn(body);
        const isUnclear = status === undefined || status >= 500 || status === 429;
        if (!isUnclear || pause === undefined) throw new Error(refusalOf(status, body));
        await clock.wait(pause);
      }
      throw new Error(refusalOf(undefined, ''));
    },
    read: (id) => known.read(klarna, id, timeoutMillis),
    cancel: (id) => known.cancel(klarna, id, timeoutMillis),
  };
}

const bodyOf = ({ currency, amount, reference, lifetime }: TestPurchase) => ({
  currency,
  amount,
  payment_request_reference: reference,
  customer_interaction_config: {
    method: 'HANDOVER',
    return_url: 'https://example.com/',
    interaction_expiry: { duration: formatDuration(lifetime) },
  },
});

const headersOf = (klarna: KlarnaCredentials, { ids, key }: { readonly ids: Ids; readonly key: string }) => ({
  accept: 'application/json',
  authorization: authorizationOf(klarna),
  'partner-correlation-id': ids.next(),
  'klarna-idempotency-key': key,
  [integrationMetadataHeader]: integrationMetadataOf(klarna),
});

async function post(
  base: string,
  klarna: KlarnaCredentials,
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: object },
): Promise<{ readonly status: number | undefined; readonly body: string }> {
  const { partnerAccountId } = klarna;
  const account = partnerAccountId === undefined ? '' : `/accounts/${pathSegment(partnerAccountId)}`;
  const url = new URL(`${base}/v2${account}/payment/requests`);
  const agent = agentFor(url.protocol, klarna);
  try {
    return await exchange({ method: 'POST', url, headers, body: JSON.stringify(body), agent, timeoutMillis });
  } catch (error) {
    if (error instanceof IncompleteExchange) return { status: undefined, body: '' };
    // The message of Node's own error may quote a header.
    throw new Error('No request can be sent to Klarna: check the API key and the certificate.');
  }
}

function createdIn(body: string): PaymentRequestId {
  const parsed = v.safeParse(createdSchema, readJson(body));
  const id = parsed.success ? parsePaymentRequestId(parsed.output.payment_request_id) : undefined;
  if (id) return id;
  throw new Error('Klarna created a Payment Request, and its response has no id that can be read.');
}

const codePattern = /^[A-Za-z0-9_.:-]{1,80}$/;

/** Why there is no request. Klarna's own text could repeat what was sent. */
function refusalOf(status: number | undefined, body: string): string {
  if (status === undefined)
    return 'Klarna did not respond to the creation of a Payment Request. If it made one, Klarna ends it by itself.';
  const { error_code, error_id } = v.parse(codesSchema, readJson(body));
  const codes = [error_code, error_id && `error ${error_id}`].filter(
    (code) => code !== undefined && codePattern.test(code.replace('error ', '')),
  );
  return `Klarna responded ${[status, ...codes].join(' ')} to the creation of a Payment Request.`;
}

/** A UUID of version 5, as Klarna documents the key: a hash of the reference. */
function idempotencyKeyOf(reference: string): string {
  const digits = hash('sha1', `lapse-try ${reference}`).slice(0, 32).split('');
  digits[12] = '5';
  digits[16] = '8';
  const text = digits.join('');
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join(
    '-',
  );
}
