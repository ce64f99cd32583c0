import type { KlarnaCredentials } from '../../functions/domain/account-settings.ts';
import type { KlarnaResponse } from '../../functions/domain/klarna-response.ts';
import type { PaymentRequestId } from '../../functions/domain/identifiers.ts';
import { parseInstant } from '../../functions/domain/instant.ts';
import { type ReceivedRequest, resetting, responding, startMisbehavingServer } from './misbehaving-server.ts';
import { planted } from './planted-secrets.ts';
import type { ScriptedKlarna } from './scripted-klarna.ts';

/**
 * Serves the double over HTTP on a port of this machine. Each response of the port becomes the HTTP response that Klarna
 * gives. Its body also has texts that Lapse must not log or store.
 */
export async function startKlarnaServer(klarna: ScriptedKlarna) {
  const server = await startMisbehavingServer();
  server.behaves((response, request) => {
    const id = request.url.slice(request.url.lastIndexOf('/') + 1) as PaymentRequestId;
    void responseTo(klarna, request, id).then((shown) => {
      const behaviour = shown.proof['status'] === undefined ? resetting : respondingAs(shown, id);
      behaviour(response, request);
    });
  });
  return server;
}

/** The API key of a call is the whole Authorization header. */
const credentialsOf = ({ headers }: ReceivedRequest): KlarnaCredentials => ({
  credential: 'shop-se',
  rateShare: 1,
  environment: 'test',
  apiKey: headers.authorization ?? '',
  username: undefined,
  partnerAccountId: undefined,
  clientCertificate: undefined,
  clientKey: undefined,
});

function responseTo(
  klarna: ScriptedKlarna,
  request: ReceivedRequest,
  id: PaymentRequestId,
): Promise<KlarnaResponse> {
  const credentials = credentialsOf(request);
  switch (request.method) {
    case 'GET':
      return klarna.read(credentials, id, Infinity);
    case 'DELETE':
      return klarna.cancel(credentials, id, Infinity);
    default:
      return klarna.moveExpiry(credentials, id, expiryIn(request.body));
  }
}

function expiryIn(body: string) {
  const update = JSON.parse(body) as {
    readonly customer_interaction_config: { readonly interaction_expiry: { readonly timestamp: string } };
  };
  const expiresAt = parseInstant(update.customer_interaction_config.interaction_expiry.timestamp);
  if (!expiresAt) throw new Error(`not an expiry: ${body}`);
  return expiresAt;
}

const errorCodes: Readonly<Record<string, string>> = {
  400: 'VALIDATION_ERROR',
  401: 'UNAUTHORIZED',
  403: 'OPERATION_FORBIDDEN',
  404: 'RESOURCE_NOT_FOUND',
  409: 'RESOURCE_CONFLICT',
  429: 'RATE_LIMITED',
  500: 'INTERNAL_ERROR',
};

function respondingAs(shown: KlarnaResponse, id: PaymentRequestId) {
  const { status = '500', error_code = errorCodes[status], state } = shown.proof;
  switch (shown.kind) {
    case 'payment_request':
      return responding(200, {
        payment_request_id: id,
        state: shown.state,
        previous_state: shown.previousState,
        state_reason: shown.stateReason,
        updated_at: shown.updatedAt,
        expires_at: shown.expiresAt,
        state_context: { klarna_network_session_token: planted.token },
      });
    case 'unknown_state':
      return responding(200, { payment_request_id: id, state });
    case 'not_found':
    case 'denied':
    case 'rate_limited':
    case 'refused':
    case 'unclear':
      return responding(Number(status), {
        error_id: '0d5f5c1e-0000-4000-8000-000000000000',
        error_code,
        error_message: planted.text,
      });
  }
}
