import { hash } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { CancelResult } from '../application/cancel-payment-request.ts';
import type { SessionResult } from '../application/register-session.ts';
import type { Repeatable, repeatSafely } from '../application/repeat-safely.ts';
import type { IdempotentCall } from '../domain/idempotent-call.ts';
import type { PaymentRequestKey } from '../domain/identifiers.ts';
import { invalid, Problem, shown } from './problem.ts';

/** Keeps the calls that have a key. */
export type RepeatSafely = ReturnType<typeof repeatSafely>;

/**
 * Runs a call, once for its `Idempotency-Key` if it has one. Throws the problem `idempotency-key-reused` where another call had the
 * key.
 */
export async function oncePerKey<Result>(
  repeat: RepeatSafely,
  event: APIGatewayProxyEventV2,
  key: PaymentRequestKey,
  repeatable: Repeatable<Result>,
): Promise<Result> {
  const call = idempotentCallOf(event);
  if (!call) return repeatable.run();
  const result = await repeat(key, call, repeatable);
  if (result !== 'reused') return result;
  throw new Problem('idempotency-key-reused', {
    detail: 'Another call had this Idempotency-Key. Nothing was done. Send a new key with a new call.',
    members: { payment_request_id: key.paymentRequestId },
  });
}

/** How a registration is kept. */
export const repeatedRegistration = (run: () => Promise<SessionResult>): Repeatable<SessionResult> => ({
  run,
  keptOf: ({ outcome, record }) => {
    switch (outcome.kind) {
      case 'registered':
      case 'changed':
      case 'unchanged':
        return { outcome: outcome.kind };
      case 'already_final':
        return { outcome: outcome.kind, ...(record?.state && { state: record.state }) };
      default:
        return undefined;
    }
  },
  again: ({ outcome, state }, record) =>
    outcome === 'already_final' && state !== undefined
      ? { outcome: { kind: outcome, state }, record: { ...record, state } }
      : {
          outcome: { kind: outcome === 'registered' || outcome === 'changed' ? outcome : 'unchanged' },
          record,
        },
});

/** How a cancel is kept. */
export const repeatedCancel = (run: () => Promise<CancelResult>): Repeatable<CancelResult> => ({
  run,
  keptOf: (result) => {
    switch (result.outcome) {
      case 'canceled':
      case 'already_canceled':
        return { outcome: result.outcome };
      case 'already_final':
        return { outcome: result.outcome, state: result.state };
      default:
        return undefined;
    }
  },
  again: ({ outcome, state }, record) =>
    outcome === 'already_final' && state !== undefined
      ? { outcome, state, record }
      : { outcome: outcome === 'canceled' ? outcome : 'already_canceled', record },
});

/** The key of a call and what it asks for, byte for byte. Throws the problem `invalid-request` where the key is malformed. */
function idempotentCallOf(event: APIGatewayProxyEventV2): IdempotentCall | undefined {
  const key = event.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (!/^[\x21-\x7e]{1,64}$/.test(key)) {
    const allowed = '1 to 64 printable ASCII characters without spaces';
    throw invalid({ field: 'Idempotency-Key', given: shown(key), allowed });
  }
  const { routeKey, rawQueryString, body = '', isBase64Encoded } = event;
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8').toString('base64');
  return { key: digestOf(key), request: digestOf(JSON.stringify([routeKey, rawQueryString, bytes])) };
}

const digestOf = (text: string): string => hash('sha256', text).slice(0, 16);
