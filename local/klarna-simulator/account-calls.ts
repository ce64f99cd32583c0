import type { AccountSecurity } from './account-security.ts';
import type { ApiCall, ManagementRoute } from './api-call.ts';
import type { ApiKey, ApiKeys } from './api-keys.ts';
import type { Caller } from './caller.ts';
import {
  type CertificateUsage,
  certificateUsages,
  type ClientCertificate,
  type ClientCertificates,
} from './client-certificates.ts';
import type { SettingsInForce } from './settings.ts';
import { isJsonObject } from '../shared/json-object.ts';
import { invalid, notFound, type Refusal, type SimulatorResponse } from './simulator-response.ts';

export interface AccountCallsParts {
  readonly apiKeys: ApiKeys;
  readonly certificates: ClientCertificates;
  readonly security: AccountSecurity;
  readonly settings: SettingsInForce;
}

type Response = SimulatorResponse | Refusal;

/** Performs a call about API keys, client certificates and who may call, and returns Klarna's response. */
export function respondToAccountCall(
  parts: AccountCallsParts,
  route: ManagementRoute & {
    readonly resource: 'api-keys' | 'client-certificates' | 'enforcement' | 'allowed-addresses';
  },
  { caller, body }: ApiCall,
): Response | Promise<Response> {
  switch (route.resource) {
    case 'api-keys':
      return respondToApiKeyCall(parts.apiKeys, route, { caller, body });
    case 'client-certificates':
      return respondToCertificateCall(parts.certificates, route, { caller, body });
    case 'enforcement':
      return respondToEnforcementCall(parts.security, route, { caller, body });
    case 'allowed-addresses': {
      const { ipRestrictions, allowedAddresses } = parts.settings.current;
      return { status: 200, json: { mode: ipRestrictions, allowed_ips: allowedAddresses } };
    }
  }
}

function respondToApiKeyCall(
  apiKeys: ApiKeys,
  { operation, id }: ManagementRoute,
  { caller, body }: ApiCall,
): Response {
  const shown = (key: ApiKey) => shownApiKey(key, apiKeys);
  if (operation === 'create') {
    const description = readDescription(body);
    if (typeof description === 'object') return description;
    const created = apiKeys.create(caller, description);
    return {
      status: 201,
      json: { ...shown(created), secret: { secret: created.secret } },
      tookEffect: true,
    };
  }
  const keys = apiKeys.ofAccount(caller);
  if (operation === 'list') return { status: 200, json: { credentials: keys.map(shown) } };
  const key = keys.find(({ credential_id }) => credential_id === id);
  if (!key) return notFound('API key');
  if (operation === 'read') return { status: 200, json: shown(key) };
  apiKeys.disable(key);
  return { status: 204, tookEffect: true };
}

/** The secret is shown once, when the key is created. */
const shownApiKey = (key: ApiKey, apiKeys: ApiKeys) => ({
  credential_id: key.credential_id,
  description: key.description,
  state: apiKeys.isDisabled(key) ? 'DISABLED' : 'ACTIVE',
  created_at: key.created_at,
  last_used_at: key.last_used_at,
});

async function respondToCertificateCall(
  certificates: ClientCertificates,
  { operation, id }: ManagementRoute,
  { caller, body }: ApiCall,
): Promise<Response> {
  if (operation === 'create') return issueCertificate(certificates, caller, body);
  const all = certificates.ofAccount(caller);
  const shown = (each: ClientCertificate) => shownCertificate(each, certificates);
  if (operation === 'list') return { status: 200, json: { credentials: all.map(shown) } };
  const found = all.find(({ credential_id }) => credential_id === id);
  return found ? { status: 200, json: shown(found) } : notFound('client certificate');
}

const signingRequestField = 'config.certificate_signing_request';

async function issueCertificate(
  certificates: ClientCertificates,
  caller: Caller,
  body: ApiCall['body'],
): Promise<Response> {
  const description = readDescription(body);
  if (typeof description === 'object') return description;
  const { config } = body;
  if (!isJsonObject(config)) return invalid('config', 'It must be an object.');
  const { usage, certificate_signing_request: signingRequest } = config;
  if (!isUsage(usage)) return invalid('config.usage', `It must be one of ${certificateUsages.join(', ')}.`);
  if (typeof signingRequest !== 'string') return invalid(signingRequestField, 'It must be a text.');
  const issued = await certificates.issue(caller, { signingRequest, usage, description });
  return 'violation' in issued
    ? invalid(signingRequestField, issued.violation)
    : { status: 201, json: shownCertificate(issued, certificates), tookEffect: true };
}

const isUsage = (usage: unknown): usage is CertificateUsage =>
  (certificateUsages as readonly unknown[]).includes(usage);

const shownCertificate = (each: ClientCertificate, certificates: ClientCertificates) => ({
  credential_id: each.credential_id,
  description: each.description,
  state: certificates.isExpired(each) ? 'EXPIRED' : 'ACTIVE',
  created_at: each.created_at,
  expires_at: each.expires_at,
  config: { usage: each.usage },
  certificate: each.certificate,
});

function respondToEnforcementCall(
  security: AccountSecurity,
  { operation }: ManagementRoute,
  { caller, body }: ApiCall,
): Response {
  if (operation === 'release') {
    security.release(caller);
    return { status: 204, tookEffect: true };
  }
  if (operation === 'read') return { status: 200, json: security.enforcementFor(caller) ?? {} };
  const enforced = security.enforce(caller, body['enforced_from']);
  return 'violation' in enforced
    ? invalid('enforced_from', enforced.violation)
    : { status: 200, json: enforced, tookEffect: true };
}

function readDescription({ description }: ApiCall['body']): string | Refusal | undefined {
  return description === undefined || (typeof description === 'string' && description.length <= 255)
    ? description
    : invalid('description', 'It must be a text of at most 255 characters.');
}
