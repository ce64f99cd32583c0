import { randomBytes } from 'node:crypto';
import { defaultSigningKeys } from '../../local/secrets/default-secrets.ts';
import { sign } from '../../functions/webhook/klarna-signature.ts';
import { paymentRequestStates } from '../../functions/domain/payment-request-state.ts';
import type { Draws } from '../simulation/draws.ts';
import type { WireRequest } from './api-requests.ts';
import { malformed, malformedBodies } from './malformed-inputs.ts';

/** A request to the webhook, and the response that it must get. */
export interface WebhookRequest extends WireRequest {
  readonly allowed: readonly number[];
}

const [[keyId, { key, accounts }]] = Object.entries(defaultSigningKeys) as [
  [string, (typeof defaultSigningKeys)[keyof typeof defaultSigningKeys]],
];
const [subject] = Object.keys(accounts);

/** A delivery as Klarna makes them. Unless it `isSound`, some fields are missing or malformed. */
function drawDelivery(draws: Draws, ids: readonly string[], isSound: boolean): Uint8Array {
  const state = draws.pick(paymentRequestStates);
  const metadata: Record<string, unknown> = {
    event_id: `fuzz-${draws.between(1, 1_000_000_000)}`,
    event_type: `payment.request.state-change.${state.toLowerCase().replace('_', '-')}`,
    event_version: 'v2',
    occurred_at: new Date(Date.now() - draws.between(0, 3_600_000)).toISOString(),
    subject_account_id: subject,
    live: false,
  };
  const payload: Record<string, unknown> = {
    payment_request_id: draws.pick(ids),
    state,
    previous_state: 'SUBMITTED',
  };
  if (!isSound) {
    for (const part of [metadata, payload]) {
      for (const name of Object.keys(part)) {
        if (draws.chance(0.15)) part[name] = draws.chance(0.3) ? undefined : malformed(draws);
      }
    }
    if (draws.chance(0.05))
      return Buffer.from(JSON.stringify({ metadata: malformed(draws), payload: malformed(draws) }));
  }
  return Buffer.from(JSON.stringify({ metadata, payload }));
}

/** Changes, adds or removes one byte. */
function mutated(bytes: Uint8Array, draws: Draws): Uint8Array {
  const copy = Buffer.from(bytes);
  const at = draws.between(0, copy.length - 1);
  const roll = draws.next();
  if (roll < 0.5) {
    copy[at] = (copy[at] ?? 0) ^ (1 << draws.between(0, 7));
    return copy;
  }
  return roll < 0.75
    ? Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1)])
    : Buffer.concat([copy.subarray(0, at), Buffer.from([draws.between(0, 255)]), copy.subarray(at)]);
}

const json = 'application/json';

/** Requests of every kind that the webhook must tell apart. The kind is the route. */
export function drawWebhookRequest(draws: Draws, ids: readonly string[]): WebhookRequest {
  const body = drawDelivery(draws, ids, true);
  const headersFor = (bytes: Uint8Array): Record<string, string | readonly string[]> => ({
    'content-type': json,
    'klarna-signing-key-id': keyId,
    'klarna-signature': sign(bytes, key),
  });
  const request = (
    route: string,
    allowed: readonly number[],
    fields: Partial<WebhookRequest> = {},
  ): WebhookRequest => ({
    route: `webhook: ${route}`,
    method: 'POST',
    path: '/',
    headers: headersFor(body),
    body,
    allowed,
    ...fields,
  });
  switch (draws.between(1, 12)) {
    case 1:
    case 2:
      return request('valid', [200]);
    case 3:
    case 4: {
      const odd = drawDelivery(draws, ids, false);
      return request('signed, with odd fields', [200], { body: odd, headers: headersFor(odd) });
    }
    case 5: {
      const odd = draws.pick(malformedBodies);
      return request('signed, malformed', [200, 413], { body: odd, headers: headersFor(odd) });
    }
    case 6:
    case 7:
      return request('one byte of the body changed', [400], { body: mutated(body, draws) });
    case 8: {
      const signature = sign(body, key);
      const wrong = [
        '',
        signature.slice(1),
        `${signature}0`,
        signature.toUpperCase().replace(/^/, 'x'),
        `sha256=${signature}`,
        sign(body, `${key} `),
        sign(Buffer.concat([body, Buffer.from('\n')]), key),
        randomBytes(32).toString('hex'),
        Buffer.from(signature, 'hex').toString('base64'),
      ];
      return request('a wrong signature', [400], {
        headers: { ...headersFor(body), 'klarna-signature': draws.pick(wrong) },
      });
    }
    case 9: {
      const headers = headersFor(body);
      const name = draws.pick(['klarna-signature', 'klarna-signing-key-id']);
      const value = String(headers[name]);
      return draws.chance(0.5)
        ? request('a missing header', [400], {
            headers: Object.fromEntries(Object.entries(headers).filter(([each]) => each !== name)),
          })
        : request('a doubled header', [400], { headers: { ...headers, [name]: [value, value] } });
    }
    case 10:
      return request('an unknown key', [400], {
        headers: {
          ...headersFor(body),
          'klarna-signing-key-id': draws.pick([
            'x',
            '__proto__',
            'constructor',
            'a'.repeat(900),
            `${keyId}2`,
          ]),
        },
      });
    case 11:
      return request('another method', [405], {
        method: draws.pick(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']),
        body: draws.chance(0.5) ? body : undefined,
      });
    default:
      return draws.chance(0.5)
        ? request('another content type', [415], {
            headers: {
              ...headersFor(body),
              'content-type': draws.pick(['text/plain', 'application/xml', '']),
            },
          })
        : request('too large', [413], { body: Buffer.alloc(70_000, 'a') });
  }
}
